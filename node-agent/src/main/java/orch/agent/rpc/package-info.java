/** The session with the controllers, and task output to them, over gRPC. */
@NullMarked
package orch.agent.rpc;

import org.jspecify.annotations.NullMarked;

/**
 * The gRPC edge: the public services, the agents' sessions, watches and output streams, over what
 * {@code orch.controller.port} shows of the controller.
 */
@NullMarked
package orch.controller.rpc;

import org.jspecify.annotations.NullMarked;

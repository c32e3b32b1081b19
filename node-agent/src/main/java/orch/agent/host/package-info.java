/** This host: who it is, what it has, where the agent keeps things. */
@NullMarked
package orch.agent.host;

import org.jspecify.annotations.NullMarked;

/**
 * The agent's loop: carries inputs to {@code orch.agent.core} and its effects to the launcher, the
 * controller, the logs and the agent's files. Everything outside comes in through seams, so that
 * the simulation drives the same code.
 */
@NullMarked
package orch.agent.runtime;

import org.jspecify.annotations.NullMarked;

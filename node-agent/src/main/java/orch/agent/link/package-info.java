/**
 * The session with the leader as the agent's loop sees it; the simulation puts its own behind it.
 */
@NullMarked
package orch.agent.link;

import org.jspecify.annotations.NullMarked;

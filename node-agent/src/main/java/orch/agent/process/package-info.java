/**
 * Launching, stopping and finding again: the agent's side of docs/launcher-protocol.md. The
 * launcher and its shims obey and record; what to do is decided in {@code orch.agent.core}.
 */
@NullMarked
package orch.agent.process;

import org.jspecify.annotations.NullMarked;

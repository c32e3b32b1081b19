/**
 * What the agent decides: which attempt starts, stops, is reported and forgotten. Pure: inputs and
 * the time come in, effects go out, nothing else happens. The table of an attempt's states is
 * {@code AttemptTable}; its diagram is docs/agent-state-machine.md.
 */
@NullMarked
package orch.agent.core;

import org.jspecify.annotations.NullMarked;

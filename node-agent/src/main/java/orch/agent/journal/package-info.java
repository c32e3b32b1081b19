/**
 * Task output into systemd's journal, by its native protocol. The segments are the primary store;
 * the journal gets a copy of each line at least once, in order a stream.
 */
@NullMarked
package orch.agent.journal;

import org.jspecify.annotations.NullMarked;

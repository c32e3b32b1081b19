/**
 * The running controller: one loop that owns the state, as a {@code drain()} over executor, clock
 * and timers, so that a simulation can drive it with its own; and the thread that drives it in
 * earnest.
 */
@NullMarked
package orch.controller.runtime;

import org.jspecify.annotations.NullMarked;

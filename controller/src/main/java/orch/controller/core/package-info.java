/**
 * The cluster's state machine, pure: {@link orch.controller.core.Decider} turns inputs into changes
 * and effects, {@link orch.controller.core.State} applies changes, {@link
 * orch.controller.core.StateView} answers reads. No I/O, no clock, no randomness; one thread.
 */
@NullMarked
package orch.controller.core;

import org.jspecify.annotations.NullMarked;

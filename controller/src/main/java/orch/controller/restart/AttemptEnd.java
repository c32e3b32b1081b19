package orch.controller.restart;

import java.time.Duration;
import orch.api.model.Result;
import orch.api.model.Uid;

/**
 * An attempt that ended without having been told to.
 *
 * @param uid seeds the jitter
 * @param ran from start to end on the node's clock; zero when it never ran
 * @param preempted the scheduler took its place
 * @param memoryBytes limit that it ran with; 0: none
 */
public record AttemptEnd(
    Uid uid, Result result, Duration ran, boolean preempted, long memoryBytes) {}

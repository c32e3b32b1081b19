package orch.controller.core;

import orch.api.model.Uid;

/**
 * An attempt that an agent runs and that the state does not know, because it was made before the
 * cluster was restored from a backup, or in another cluster: nobody stops it but an operator.
 *
 * @param jobNumber as the agent knows it; the job may be unknown here
 * @param attempt number of the attempt
 * @param startNanos the node's clock; 0: it has not started or nobody knows
 * @param sinceNanos when it was found, the log's clock
 * @param stopping whether an operator has had it stopped
 */
public record HeldAttempt(
    Uid uid,
    Uid jobUid,
    long jobNumber,
    int index,
    int attempt,
    long startNanos,
    long sinceNanos,
    boolean stopping) {
  HeldAttempt stopped() {
    return new HeldAttempt(uid, jobUid, jobNumber, index, attempt, startNanos, sinceNanos, true);
  }
}

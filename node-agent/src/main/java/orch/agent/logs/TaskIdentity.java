package orch.agent.logs;

import java.time.Duration;
import orch.api.model.Uid;

/**
 * Whose output an attempt's segments hold.
 *
 * @param traceId 32 hexadecimal digits, or empty
 * @param spanId 16 hexadecimal digits, or empty
 * @param journal whether journald gets a copy
 * @param retention how long the segments are kept after the end
 */
public record TaskIdentity(
    Uid uid,
    Uid jobUid,
    long jobNumber,
    String namespace,
    String jobName,
    int index,
    int attempt,
    String node,
    String traceId,
    String spanId,
    boolean journal,
    Duration retention) {
  /** {@code web/3}. */
  public String task() {
    return jobName + "/" + index;
  }
}

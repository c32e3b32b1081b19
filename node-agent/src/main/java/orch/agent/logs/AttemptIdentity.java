package orch.agent.logs;

import java.time.Duration;
import orch.api.model.Uid;

/**
 * Whose output it is: what log records and journal entries carry beside the text.
 *
 * @param attempt number of the attempt, from 1
 * @param traceId 32 hexadecimal digits, or empty
 * @param spanId 16 hexadecimal digits, or empty
 * @param journal whether journald gets a copy
 * @param keep how long the segments are kept after the end
 */
public record AttemptIdentity(
    Uid jobUid,
    long jobNumber,
    String namespace,
    String jobName,
    int index,
    int attempt,
    String traceId,
    String spanId,
    boolean journal,
    Duration keep) {}

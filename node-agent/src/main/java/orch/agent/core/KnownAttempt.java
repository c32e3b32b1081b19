package orch.agent.core;

import java.time.Duration;
import orch.api.model.DesiredAttempt;
import orch.api.model.JobSpec;
import orch.api.model.JobType;
import orch.api.model.PartitionMode;
import orch.api.model.SpecDefinition;
import orch.api.model.Uid;
import orch.api.model.UnreadableSpec;

/**
 * What the agent must still know of an attempt after a restart of its own: kept in a file of the
 * data directory, written before the launcher hears of the attempt.
 *
 * @param traceId 32 hexadecimal digits, or empty
 * @param spanId 16 hexadecimal digits, or empty
 * @param journal whether journald gets its output
 * @param logRetention how long its output is kept after the end
 * @param stopAfter how long it may run without a leader's word ({@code partition: stop}); zero: it
 *     needs none
 * @param priority of its job, higher is stopped later when the node is
 * @param service whether it runs until it is stopped, not to completion
 * @param nodeStops whether it was stopped, or was to be, since its node was
 */
public record KnownAttempt(
    Uid uid,
    Uid jobUid,
    long jobNumber,
    String namespace,
    String jobName,
    int index,
    int attempt,
    String traceId,
    String spanId,
    boolean journal,
    Duration logRetention,
    Duration stopAfter,
    int priority,
    boolean service,
    boolean nodeStops) {

  static KnownAttempt of(DesiredAttempt order, SpecDefinition definition) {
    return new KnownAttempt(
        order.uid(),
        order.jobUid(),
        definition.jobNumber(),
        definition.namespace(),
        definition.jobName(),
        order.index(),
        order.attempt(),
        definition.traceId(),
        order.spanId(),
        definition.spec().logs().journal(),
        definition.spec().retention().logs(),
        definition.spec().partition().mode() == PartitionMode.STOP
            ? definition.spec().partition().stopAfter()
            : Duration.ZERO,
        definition.spec().priority(),
        definition.spec().type() == JobType.SERVICE,
        false);
  }

  /** For one that is never started. */
  static KnownAttempt unreadable(DesiredAttempt order, UnreadableSpec spec) {
    return new KnownAttempt(
        order.uid(),
        order.jobUid(),
        spec.jobNumber(),
        spec.namespace(),
        spec.jobName(),
        order.index(),
        order.attempt(),
        "",
        order.spanId(),
        false,
        Duration.ofDays(7),
        Duration.ZERO,
        JobSpec.DEFAULT_PRIORITY,
        false,
        false);
  }

  /** For one that the journal claims and the file does not know: lost in a power failure. */
  static KnownAttempt nameless(Uid uid) {
    return new KnownAttempt(
        uid,
        uid,
        0,
        "",
        "",
        0,
        1,
        "",
        "",
        false,
        Duration.ofDays(7),
        Duration.ZERO,
        JobSpec.DEFAULT_PRIORITY,
        false,
        false);
  }

  /** The same, to be stopped since its node is. */
  KnownAttempt stoppedWithItsNode() {
    return new KnownAttempt(
        uid,
        jobUid,
        jobNumber,
        namespace,
        jobName,
        index,
        attempt,
        traceId,
        spanId,
        journal,
        logRetention,
        stopAfter,
        priority,
        service,
        true);
  }

  /** Whether it runs under a lease. */
  public boolean leased() {
    return stopAfter.isPositive();
  }

  /** {@code web/3@2}. */
  public String name() {
    return jobName + "/" + index + "@" + attempt;
  }
}

package orch.controller.core;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import orch.api.model.JobState;
import orch.api.model.TaskState;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** A job without its specs and its tasks, as a checkpoint has it. */
final class JobPart {
  long number;
  String namespace = "";
  String name = "";
  String owner = "";
  String traceId = "";
  String traceState = "";
  final List<Long> dependsOn = new ArrayList<>(0);
  long afterJob;
  long submitNanos;
  int tasks;
  TaskState rest = TaskState.WAITING;
  long minVersion = 1;
  JobState state = JobState.QUEUED;
  String reason = "";
  boolean blocked;
  @Nullable JobEnding ending;
  String endingReason = "";
  long startNanos;
  long endNanos;
  int exitCode;
  long deadlineNanos;
  String suspendReason = "";
  final BitSet nodes = new BitSet();
  private int incarnation;
  private long epoch;
  private long sequence;

  Uid uid() {
    return new Uid(incarnation, epoch, sequence);
  }

  static PartWriter encode(Job job) {
    PartWriter to = new PartWriter();
    to.number(1, job.number);
    to.number(2, job.uid.incarnation());
    to.number(3, job.uid.epoch());
    to.number(4, job.uid.sequence());
    to.text(5, job.namespace);
    to.text(6, job.name);
    to.text(7, job.owner);
    to.text(8, job.traceId);
    to.text(9, job.traceState);
    for (long upstream : job.dependsOn) {
      to.present(10, upstream);
    }
    to.number(11, job.afterJob);
    to.number(12, job.submitNanos);
    to.number(13, job.tasks.size());
    to.number(14, Codes.of(job.tasks.rest()));
    to.number(15, job.minVersion - 1);
    to.name(16, job.state);
    to.text(17, job.reason);
    to.flag(18, job.blocked);
    to.name(19, job.ending);
    to.text(20, job.endingReason);
    to.number(21, job.startNanos);
    to.number(22, job.endNanos);
    to.number(23, job.exitCode);
    to.number(24, job.deadlineNanos);
    if (!job.nodes.isEmpty()) {
      to.bytes(25, job.nodes.toByteArray());
    }
    to.text(26, job.suspendReason);
    return to;
  }

  static JobPart decode(PartReader from) {
    JobPart to = new JobPart();
    while (from.next()) {
      switch (from.field()) {
        case 1 -> to.number = from.number();
        case 2 -> to.incarnation = from.integer();
        case 3 -> to.epoch = from.number();
        case 4 -> to.sequence = from.number();
        case 5 -> to.namespace = from.text();
        case 6 -> to.name = from.text();
        case 7 -> to.owner = from.text();
        case 8 -> to.traceId = from.text();
        case 9 -> to.traceState = from.text();
        case 10 -> to.dependsOn.add(from.number());
        case 11 -> to.afterJob = from.number();
        case 12 -> to.submitNanos = from.number();
        case 13 -> to.tasks = from.integer();
        case 14 -> to.rest = Codes.task((byte) from.number());
        case 15 -> to.minVersion = from.number() + 1;
        case 16 -> to.state = from.name(JobState.class);
        case 17 -> to.reason = from.text();
        case 18 -> to.blocked = from.flag();
        case 19 -> to.ending = from.name(JobEnding.class);
        case 20 -> to.endingReason = from.text();
        case 21 -> to.startNanos = from.number();
        case 22 -> to.endNanos = from.number();
        case 23 -> to.exitCode = from.integer();
        case 24 -> to.deadlineNanos = from.number();
        case 25 -> to.nodes.or(BitSet.valueOf(from.bytes()));
        case 26 -> to.suspendReason = from.text();
        default -> throw from.unknown();
      }
    }
    return to;
  }
}

package orch.controller.core;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import orch.api.model.DesiredAttempt;
import orch.api.model.JobSpec;
import orch.api.model.SpecDefinition;
import orch.api.model.Uid;

/**
 * Reads on the state. Only the thread that owns the state may call it; what it returns is immutable
 * and may leave that thread. The revision is the log's business: whoever reads knows it.
 */
public interface StateView {
  ClusterView cluster();

  /** The log's clock: time of the newest change, nanoseconds since the epoch; 0: none. */
  long nowNanos();

  /** A hash over the whole state, equal on every replica and JVM; costs time by its size. */
  long hash();

  // ---- jobs

  Optional<JobView> job(long number);

  /** Number of the newest job so called. */
  OptionalLong newestNamed(String namespace, String name);

  /** Number of the newest job that {@code principal} submitted: {@code last}. */
  OptionalLong lastOf(String namespace, String principal);

  /** Newest first. */
  Page<JobView> jobs(JobQuery query);

  /** Kept versions, newest first; empty for an unknown job. */
  List<JobVersionView> versions(long number);

  /** Why tasks of the job wait, or how it ended. */
  Optional<Explanation> explainJob(long number);

  /** What a submit of {@code spec} would do now; nothing is changed. */
  PlanView plan(String namespace, JobSpec spec);

  // ---- tasks

  Optional<TaskView> task(long jobNumber, int index);

  /** In order of the index; an unknown job gives an empty page. */
  Page<TaskView> tasks(TaskQuery query);

  /** Attempts of a task, oldest kept first; the newest is the last. */
  List<AttemptView> attempts(long jobNumber, int index);

  Optional<Explanation> explainTask(long jobNumber, int index);

  /** Part of every uid that is made now. */
  int incarnation();

  // ---- nodes

  Optional<NodeView> node(String uid);

  Optional<NodeView> nodeNumbered(int number);

  /** The node that holds the name now. */
  Optional<NodeView> nodeNamed(String name);

  /** All nodes in order of their names. */
  List<NodeView> nodes();

  /** Nodes, by uid, that have or had attempts of the job: where its output may be. */
  List<String> nodesOf(long jobNumber);

  // ---- what agents should run

  /** Every live attempt of the node's present boot, in order of uid. */
  List<DesiredAttempt> desiredOf(String nodeUid);

  /** One of them; empty when it has ended or is unknown. */
  Optional<DesiredAttempt> desired(AttemptRef attempt);

  /** The spec that desired attempts refer to. */
  Optional<SpecDefinition> spec(Uid jobUid, long version);
}

package orch.controller.core;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import orch.api.model.DesiredAttempt;
import orch.api.model.JobSpec;
import orch.api.model.SpecDefinition;
import orch.api.model.Uid;

/** The replicated state; made anew it is that before the first entry. One thread owns it. */
public final class State implements StateView {
  /**
   * Applies a change. Total: the same on every member and in every year; a change that does not fit
   * the state is a broken invariant.
   *
   * @param now of the change's entry, never lower than that of the entry before
   * @throws InvariantError naming state and change; the process must stop
   */
  public void apply(Change change, Instant now) {
    if (now.isAfter(Instant.MIN)) {
      throw new UnsupportedOperationException(change.toString());
    }
  }

  @Override
  public ClusterView cluster() {
    throw new UnsupportedOperationException();
  }

  @Override
  public long nowNanos() {
    throw new UnsupportedOperationException();
  }

  @Override
  public long hash() {
    throw new UnsupportedOperationException();
  }

  @Override
  public Optional<JobView> job(long number) {
    throw new UnsupportedOperationException();
  }

  @Override
  public OptionalLong newestNamed(String namespace, String name) {
    throw new UnsupportedOperationException();
  }

  @Override
  public OptionalLong lastOf(String namespace, String principal) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Page<JobView> jobs(JobQuery query) {
    throw new UnsupportedOperationException();
  }

  @Override
  public List<JobVersionView> versions(long number) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Optional<Explanation> explainJob(long number) {
    throw new UnsupportedOperationException();
  }

  @Override
  public PlanView plan(String namespace, JobSpec spec) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Optional<TaskView> task(long jobNumber, int index) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Page<TaskView> tasks(TaskQuery query) {
    throw new UnsupportedOperationException();
  }

  @Override
  public List<AttemptView> attempts(long jobNumber, int index) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Optional<Explanation> explainTask(long jobNumber, int index) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Optional<NodeView> node(String uid) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Optional<NodeView> nodeNumbered(int number) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Optional<NodeView> nodeNamed(String name) {
    throw new UnsupportedOperationException();
  }

  @Override
  public List<NodeView> nodes() {
    throw new UnsupportedOperationException();
  }

  @Override
  public List<String> nodesOf(long jobNumber) {
    throw new UnsupportedOperationException();
  }

  @Override
  public List<DesiredAttempt> desiredOf(String nodeUid) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Optional<DesiredAttempt> desired(AttemptRef attempt) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Optional<SpecDefinition> spec(Uid jobUid, long version) {
    throw new UnsupportedOperationException();
  }
}

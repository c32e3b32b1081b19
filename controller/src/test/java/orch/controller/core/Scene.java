package orch.controller.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import orch.api.model.AgentMessage;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.DesiredAttempt;
import orch.api.model.InventoryHash;
import orch.api.model.JobSpec;
import orch.api.model.JobType;
import orch.api.model.NodeCapacity;
import orch.api.model.NodeDescription;
import orch.api.model.RestartPolicy;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.StageTimes;
import orch.api.model.StopPolicy;
import orch.api.model.TaskSet;
import orch.api.model.TaskState;
import orch.api.model.Uid;
import orch.controller.convert.RecordConvert;
import org.jspecify.annotations.Nullable;

/**
 * A cluster to play scenes in: a leader's state and decider, nodes that answer when they are told
 * to, and a standby that gets every change through the log's bytes and must stay equal.
 */
final class Scene {
  static final String CLUSTER = "c1";
  static final long GIB = 1L << 30;

  State state = new State();
  State standby = new State();
  Decider decider = new Decider(state);
  Instant now = Instant.parse("2026-11-24T08:00:00Z");
  Decision last = new Decision(List.of(), List.of(), null, false);

  /** The leader's boot clock, which the wall clock's jumps do not touch. */
  long bootNanos = 5_000_000_000L;

  boolean comparing = true;

  boolean recording;

  /** Every change, in order, while it is recorded. */
  final List<Applied> applied = new ArrayList<>();

  boolean scheduling = true;
  private long session;
  private long epoch;

  record Applied(Change change, Instant now) {}

  /** A cluster whose first leader has begun. */
  static Scene given() {
    Scene scene = new Scene();
    scene.newLeader();
    return scene;
  }

  void newLeader() {
    decider = new Decider(state);
    on(new Input.BecameLeader(++epoch, "ctl-" + epoch, CLUSTER, 1));
  }

  /** A node with 1,000 attempts' room that knows nothing. */
  Scene node(String name, int cpu, int gib) {
    return hello(describe(name, cpu, gib));
  }

  static NodeDescription describe(String name, int cpu, int gib) {
    return describe(name, cpu, gib, "boot-1", new TreeMap<>());
  }

  static NodeDescription describe(
      String name, int cpu, int gib, String bootId, TreeMap<String, String> labels) {
    TreeMap<String, String> attributes = new TreeMap<>();
    attributes.put("kernel", "6.1.0-18");
    return new NodeDescription(
        "uid-" + name,
        name,
        "machine-" + name,
        bootId,
        "0.1",
        labels,
        attributes,
        new NodeCapacity(cpu * 1000L, gib * GIB, 1000, new TreeMap<>()),
        List.of(),
        "root");
  }

  Scene hello(NodeDescription node, AttemptStatus... known) {
    return hello(CLUSTER, node, known);
  }

  Scene hello(String clusterId, NodeDescription node, AttemptStatus... known) {
    InventoryHash hash = new InventoryHash();
    for (AttemptStatus status : known) {
      hash.add(status.uid(), status.state());
    }
    on(
        new Input.NodeHello(
            ++session,
            new AgentMessage.Hello(
                1, clusterId, 1, epoch, 0, node, hash.count(), hash.value(), 0)));
    return this;
  }

  void inventory(String node, AttemptStatus... known) {
    on(new Input.NodeInventory("uid-" + node, session, List.of(known), true));
  }

  // ---- inputs

  /** Decides, lets the standby follow, and schedules until nothing is to be done. */
  Decision on(Input input) {
    Decision decision = step(input);
    List<Effect> effects = new ArrayList<>(decision.effects());
    List<Change> changes = new ArrayList<>(decision.changes());
    boolean more = decision.more();
    int rounds = 0;
    while (scheduling && more) {
      assertTrue(rounds++ < 10_000, "scheduling never ends after " + input);
      Decision slice = step(new Input.Schedule());
      effects.addAll(slice.effects());
      changes.addAll(slice.changes());
      more = slice.more();
    }
    last = new Decision(changes, effects, decision.answer(), more);
    return last;
  }

  Decision step(Input input) {
    Decision decision = decider.decide(input, now);
    if (recording) {
      decision.changes().forEach(change -> applied.add(new Applied(change, now)));
    }
    if (comparing) {
      RecordConvert.Decided read =
          RecordConvert.decode(RecordConvert.encode(now, decision.changes()));
      assertEquals(decision.changes(), read.changes(), "through the log's bytes");
      read.changes().forEach(change -> standby.apply(change, read.now()));
      assertEquals(state.hash(), standby.hash(), () -> "standby differs after " + input);
    }
    return decision;
  }

  Scene after(Duration time) {
    now = now.plus(time);
    bootNanos += time.toNanos();
    on(new Input.Tick(bootNanos));
    return this;
  }

  static RequestMeta meta() {
    return RequestMeta.of("local:alice");
  }

  Answer submit(JobSpec spec) {
    return submit(spec, false);
  }

  Answer submit(JobSpec spec, boolean replace) {
    return answer(new Input.SubmitJob(meta(), "default", spec, replace, false, 0, "", ""));
  }

  Answer answer(Input.Request request) {
    Answer answer = on(request).answer();
    assertTrue(answer != null, "a request has an answer");
    return answer;
  }

  /** Submits and gives the number of the new job. */
  long job(JobSpec spec) {
    Answer.Submitted submitted = assertInstanceOf(Answer.Submitted.class, submit(spec));
    assertEquals(SubmitOutcome.CREATED, submitted.outcome());
    return submitted.number();
  }

  void cancel(long number) {
    answer(new Input.CancelJobs(meta(), List.of(number), ""));
  }

  Rejection refused(Answer answer) {
    return assertInstanceOf(Answer.Rejected.class, answer).rejection();
  }

  // ---- what agents say

  void running(long job, int... indexes) {
    report(job, AttemptState.RUNNING, null, indexes);
  }

  void exits(long job, int code, int... indexes) {
    report(
        job,
        code == 0 ? AttemptState.SUCCEEDED : AttemptState.FAILED,
        Result.exited(code),
        indexes);
  }

  void ends(long job, Result result, int... indexes) {
    report(job, AttemptState.FAILED, result, indexes);
  }

  void stopped(long job, int... indexes) {
    Result result = new Result(ResultKind.STOPPED, 2, 15, null, false, 0, 0, 0, 0, 0, 0);
    report(job, AttemptState.KILLED, result, indexes);
  }

  void dropped(long job, int... indexes) {
    report(job, AttemptState.DROPPED, null, indexes);
  }

  void report(long job, AttemptState state, @Nullable Result result, int... indexes) {
    for (int index : indexes) {
      AttemptView attempt = attempt(job, index);
      on(
          new Input.AttemptReports(
              attempt.nodeUid(), List.of(status(job, index, attempt, state, result))));
    }
  }

  AttemptStatus status(
      long job, int index, AttemptView attempt, AttemptState state, @Nullable Result result) {
    boolean ran = state != AttemptState.DROPPED && state != AttemptState.PLACED;
    long start = ran ? State.nanos(now) : 0;
    if (attempt.startNanos() != 0) {
      start = attempt.startNanos();
    }
    return new AttemptStatus(
        attempt.uid(),
        view(job).uid(),
        job,
        index,
        attempt.number(),
        state,
        "",
        start,
        state.ended() ? State.nanos(now) : 0,
        result,
        StageTimes.NONE);
  }

  // ---- what is there

  JobView view(long job) {
    return state.job(job).orElseThrow();
  }

  TaskView task(long job, int index) {
    return state.task(job, index).orElseThrow();
  }

  TaskState taskState(long job, int index) {
    return task(job, index).state();
  }

  AttemptView attempt(long job, int index) {
    AttemptView attempt = task(job, index).attempt();
    assertTrue(attempt != null, "task " + index + " of job " + job + " has an attempt");
    return attempt;
  }

  NodeView nodeView(String name) {
    return state.nodeNamed(name).orElseThrow();
  }

  List<DesiredAttempt> desired(String node) {
    return state.desiredOf("uid-" + node);
  }

  <T extends Effect> List<T> effects(Class<T> type) {
    return last.effects().stream().filter(type::isInstance).map(type::cast).toList();
  }

  boolean forgot(Uid uid) {
    return effects(Effect.Forget.class).stream().anyMatch(effect -> effect.uids().contains(uid));
  }

  // ---- specs

  /** One task that sleeps, 100m of CPU. */
  static JobSpec batch(String name) {
    return array(name, 1);
  }

  static JobSpec array(String name, int count) {
    return JobSpec.batch(name, TaskSet.count(count), List.of("/bin/true"));
  }

  static JobSpec service(String name, int count) {
    return array(name, count).toBuilder()
        .type(JobType.SERVICE)
        .restart(RestartPolicy.SERVICE_DEFAULT)
        .stop(StopPolicy.SERVICE_DEFAULT)
        .build();
  }

  static JobSpec with(JobSpec spec, UnaryOperator<SpecParts> change) {
    return change.apply(new SpecParts(spec)).spec();
  }
}

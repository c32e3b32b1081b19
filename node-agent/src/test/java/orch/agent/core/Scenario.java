package orch.agent.core;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.HealthChecks;
import orch.api.model.JobSpec;
import orch.api.model.LinkHeader;
import orch.api.model.PartitionMode;
import orch.api.model.PartitionPolicy;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.SpecDefinition;
import orch.api.model.StageTimes;
import orch.api.model.StartFailure;
import orch.api.model.StopOrder;
import orch.api.model.TaskSet;
import orch.api.model.TimeoutWarning;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** A vocabulary for tests of {@link AgentCore}: one core, its clock, and what it did last. */
final class Scenario {
  static final String BOOT = "5a6b1c2d-0000-4000-8000-000000000001";
  static final String OTHER_BOOT = "5a6b1c2d-0000-4000-8000-000000000002";
  static final String CLUSTER = "c1";
  static final Uid JOB = new Uid(1, 1, 1_000);

  AgentCore core = new AgentCore(BOOT, Obeyed.NOBODY, List.of());
  long bootNanos = 1_000_000_000_000L;

  /** How far the wall clock is off. */
  long wallJumpNanos;

  private long heartbeat;
  JobSpec spec = JobSpec.batch("web", TaskSet.count(10), List.of("/bin/true"));
  int incarnation = 1;
  long epoch = 1;
  String cluster = CLUSTER;
  long revision = 1;
  List<Effect> did = List.of();

  static Uid uid(long sequence) {
    return new Uid(1, 1, sequence);
  }

  static Result exit(int code) {
    return Result.exited(code);
  }

  static Result kind(ResultKind kind) {
    return new Result(kind, 2, 15, null, false, 0, 0, 0, 0, 0, 0);
  }

  Scenario withTimeout(Duration timeout, @Nullable TimeoutWarning warning) {
    spec = spec.toBuilder().timeout(timeout).warn(warning).build();
    return this;
  }

  Scenario withPartition(PartitionMode mode, Duration stopAfter) {
    PartitionPolicy policy = new PartitionPolicy(mode, Duration.ofMinutes(5), stopAfter);
    spec = spec.toBuilder().partition(policy).build();
    return this;
  }

  /** A heartbeat leaves; answer it with {@link #answers}. */
  Scenario beats() {
    return input(new Input.HeartbeatSent(++heartbeat, bootNanos));
  }

  /** The leader answers the newest heartbeat. */
  Scenario answers(boolean lease) {
    return answers(heartbeat, lease);
  }

  Scenario answers(long sequence, boolean lease) {
    return message(new ControllerMessage.HeartbeatReply(sequence, lease));
  }

  List<Deadline> renewals() {
    return all(Effect.Renew.class).stream().flatMap(each -> each.deadlines().stream()).toList();
  }

  Scenario withHealth(HealthChecks health) {
    spec = spec.toBuilder().health(health).build();
    return this;
  }

  Scenario input(Input input) {
    did = core.handle(input, new Moment(bootNanos, bootNanos + wallJumpNanos));
    return this;
  }

  Scenario passes(Duration time) {
    bootNanos += time.toNanos();
    return this;
  }

  Scenario launcher(Found... found) {
    return input(new Input.LauncherConnected(List.of(found)));
  }

  Scenario message(ControllerMessage message) {
    return input(
        new Input.Received(new LinkHeader(cluster, incarnation, epoch, revision++), message));
  }

  Scenario session() {
    return message(new ControllerMessage.Welcome(Duration.ofSeconds(1), false));
  }

  Scenario ready() {
    return launcher().session();
  }

  SpecDefinition definition() {
    return new SpecDefinition(JOB, 1, spec, "default", "web", 42, "", "", 10);
  }

  static DesiredAttempt order(Uid uid, String boot, @Nullable StopOrder stop, Duration startDelay) {
    return order(uid, boot, stop, startDelay, false);
  }

  static DesiredAttempt order(
      Uid uid, String boot, @Nullable StopOrder stop, Duration startDelay, boolean frozen) {
    return new DesiredAttempt(
        uid,
        JOB,
        1,
        (int) uid.sequence(),
        1,
        boot,
        stop,
        startDelay,
        new TreeMap<>(),
        uid.fencingToken(),
        "",
        "",
        0,
        StageTimes.NONE,
        frozen);
  }

  Scenario orders(boolean full, DesiredAttempt... orders) {
    return message(
        new ControllerMessage.Desired(full, full, List.of(definition()), List.of(orders)));
  }

  Scenario wants(Uid uid) {
    return orders(false, order(uid, BOOT, null, Duration.ZERO));
  }

  Scenario wantsOnly(Uid... uids) {
    List<DesiredAttempt> orders = new ArrayList<>();
    for (Uid uid : uids) {
      orders.add(order(uid, BOOT, null, Duration.ZERO));
    }
    return orders(true, orders.toArray(DesiredAttempt[]::new));
  }

  Scenario stops(Uid uid) {
    return orders(
        false, order(uid, BOOT, new StopOrder(null, "cancelled by alice"), Duration.ZERO));
  }

  Scenario started(Uid uid) {
    return input(new Input.Started(uid, bootNanos));
  }

  Scenario exits(Uid uid, Result result) {
    return input(new Input.Exited(uid, new End(result, bootNanos, bootNanos, bootNanos)));
  }

  Scenario startFails(Uid uid) {
    return input(
        new Input.StartFailed(uid, new StartFailure("exec", 2, "cannot start"), bootNanos));
  }

  Scenario forgets(Uid... uids) {
    return message(new ControllerMessage.Forget(List.of(uids)));
  }

  Scenario timer(Uid uid, Timer timer) {
    return input(new Input.TimerFired(uid, timer));
  }

  // ---- what it did ----

  <T extends Effect> List<T> all(Class<T> kind) {
    return did.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  List<Uid> starts() {
    return all(Effect.Start.class).stream().map(start -> start.order().uid()).toList();
  }

  List<Uid> stopsSent() {
    return all(Effect.Stop.class).stream().map(Effect.Stop::uid).toList();
  }

  AttemptStatus report(Uid uid) {
    List<AttemptStatus> reports =
        all(Effect.Report.class).stream()
            .map(Effect.Report::status)
            .filter(status -> status.uid().equals(uid))
            .toList();
    assertEquals(1, reports.size(), () -> "reports of " + uid + " in " + did);
    return reports.getFirst();
  }

  boolean reports(Uid uid) {
    return all(Effect.Report.class).stream().anyMatch(each -> each.status().uid().equals(uid));
  }

  Scenario expectReport(Uid uid, AttemptState state) {
    assertEquals(state, report(uid).state());
    return this;
  }

  Scenario expectStarts(Uid... uids) {
    assertEquals(List.of(uids), starts());
    return this;
  }

  Scenario expectStops(Uid... uids) {
    assertEquals(List.of(uids), stopsSent());
    return this;
  }

  Scenario expectNothing() {
    assertEquals(List.of(), did);
    return this;
  }
}

package orch.agent.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import orch.api.model.AttemptStatus;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.JobSpec;
import orch.api.model.LinkHeader;
import orch.api.model.PartitionMode;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.SpecDefinition;
import orch.api.model.StopOrder;
import orch.api.model.TaskSet;
import orch.api.model.Uid;
import org.junit.jupiter.api.Test;

/**
 * The core against a host that keeps a truthful journal and a controller that repeats itself, with
 * agents that die at any step: each attempt forks at most once, each reported end is the real one,
 * and after healing nothing is left.
 */
class AgentCoreRandomWalkTest {
  private static final int SEEDS = 300;
  private static final int STEPS = 400;
  private static final Duration LEASE = Duration.ofSeconds(10);

  @Test
  void anAttemptForksAtMostOnceAcrossRestartsAndItsEndIsTrue() {
    long base = Long.getLong("seed", Boolean.getBoolean("soak") ? System.nanoTime() : 1);
    int seeds = System.getProperty("seed") == null ? SEEDS : 1;
    for (int i = 0; i < seeds; i++) {
      long seed = base + i;
      try {
        new World(seed).run();
      } catch (RuntimeException | Error e) {
        throw new AssertionError("seed " + seed + " (replay with -Dseed=" + seed + ")", e);
      }
    }
  }

  /** What the journal and the kernel know of an attempt. */
  private static final class Claim {
    boolean running = true;
    boolean stopAsked;
    Result result = Result.exited(0);
    boolean durable;
    long deadline;
    boolean frozen;
  }

  private static final class World {
    final Random random;
    final Map<Uid, Claim> journal = new TreeMap<>();
    final Map<Uid, Integer> forks = new TreeMap<>();
    final Map<Uid, Result> truth = new TreeMap<>();
    final Map<Uid, KnownAttempt> remembered = new TreeMap<>();
    final List<Buried> tombstones = new ArrayList<>();
    Obeyed obeyed = Obeyed.NOBODY;

    /** Starts that the launcher has queued and no shim has taken. */
    final Set<Uid> queued = new LinkedHashSet<>();

    final Map<Uid, DesiredAttempt> desired = new LinkedHashMap<>();
    final Set<Uid> stopOrdered = new TreeSet<>();

    /** Those that are to stand still. */
    final Set<Uid> suspended = new TreeSet<>();

    final Set<Uid> forgotten = new TreeSet<>();
    final Map<Uid, AttemptStatus> ended = new TreeMap<>();
    AgentCore core = new AgentCore(Scenario.BOOT, Obeyed.NOBODY, List.of());
    boolean launcher;
    boolean session;
    long now = 1_000_000_000_000L;
    long sequence;
    boolean healing;

    /** Deadlines that were handed over with starts, until a shim takes them. */
    final Map<Uid, Long> deadlines = new TreeMap<>();

    /** In every other world the tasks live by leases. */
    final boolean leased;

    long heartbeat;
    final Map<Long, Long> heartbeats = new TreeMap<>();

    /** When the last heartbeat that got a lease was sent. */
    long leaseFrom = Long.MIN_VALUE / 2;

    World(long seed) {
      random = new Random(seed);
      leased = seed % 2 == 0;
    }

    void run() {
      for (int step = 0; step < STEPS; step++) {
        now += random.nextInt(1_000_000_000);
        endLeases();
        step(random.nextInt(100));
      }
      healing = true;
      connectLauncher();
      openSession();
      journal.forEach((uid, claim) -> {
        if (claim.running && desired.containsKey(uid) && !stopOrdered.contains(uid)) {
          assertEquals(suspended.contains(uid), claim.frozen, uid + " stands still");
        }
      });
      suspended.clear();
      desired.replaceAll((uid, order) -> frozenOr(order, false));
      for (int round = 0; round < 50; round++) {
        now += Duration.ofSeconds(31).toNanos();
        endLeases();
        connectLauncher();
        openSession();
        beat();
        answer(true);
        journal.keySet().stream().toList().forEach(this::finish);
        List.copyOf(queued).forEach(this::take);
        input(new Input.LeaseTick());
        journal.keySet().stream().toList().forEach(this::finish);
        input(new Input.Tick());
        forget();
      }
      assertEquals(desired.keySet(), forgotten, "every attempt has ended and was forgotten");
      assertEquals(Map.of(), core.states());
      assertEquals(Map.of(), journal);
    }

    private void step(int dice) {
      if (dice < 20) {
        order();
      } else if (dice < 30) {
        stop();
      } else if (dice < 45) {
        pick(queued).forEach(this::take);
      } else if (dice < 65) {
        pick(journal.keySet()).forEach(this::finish);
      } else if (dice < 75) {
        forget();
      } else if (dice < 80) {
        openSession();
      } else if (dice < 84) {
        session = false;
        input(new Input.SessionClosed());
      } else if (dice < 88) {
        launcher = false;
        queued.clear();
        input(new Input.LauncherLost());
      } else if (dice < 94) {
        connectLauncher();
      } else if (dice < 96) {
        crash();
      } else if (dice < 98) {
        suspend();
      } else {
        input(new Input.Tick());
      }
      if (random.nextInt(3) == 0) {
        beat();
        answer(random.nextInt(4) > 0);
        input(new Input.LeaseTick());
      }
    }

    /** What the shims do, whoever is dead. */
    private void endLeases() {
      for (Map.Entry<Uid, Claim> entry : List.copyOf(journal.entrySet())) {
        Claim claim = entry.getValue();
        if (claim.running && claim.deadline != 0 && claim.deadline <= now) {
          end(entry.getKey(), claim, Scenario.kind(ResultKind.NO_LEASE));
        }
      }
    }

    private void beat() {
      heartbeats.put(++heartbeat, now);
      input(new Input.HeartbeatSent(heartbeat, now));
    }

    /** A heartbeat is answered, perhaps an older one. */
    private void answer(boolean lease) {
      long of = Math.max(1, heartbeat - (healing ? 0 : random.nextInt(3)));
      if (session && heartbeats.containsKey(of)) {
        leaseFrom = lease ? Math.max(leaseFrom, heartbeats.get(of)) : leaseFrom;
        message(new ControllerMessage.HeartbeatReply(of, lease));
      }
    }

    private void bounded(Deadline deadline) {
      if (leased) {
        assertTrue(deadline.lease(), "a start without a lease: " + deadline);
        assertTrue(
            deadline.bootNanos() <= leaseFrom + LEASE.toNanos(), "longer than the lease given");
      } else {
        assertEquals(Deadline.none(deadline.uid()), deadline);
      }
    }

    private List<Uid> pick(Set<Uid> from) {
      return from.isEmpty()
          ? List.of()
          : List.of(List.copyOf(from).get(random.nextInt(from.size())));
    }

    private void order() {
      Uid uid = Scenario.uid(++sequence);
      Duration delay = random.nextInt(4) == 0 ? Duration.ofSeconds(2) : Duration.ZERO;
      String boot = random.nextInt(20) == 0 ? Scenario.OTHER_BOOT : Scenario.BOOT;
      desired.put(uid, Scenario.order(uid, boot, null, delay));
      tell(List.of(desired.get(uid)), false);
    }

    private void stop() {
      for (Uid uid : pick(desired.keySet())) {
        if (!forgotten.contains(uid)) {
          stopOrdered.add(uid);
          desired.put(
              uid,
              Scenario.order(
                  uid, desired.get(uid).bootId(), new StopOrder(null, "stop"), Duration.ZERO));
          tell(List.of(desired.get(uid)), false);
        }
      }
    }

    private void suspend() {
      for (Uid uid : pick(desired.keySet())) {
        if (!ended.containsKey(uid) && !forgotten.contains(uid) && !stopOrdered.contains(uid)) {
          boolean frozen = random.nextBoolean();
          if (frozen) {
            suspended.add(uid);
          } else {
            suspended.remove(uid);
          }
          desired.put(uid, frozenOr(desired.get(uid), frozen));
          tell(List.of(desired.get(uid)), false);
        }
      }
    }

    private static DesiredAttempt frozenOr(DesiredAttempt of, boolean frozen) {
      return Scenario.order(of.uid(), of.bootId(), of.stop(), of.startDelay(), frozen);
    }

    private void freeze(Effect.Freeze of) {
      Claim claim = journal.get(of.uid());
      if (!launcher || claim == null || !claim.running) {
        input(new Input.Frozen(of.uid(), of.frozen(), "it does not run"));
      } else if (!healing && random.nextInt(10) == 0) {
        input(new Input.Frozen(of.uid(), of.frozen(), "not now"));
      } else {
        claim.frozen = of.frozen();
        input(new Input.Frozen(of.uid(), of.frozen(), ""));
      }
    }

    private void tell(List<DesiredAttempt> orders, boolean full) {
      if (session) {
        message(new ControllerMessage.Desired(full, full, List.of(definition()), orders));
      }
    }

    private void openSession() {
      input(new Input.SessionClosed());
      if (!core.recovered()) {
        return;
      }
      session = true;
      message(new ControllerMessage.Welcome(Duration.ofSeconds(1), random.nextBoolean()));
      tell(
          desired.values().stream()
              .filter(each -> !forgotten.contains(each.uid()) && !ended.containsKey(each.uid()))
              .toList(),
          true);
    }

    private void forget() {
      List<Uid> uids = new ArrayList<>(ended.keySet());
      forgotten.addAll(uids);
      if (session && !uids.isEmpty()) {
        message(new ControllerMessage.Forget(uids));
      }
    }

    private void connectLauncher() {
      launcher = true;
      queued.clear();
      List<Found> found = new ArrayList<>();
      journal.forEach((uid, claim) ->
          found.add(
              new Found(
                  uid,
                  remembered.get(uid),
                  now,
                  0,
                  claim.running ? null : new End(claim.result, now, now, now))));
      journal.values().forEach(claim -> claim.durable |= !claim.running);
      input(new Input.LauncherConnected(found));
    }

    /** The agent dies and comes again with what it wrote down. */
    private void crash() {
      core = new AgentCore(Scenario.BOOT, obeyed, List.copyOf(tombstones));
      launcher = false;
      session = false;
      queued.clear();
    }

    /** A shim takes a start: claims it and forks. */
    private void take(Uid uid) {
      queued.remove(uid);
      if (journal.containsKey(uid)) {
        return;
      }
      Claim fresh = new Claim();
      fresh.deadline = deadlines.getOrDefault(uid, 0L);
      if (fresh.deadline != 0 && fresh.deadline <= now) {
        input(new Input.TakenBack(uid)); // Its lease ended while it waited.
        return;
      }
      journal.put(uid, fresh);
      assertEquals(1, forks.merge(uid, 1, Integer::sum), "forks of " + uid);
      if (launcher && random.nextBoolean()) {
        input(new Input.Started(uid, now));
      }
    }

    private void finish(Uid uid) {
      Claim claim = journal.get(uid);
      if (claim != null && claim.running) {
        end(
            uid,
            claim,
            claim.stopAsked ? Scenario.kind(ResultKind.STOPPED) : Result.exited(random.nextInt(3)));
      }
    }

    private void end(Uid uid, Claim claim, Result result) {
      claim.running = false;
      claim.result = result;
      truth.put(uid, result);
      if (launcher) {
        claim.durable = true;
        input(new Input.Exited(uid, new End(result, now, now, now)));
      }
    }

    private void message(ControllerMessage message) {
      input(new Input.Received(new LinkHeader(Scenario.CLUSTER, 1, 1, 1), message));
    }

    private void input(Input input) {
      // An effect may not be carried out at all when the agent dies right after its decision.
      AgentCore asked = core;
      for (Effect effect : asked.handle(input, new Moment(now, now))) {
        if (!healing && random.nextInt(400) == 0) {
          crash();
        }
        if (core != asked) {
          return;
        }
        carryOut(effect);
      }
    }

    private void carryOut(Effect effect) {
      switch (effect) {
        case Effect.Obey of -> obeyed = new Obeyed(of.clusterId(), of.incarnation(), of.epoch());
        case Effect.Remember of -> remembered.put(of.attempt().uid(), of.attempt());
        case Effect.Start of -> {
          assertTrue(launcher, "a start without a launcher");
          bounded(of.deadline());
          deadlines.put(of.order().uid(), of.deadline().bootNanos());
          queued.add(of.order().uid());
        }
        case Effect.Renew of -> {
          for (Deadline deadline : of.deadlines()) {
            bounded(deadline);
            deadlines.put(deadline.uid(), deadline.bootNanos());
            Claim claim = journal.get(deadline.uid());
            if (claim != null && (claim.deadline == 0 || claim.deadline > now)) {
              claim.deadline = deadline.bootNanos();
            }
          }
        }
        case Effect.Stop of -> {
          Claim claim = journal.get(of.uid());
          if (claim != null) {
            claim.stopAsked = true;
          } else if (queued.remove(of.uid())) {
            input(new Input.TakenBack(of.uid()));
          }
        }
        case Effect.Report of -> reported(of.status());
        case Effect.Bury of -> {
          tombstones.add(of.tombstone());
          journal.remove(of.tombstone().uid());
        }
        case Effect.SetTimer of -> {
          if (of.timer() == Timer.DELAY) {
            input(new Input.TimerFired(of.uid(), Timer.DELAY));
          }
        }
        case Effect.Complain of -> throw new AssertionError(of.toString());
        case Effect.CloseSession of -> throw new AssertionError(of.toString());
        case Effect.Freeze of -> freeze(of);
        case Effect.Signal of -> {}
        case Effect.ExtendStop of -> throw new AssertionError("nobody asked for it: " + of);
        case Effect.Send of -> {}
        case Effect.Watch of -> {}
        case Effect.Happened of -> {}
        case Effect.Release of -> {}
        case Effect.OpenLog of -> {}
        case Effect.ServeLogs of -> {}
        case Effect.EndLogs of -> {}
        case Effect.Inspect of -> {}
        case Effect.RunCommand of -> {}
        case Effect.Attach of -> {}
        case Effect.HeartbeatAnswered of -> {}
        case Effect.SessionOpen of -> {}
      }
    }

    private void reported(AttemptStatus status) {
      if (!session || !status.state().ended()) {
        return;
      }
      Uid uid = status.uid();
      Result result = status.result();
      if (result == null) {
        assertEquals(null, forks.get(uid), uid + " ran, yet is said to be dropped");
      } else {
        // What was asked to stop because its lease was over says so.
        boolean unleased =
            result.kind() == ResultKind.NO_LEASE && truth.get(uid).kind() == ResultKind.STOPPED;
        assertTrue(unleased || result.equals(truth.get(uid)), "end of " + uid + ": " + result);
        if (!forgotten.contains(uid)) {
          assertTrue(journal.get(uid).durable, uid + " was reported before it was durable");
        }
      }
      ended.put(uid, status);
    }

    private SpecDefinition definition() {
      return new SpecDefinition(
          Scenario.JOB,
          1,
          leased
              ? new Scenario().withPartition(PartitionMode.STOP, LEASE).spec
              : JobSpec.batch("web", TaskSet.count(1), List.of("true")),
          "default",
          "web",
          1,
          "",
          "",
          1);
    }
  }
}

package orch.simulation;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import orch.agent.process.LauncherPort;
import orch.agent.process.StartRequest;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/**
 * The launcher of a simulated host: its tasks and its journal outlive the agents that connect to
 * it. Counts forks, since an attempt may fork at most once, ever.
 */
final class SimulatedLauncher {
  private static final Duration LEAST_RUN = Duration.ofMillis(1);
  private static final Duration MOST_RUN = Duration.ofSeconds(5);
  private static final int SIGTERM = 15;

  private final World world;

  /** The host's own: it lives on when the agent's process ends. */
  private final Host host;

  private final Map<Uid, Task> journal = new LinkedHashMap<>();
  private final Map<Uid, Integer> forks = new TreeMap<>();
  private @Nullable Connection connection;

  private static final class Task {
    final StartRequest request;
    final long startNanos;
    LauncherPort.@Nullable End end;

    /** CLOCK_BOOTTIME at which its shim stops it; 0: never. */
    long deadline;

    boolean leased;

    Task(StartRequest request, long startNanos) {
      this.request = request;
      this.startNanos = startNanos;
    }
  }

  SimulatedLauncher(World world, Host host) {
    this.world = world;
    this.host = host;
  }

  /** How often each attempt forked. */
  Map<Uid, Integer> forks() {
    return forks;
  }

  /** Tasks that live. */
  long live() {
    return journal.values().stream().filter(task -> task.end == null).count();
  }

  /** A new agent's port. */
  LauncherPort connect(Host agent) {
    Connection fresh = new Connection(agent);
    connection = fresh;
    return fresh;
  }

  private void fork(StartRequest request, boolean leased) {
    long deadline = request.deadlineBootNanos();
    if (leased && deadline <= world.clock().bootNanos()) {
      tell(listener -> listener.dropped(request.uid())); // Its lease ended before it began.
      return;
    }
    if (journal.containsKey(request.uid()) || forks.containsKey(request.uid())) {
      return; // Claimed before: the journal refuses.
    }
    forks.merge(request.uid(), 1, Integer::sum);
    world.record("fork " + request.uid());
    Task task = new Task(request, wallNanos());
    journal.put(request.uid(), task);
    setDeadline(task, deadline, leased);
    tell(listener -> listener.started(request.uid(), 1, task.startNanos));
    int code = world.chance(0.1) ? 1 + world.below(3) : 0;
    host.after(
        world.between(LEAST_RUN, MOST_RUN),
        "exit " + request.uid(),
        () -> end(task, Result.exited(code), false));
  }

  /** The shim keeps it, whether an agent lives or not. */
  private void setDeadline(Task task, long bootNanos, boolean leased) {
    task.deadline = bootNanos;
    task.leased = leased;
    if (bootNanos == 0) {
      return;
    }
    long wait = Math.max(0, bootNanos - world.clock().bootNanos());
    host.after(
        Duration.ofNanos(wait),
        "deadline " + task.request.uid(),
        () -> {
          if (task.deadline == bootNanos) {
            ResultKind kind = task.leased ? ResultKind.NO_LEASE : ResultKind.TIMED_OUT;
            end(task, new Result(kind, 2, SIGTERM, null, false, 0, 0, 0, 0, 0, 0), false);
          }
        });
  }

  private void end(Task task, Result result, boolean stopped) {
    if (task.end != null) {
      return;
    }
    LauncherPort.End end =
        new LauncherPort.End(result, task.startNanos, wallNanos(), wallNanos(), stopped);
    task.end = end;
    tell(listener -> listener.ended(task.request.uid(), end));
  }

  private interface Word {
    void to(LauncherPort.Listener listener);
  }

  private void tell(Word word) {
    Connection open = connection;
    if (open != null) {
      open.tell(word);
    }
  }

  private long wallNanos() {
    Instant now = world.clock().now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }

  private final class Connection implements LauncherPort {
    private final Host agent;
    private @Nullable Listener listener;

    Connection(Host agent) {
      this.agent = agent;
    }

    void tell(Word word) {
      Listener heard = listener;
      if (heard != null) {
        agent.after(Duration.ofNanos(50_000), "launcher", () -> word.to(heard));
      }
    }

    @Override
    public void connect(Listener heard) {
      listener = heard;
      List<Found> found = new ArrayList<>();
      journal.forEach((uid, task) ->
          found.add(
              new Found(
                  uid,
                  task.request.name(),
                  task.request.bootId(),
                  task.end == null,
                  task.startNanos,
                  task.end)));
      agent.after(Duration.ofMillis(1), "launcher found", () -> heard.connected(found));
    }

    @Override
    public void start(StartRequest request, boolean leased) {
      host.after(Duration.ofNanos(200_000), "start", () -> fork(request, leased));
    }

    @Override
    public void renew(List<Deadline> deadlines) {
      for (Deadline deadline : deadlines) {
        Task task = journal.get(deadline.uid());
        if (task != null && task.end == null) {
          setDeadline(task, deadline.bootNanos(), deadline.lease());
        }
      }
    }

    @Override
    public void stop(Uid uid, @Nullable Duration grace) {
      host.after(
          Duration.ofNanos(200_000),
          "stop",
          () -> {
            Task task = journal.get(uid);
            if (task != null) {
              Result result =
                  new Result(ResultKind.STOPPED, 2, SIGTERM, null, false, 0, 0, 0, 0, 0, 0);
              end(task, result, true);
            }
          });
    }

    @Override
    public void signal(Uid uid, int signal, int target, SignalOutcome outcome) {
      outcome.done(journal.containsKey(uid) ? 1 : 0, "");
    }

    @Override
    public void freeze(Uid uid, boolean frozen, SignalOutcome outcome) {
      outcome.done(journal.containsKey(uid) ? 1 : 0, "");
    }

    @Override
    public void ack(List<Uid> uids) {
      uids.forEach(journal::remove);
    }

    @Override
    public int capacity() {
      return 1_024;
    }

    @Override
    public void close() {
      listener = null;
    }
  }
}

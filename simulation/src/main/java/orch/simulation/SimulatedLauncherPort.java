package orch.simulation;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import orch.agent.process.LauncherPort;
import orch.agent.process.StartRequest;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/**
 * An agent's connection to its host's {@link SimulatedLauncher}: starts wait here until a shim is
 * free, and are gone with the agent or the launcher; what was handed over arrives all the same.
 */
final class SimulatedLauncherPort implements LauncherPort {
  private static final Duration RECONNECT = Duration.ofMillis(200);
  private static final Duration TELLING = Duration.ofNanos(50_000);

  private final World world;
  private final SimulatedNode node;
  private final SimulatedLauncher launcher;
  private final SimulatedLauncher.Witness witness;
  private final SimulatedProcess agent;
  private final ArrayDeque<StartRequest> waiting = new ArrayDeque<>();

  /** Of those that wait. */
  private final Map<Uid, Deadline> deadlines = new TreeMap<>();

  private @Nullable Listener listener;
  private boolean connected;

  /** The agent has heard what was found, and not yet that the launcher died. */
  private boolean recovered;

  private boolean lost;

  SimulatedLauncherPort(
      World world,
      SimulatedNode node,
      SimulatedLauncher launcher,
      SimulatedLauncher.Witness witness,
      SimulatedProcess agent) {
    this.world = world;
    this.node = node;
    this.launcher = launcher;
    this.witness = witness;
    this.agent = agent;
  }

  void tell(SimulatedLauncher.Word word) {
    if (connected) {
      later("launcher says", word);
    }
  }

  private void later(String what, SimulatedLauncher.Word word) {
    Listener heard = listener;
    int mine = launcher.generation();
    agent.after(
        TELLING,
        what,
        () -> {
          if (heard != null && mine == launcher.generation() && launcher.serves(this)) {
            word.to(heard);
          }
        });
  }

  /** The launcher died. */
  void lose() {
    connected = false;
    waiting.clear();
    deadlines.clear();
    Listener heard = listener;
    if (heard == null || lost) {
      return;
    }
    lost = true;
    agent.after(
        world.millis(0, 5),
        "launcher is gone",
        () -> {
          if (launcher.serves(this)) {
            recovered = false;
            waiting.clear();
            deadlines.clear();
            heard.disconnected("it died");
            agent.after(RECONNECT, "launcher reconnects", this::open);
          }
        });
  }

  private void open() {
    Listener heard = listener;
    if (heard == null || !launcher.serves(this) || connected) {
      return;
    }
    lost = false;
    // Answers come after everything that was handed out before.
    launcher.hand(
        "agent connects",
        () -> {
          connected = true;
          List<Found> found = launcher.found();
          later(
              "launcher found",
              of -> {
                recovered = true;
                of.connected(found);
              });
        });
  }

  @Override
  public void connect(Listener heard) {
    listener = heard;
    open();
  }

  @Override
  public void start(StartRequest request, boolean leased) {
    world.record(agent.name(), "asks to start " + request.uid());
    witness.startAsked(node, request.uid());
    if (!recovered) {
      return; // What the journal does not know is asked for again once it is connected.
    }
    waiting.add(request);
    deadlines.put(request.uid(), new Deadline(request.uid(), request.deadlineBootNanos(), leased));
    // Until a shim is free.
    Duration wait = world.chance(0.2) ? world.millis(0, 100) : Duration.ZERO;
    agent.after(
        wait,
        "shim is free",
        () -> {
          Deadline deadline = deadlines.get(request.uid());
          if (waiting.remove(request) && deadline != null && connected) {
            deadlines.remove(request.uid());
            launcher.hand(
                "start", () -> launcher.claim(request, deadline.bootNanos(), deadline.lease()));
          }
        });
  }

  @Override
  public void renew(List<Deadline> renewed) {
    for (Deadline deadline : renewed) {
      deadlines.computeIfPresent(deadline.uid(), (uid, before) -> deadline);
    }
    launcher.hand("renew", () -> renewed.forEach(launcher::renew));
  }

  @Override
  public void stop(Uid uid, @Nullable Duration grace) {
    world.record(agent.name(), "asks to stop " + uid);
    witness.stopAsked(node, uid);
    if (waiting.removeIf(request -> request.uid().equals(uid))) {
      deadlines.remove(uid);
      Listener heard = listener;
      agent.after(
          Duration.ZERO,
          "taken back",
          () -> {
            if (heard != null) {
              heard.dropped(uid);
            }
          });
      return;
    }
    launcher.hand("stop", () -> launcher.stop(uid, grace));
  }

  @Override
  public void extendStop(Uid uid, Duration by, Duration most) {
    throw new IllegalStateException("no simulated task says anything of itself");
  }

  @Override
  public void signal(Uid uid, int signal, int target, SignalOutcome outcome) {
    outcome.done(launcher.guards(uid) ? 1 : 0, "");
  }

  @Override
  public void freeze(Uid uid, boolean frozen, SignalOutcome outcome) {
    launcher.hand("freeze", () -> launcher.freeze(uid, frozen));
    outcome.done(0, "");
  }

  @Override
  public void ack(List<Uid> uids) {
    uids.forEach(uid -> witness.acked(node, uid));
    launcher.hand("ack", () -> uids.forEach(launcher::forget));
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

package orch.simulation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import orch.controller.store.Election;
import orch.controller.store.ZooKeeperPort;
import org.jspecify.annotations.Nullable;

/**
 * The election as a hint: the candidate whose session is the oldest should lead. The hint comes
 * late, and may lie: name a second one, or nobody, for a while.
 */
final class SimulatedElection {
  private static final Duration LOOK = Duration.ofMillis(300);

  private final World world;
  private final List<Candidate> queue = new ArrayList<>();
  private final List<Candidate> alsoHinted = new ArrayList<>();
  private boolean nobody;

  SimulatedElection(World world) {
    this.world = world;
    world.after(LOOK, "election", "looks", this::look);
  }

  /** A candidate's own part. */
  Candidate candidate(SimulatedProcess process, SimulatedSession session) {
    return new Candidate(process, session);
  }

  /** Names whoever should not lead as well, or, with null, nobody any more beside the right one. */
  void hintToo(@Nullable SimulatedProcess process) {
    alsoHinted.clear();
    for (Candidate candidate : queue) {
      if (candidate.process == process) {
        alsoHinted.add(candidate);
      }
    }
    tell();
  }

  /** Names nobody. */
  void hintNobody(boolean none) {
    nobody = none;
    tell();
  }

  private void look() {
    world.after(LOOK, "election", "looks", this::look);
    queue.removeIf(candidate -> !candidate.session.alive());
    alsoHinted.retainAll(queue);
    tell();
  }

  private void tell() {
    Candidate first = queue.isEmpty() || nobody ? null : queue.getFirst();
    for (Candidate candidate : queue) {
      candidate.tell(candidate == first || alsoHinted.contains(candidate));
    }
  }

  final class Candidate implements Election {
    private final SimulatedProcess process;
    private final SimulatedSession session;
    private @Nullable Listener listener;
    private boolean told;

    private Candidate(SimulatedProcess process, SimulatedSession session) {
      this.process = process;
      this.session = session;
    }

    @Override
    public void start(Listener heard) {
      listener = heard;
      session.addSessionListener(this::changed);
      join();
    }

    @Override
    public void close() {
      listener = null;
      queue.remove(this);
    }

    private void changed(ZooKeeperPort.SessionEvent event) {
      switch (event) {
        case CONNECTED -> join();
        case SUSPENDED -> {}
        case LOST -> {
          queue.remove(this);
          tell(false);
        }
      }
    }

    private void join() {
      if (listener != null && session.alive() && !queue.contains(this)) {
        queue.add(this);
      }
    }

    private void tell(boolean lead) {
      Listener heard = listener;
      if (heard == null || told == lead || (lead && !session.connected())) {
        return;
      }
      told = lead;
      world.record(process.name(), lead ? "is hinted to lead" : "is hinted not to lead");
      // However late it comes, the last one is true: a latch tells of its changes in order.
      process.after(world.millis(1, 200), "hint", () -> heard.hinted(told));
    }
  }
}

package orch.controller.runtime;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import orch.controller.core.Change;
import orch.controller.core.StateView;
import orch.controller.port.CommittedListener;

/** Who hears of what commits; before the log was read to its end, nobody hears anything. */
final class Listeners {
  private final Supplier<StateView> state;
  private final List<CommittedListener> listeners = new ArrayList<>();
  private boolean readToEnd;
  private long revision;

  /**
   * @param state as it is at the time
   */
  Listeners(Supplier<StateView> state) {
    this.state = state;
  }

  void add(CommittedListener listener) {
    listeners.add(listener);
    if (readToEnd) {
      listener.rebuilt(revision, state.get());
    }
  }

  void remove(CommittedListener listener) {
    listeners.remove(listener);
  }

  /** The state is thrown away; what comes until {@link #rebuilt} is told to nobody. */
  void reset() {
    readToEnd = false;
  }

  void rebuilt(long newRevision) {
    readToEnd = true;
    revision = newRevision;
    for (CommittedListener listener : List.copyOf(listeners)) {
      listener.rebuilt(newRevision, state.get());
    }
  }

  /** Another may lead by now. */
  void suspended() {
    for (CommittedListener listener : List.copyOf(listeners)) {
      listener.suspended();
    }
  }

  void committed(long newRevision, Instant now, List<Change> changes) {
    if (!readToEnd) {
      return;
    }
    revision = newRevision;
    for (CommittedListener listener : List.copyOf(listeners)) {
      listener.committed(newRevision, now, changes, state.get());
    }
  }
}

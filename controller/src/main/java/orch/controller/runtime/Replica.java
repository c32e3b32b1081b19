package orch.controller.runtime;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import orch.api.seam.Clock;
import orch.controller.convert.RecordConvert;
import orch.controller.convert.StateCodec;
import orch.controller.core.Change;
import orch.controller.core.Decider;
import orch.controller.core.Decision;
import orch.controller.core.Input;
import orch.controller.core.Snapshot;
import orch.controller.core.State;
import orch.controller.core.StateLoader;
import orch.controller.store.Entry;
import org.jspecify.annotations.Nullable;

/** The state of this member and the log's clock: applied from the log, or decided upon. */
final class Replica {
  private static final StateCodec CODEC = new StateCodec();

  private State state = new State();
  private Decider decider = new Decider(state);
  private final LogClock clock = new LogClock();
  private @Nullable StateLoader loader;

  /** An entry's or a decision's changes, with the time of the last of them. */
  record Applied(Instant now, List<Change> changes) {}

  State state() {
    return state;
  }

  /** Back to before the first entry. */
  void reset() {
    state = new State();
    decider = new Decider(state);
    clock.reset();
    loader = null;
  }

  /** Takes the next section of a checkpoint. */
  void section(byte[] bytes) {
    StateLoader to = loader == null ? new StateLoader(CODEC) : loader;
    loader = to;
    to.add(bytes);
  }

  /** All sections were given: the state is what they say. */
  void loaded() {
    StateLoader from = loader == null ? new StateLoader(CODEC) : loader;
    loader = null;
    state = from.finish();
    decider = new Decider(state);
    clock.read(Instant.ofEpochSecond(0, state.nowNanos()));
  }

  /** Begins a checkpoint of the state as it is now. */
  Snapshot freeze() {
    return state.freeze(CODEC, false, Snapshot.Sizes.DEFAULT);
  }

  /**
   * Applies what another leader, or this one in an earlier life, decided.
   *
   * @param now null: it may have been decided long ago
   */
  Applied apply(Entry entry, @Nullable Clock now) {
    List<Change> changes = new ArrayList<>();
    for (byte[] record : entry.records()) {
      RecordConvert.Decided decided = RecordConvert.decode(record);
      for (Change change : decided.changes()) {
        state.apply(change, decided.now());
      }
      changes.addAll(decided.changes());
      if (now == null) {
        clock.read(decided.now());
      } else {
        clock.followed(decided.now(), now);
      }
    }
    return new Applied(clock.last(), changes);
  }

  /** A new leadership remembers nothing of the one before. */
  void lead() {
    decider = new Decider(state);
  }

  /** Decides by the log's clock; the state has the changes when it returns. */
  Decision decide(Input input, Clock now) {
    return decider.decide(input, clock.next(now));
  }

  /** Time of the newest decision or entry. */
  Instant last() {
    return clock.last();
  }
}

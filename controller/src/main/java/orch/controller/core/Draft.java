package orch.controller.core;

import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** A decision in the making: each change is applied as it is emitted. */
final class Draft {
  /** Messages for one node above which the full set is sent in their place. */
  private static final int MAX_DELTA = 1_000;

  private final State state;
  private final Instant now;
  private final List<Change> changes = new ArrayList<>();
  private final List<Effect> first = new ArrayList<>();
  private final LinkedHashMap<String, List<Uid>> forgets = new LinkedHashMap<>();
  private final LinkedHashMap<String, List<AttemptRef>> sends = new LinkedHashMap<>();
  private final LinkedHashSet<String> full = new LinkedHashSet<>();

  Draft(State state, Instant now) {
    this.state = state;
    this.now = now;
  }

  void emit(Change change) {
    state.apply(change, now);
    changes.add(change);
  }

  /** An effect that goes before all others. */
  void effect(Effect effect) {
    first.add(effect);
  }

  /** The newest attempt of the task is new or is to stop: its node hears of it. */
  void send(Job job, int ordinal) {
    String node = state.nodeOf(job, ordinal).uid();
    List<AttemptRef> attempts = sends.computeIfAbsent(node, _ -> new ArrayList<>());
    if (attempts.size() < MAX_DELTA) {
      attempts.add(state.refOf(job, ordinal));
    } else {
      full.add(node);
    }
  }

  void sendAll(String nodeUid) {
    full.add(nodeUid);
  }

  void forget(String nodeUid, Uid uid) {
    forgets.computeIfAbsent(nodeUid, _ -> new ArrayList<>()).add(uid);
  }

  Decision finish(@Nullable Answer answer, boolean more) {
    List<Effect> effects = new ArrayList<>(first);
    forgets.forEach((node, uids) -> effects.add(new Effect.Forget(node, uids)));
    sends.forEach((node, attempts) -> {
      if (!full.contains(node)) {
        effects.add(new Effect.SendAttempts(node, attempts));
      }
    });
    full.forEach(node -> effects.add(new Effect.SendDesired(node)));
    return new Decision(changes, effects, answer, more);
  }
}

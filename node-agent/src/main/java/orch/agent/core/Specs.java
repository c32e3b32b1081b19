package orch.agent.core;

import java.util.LinkedHashMap;
import java.util.Map;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.SpecDefinition;
import orch.api.model.Uid;
import orch.api.model.UnreadableSpec;
import org.jspecify.annotations.Nullable;

/** The specs that the leader sent in this session, kept for orders to come. */
final class Specs {
  /** When there are more, those used longest ago go, and the leader is asked for a resync. */
  static final int LIMIT = 4_096;

  private record Key(Uid jobUid, long version) {
    static Key of(DesiredAttempt order) {
      return new Key(order.jobUid(), order.specVersion());
    }
  }

  private final LinkedHashMap<Key, SpecDefinition> readable = new LinkedHashMap<>(16, 0.75f, true);
  private final LinkedHashMap<Key, UnreadableSpec> unreadable =
      new LinkedHashMap<>(16, 0.75f, true);

  /** Takes what came; answers the highest job number in it, 0: it has none. */
  long add(ControllerMessage.Desired desired) {
    long highest = 0;
    for (SpecDefinition definition : desired.specs()) {
      readable.put(new Key(definition.jobUid(), definition.version()), definition);
      highest = Math.max(highest, definition.jobNumber());
    }
    for (UnreadableSpec spec : desired.unreadable()) {
      unreadable.put(new Key(spec.jobUid(), spec.version()), spec);
      highest = Math.max(highest, spec.jobNumber());
    }
    return highest;
  }

  @Nullable SpecDefinition of(DesiredAttempt order) {
    return readable.get(Key.of(order));
  }

  /** That of the order, if this version of the agent cannot hold it. */
  @Nullable UnreadableSpec unreadable(DesiredAttempt order) {
    return unreadable.get(Key.of(order));
  }

  /** Back to the limit. */
  void trim() {
    trim(readable);
    trim(unreadable);
  }

  private static void trim(LinkedHashMap<Key, ?> specs) {
    while (specs.size() > LIMIT) {
      Map.Entry<Key, ?> oldest = specs.firstEntry();
      specs.remove(oldest.getKey());
    }
  }

  void clear() {
    readable.clear();
    unreadable.clear();
  }
}

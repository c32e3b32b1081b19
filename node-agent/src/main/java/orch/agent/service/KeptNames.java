package orch.agent.service;

import orch.agent.service.DescriptorStore.Kept;
import orch.agent.service.DescriptorStore.TaskKey;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/**
 * Names under which the launcher keeps sockets and descriptors for the next agent: {@code
 * notify/UID}, and {@code store/JOB/INDEX/POLL/ID/NAME}. What cannot be read is of another version.
 */
final class KeptNames {
  private static final String SOCKET = "notify/";
  private static final String STORE = "store/";
  private static final int PARTS = 6;

  private KeptNames() {}

  /** What a task left. */
  record Stored(TaskKey task, Kept kept) {}

  static String socket(Uid uid) {
    return SOCKET + uid;
  }

  static String stored(TaskKey task, Kept kept) {
    String poll = kept.poll() ? "1" : "0";
    return STORE
        + String.join(
            "/",
            task.job().toString(),
            Integer.toString(task.index()),
            poll,
            Long.toString(kept.id()),
            kept.name());
  }

  /** Whose socket it is; null: none. */
  static @Nullable Uid socketOf(String name) {
    try {
      return name.startsWith(SOCKET) ? Uid.parse(name.substring(SOCKET.length())) : null;
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  /** What {@code fd} is of, by the name under which it was kept; null: nothing of a task's. */
  static @Nullable Stored storedOf(String name, int fd) {
    String[] parts = name.split("/", PARTS);
    if (!name.startsWith(STORE) || parts.length != PARTS) {
      return null;
    }
    try {
      TaskKey task = new TaskKey(Uid.parse(parts[1]), Integer.parseInt(parts[2]));
      return new Stored(
          task, new Kept(fd, parts[5], parts[3].equals("1"), Long.parseLong(parts[4])));
    } catch (IllegalArgumentException e) {
      return null;
    }
  }
}

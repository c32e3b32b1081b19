package orch.agent.service;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import orch.agent.process.DescriptorKeeper;

/**
 * Which of this agent's descriptors the launcher is to keep duplicates of. What is wanted is
 * compared with what the launcher has, on the agent's loop and after each connection, so that
 * nothing that changes while there is none is lost. Guarded by {@code lock}.
 */
final class LauncherCopies {
  /** The serial number tells it from another that had the same name or the same descriptor. */
  private record Wanted(int fd, boolean queue, long serial) {}

  /** Had by the launcher, and not what is wanted. */
  private static final Wanted UNKNOWN = new Wanted(-1, false, 0);

  private final Object lock;
  private final Executor loop;
  private final Map<String, Wanted> wanted = new HashMap<>();
  private final Map<String, Wanted> had = new HashMap<>();
  private final Set<String> changed = new LinkedHashSet<>();
  private DescriptorKeeper keeper = DescriptorKeeper.NONE;
  private long lastSerial;
  private boolean due;

  LauncherCopies(Object lock, Executor loop) {
    this.lock = lock;
    this.loop = loop;
  }

  /** {@code fd} stays open until {@link #unwant}, or until another is wanted under the name. */
  void want(String name, int fd, boolean queue) {
    wanted.put(name, new Wanted(fd, queue, ++lastSerial));
    change(name);
  }

  void unwant(String name) {
    wanted.remove(name);
    change(name);
  }

  private void change(String name) {
    changed.add(name);
    if (!due) {
      due = true;
      loop.execute(() -> {
        synchronized (lock) {
          settle();
        }
      });
    }
  }

  /** On the loop: a launcher that has this is there. */
  void connected(List<DescriptorKeeper.Held> held, DescriptorKeeper with) {
    keeper = with;
    had.clear();
    for (DescriptorKeeper.Held each : held) {
      Wanted same = each.shut() ? UNKNOWN : wanted.getOrDefault(each.name(), UNKNOWN);
      had.put(each.name(), same);
    }
    changed.addAll(had.keySet());
    changed.addAll(wanted.keySet());
    settle();
  }

  private void settle() {
    due = false;
    for (String name : changed) {
      Wanted want = wanted.get(name);
      Wanted has = had.get(name);
      if (want == null && has != null) {
        had.remove(name);
        keeper.release(name);
      } else if (want != null && !want.equals(has)) {
        had.put(name, want);
        keeper.keep(name, want.fd(), want.queue());
      }
    }
    changed.clear();
  }
}

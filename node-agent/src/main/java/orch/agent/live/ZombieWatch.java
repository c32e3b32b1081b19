package orch.agent.live;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.function.Supplier;
import orch.agent.process.Guarded;
import orch.api.model.Uid;
import orch.api.seam.Timers;
import org.jspecify.annotations.Nullable;

/**
 * Tells of attempts that gather zombies: ended processes whose parent does not wait for them. Each
 * holds a pid until its parent ends; the attempt's end takes them all.
 */
public final class ZombieWatch {
  /** Between two looks. */
  public static final Duration PERIOD = Duration.ofSeconds(15);

  /** From so many on in two looks, one after the other, it is told, once until they are fewer. */
  public static final int MANY = 20;

  private final Supplier<Set<Uid>> living;
  private final Function<Uid, @Nullable Guarded> attempts;
  private final Executor loop;
  private final Executor background;
  private final Timers timers;
  private final Duration period;
  private final Listener listener;
  private final ProcFile proc = new ProcFile(Path.of("/proc"));

  // Of the background alone.
  private Set<Uid> many = new HashSet<>();
  private final Set<Uid> told = new HashSet<>();

  /** Called on the loop. */
  @FunctionalInterface
  public interface Listener {
    void happened(Uid uid, String type, String message, SortedMap<String, Long> figures);
  }

  /**
   * Looks at nothing before {@link #begin}.
   *
   * @param living attempts that run, asked on the loop
   * @param attempts where one is found, asked on the loop; null: it does not run
   * @param background for what takes long
   * @param period {@link #PERIOD} but in tests
   */
  public ZombieWatch(
      Supplier<Set<Uid>> living,
      Function<Uid, @Nullable Guarded> attempts,
      Executor loop,
      Executor background,
      Timers timers,
      Duration period,
      Listener listener) {
    this.living = living;
    this.attempts = attempts;
    this.loop = loop;
    this.background = background;
    this.timers = timers;
    this.period = period;
    this.listener = listener;
  }

  /** Looks again and again. To be called on the loop. */
  public void begin() {
    timers.after(period, this::look);
  }

  private void look() {
    begin();
    Map<Uid, Guarded> guarded = new HashMap<>();
    for (Uid uid : living.get()) {
      Guarded of = attempts.apply(uid);
      if (of != null) {
        guarded.put(uid, of);
      }
    }
    if (!guarded.isEmpty() || !told.isEmpty()) {
      background.execute(() -> look(guarded));
    }
  }

  private void look(Map<Uid, Guarded> guarded) {
    Set<Uid> now = new HashSet<>();
    told.retainAll(guarded.keySet());
    try {
      SortedMap<Integer, ProcFile.Stat> everything = proc.all();
      if (everything.values().stream().filter(ProcFile.Stat::zombie).count() < MANY) {
        told.clear();
        many = now;
        return;
      }
      for (Map.Entry<Uid, Guarded> each : guarded.entrySet()) {
        look(each.getKey(), each.getValue(), everything, now);
      }
    } catch (IOException e) {
      // No /proc for a moment: at the next look.
      return;
    }
    many = now;
  }

  private void look(
      Uid uid, Guarded guarded, SortedMap<Integer, ProcFile.Stat> everything, Set<Uid> now) {
    Members members;
    try {
      members = Members.of(guarded, everything, proc);
    } catch (IOException ended) {
      return;
    }
    int zombies = members.zombies();
    if (zombies < MANY) {
      told.remove(uid);
      return;
    }
    now.add(uid);
    if (many.contains(uid) && told.add(uid)) {
      tell(uid, zombies, members);
    }
  }

  private void tell(Uid uid, int zombies, Members members) {
    Map<Integer, Integer> byParent = new TreeMap<>();
    for (ProcFile.Stat stat : members.all().values()) {
      if (stat.zombie()) {
        byParent.merge(stat.parent(), 1, Integer::sum);
      }
    }
    int worst = 0;
    for (Map.Entry<Integer, Integer> each : byParent.entrySet()) {
      worst = each.getValue() > byParent.getOrDefault(worst, 0) ? each.getKey() : worst;
    }
    ProcFile.Stat parent = members.all().get(worst);
    SortedMap<String, Long> figures = new TreeMap<>();
    figures.put("zombies", (long) zombies);
    figures.put("processes", (long) members.all().size());
    figures.put("parent_pid", (long) worst);
    String message =
        zombies
            + " of its processes have ended and were not waited for; most by process "
            + worst
            + (parent == null ? "" : " (" + parent.program() + ")");
    loop.execute(() -> listener.happened(uid, "ZOMBIES", message, figures));
  }
}

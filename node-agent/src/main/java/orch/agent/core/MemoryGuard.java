package orch.agent.core;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import orch.api.model.MemoryPressureAction;
import orch.api.model.MemoryPressurePolicy;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/**
 * Decides what is done when memory grows short, before the kernel kills: of the tasks that allow
 * it, those of the lowest priority first, one step at a time, so that each has a chance to help.
 * What was done is undone once there is clearly room again. Pure: figures and the time come in.
 *
 * <p>A task near its own limit is told, then slowed down; evicted only if it presses on. A host
 * that is short tells all, slows down or freezes one after another, and evicts when that does not
 * help.
 */
public final class MemoryGuard {
  /** The host is short below this share of its memory, in thousandths. */
  static final long SHORT_PERMILLE = 100;

  /** And nearly out below this. */
  static final long SEVERE_PERMILLE = 50;

  /** It has room again above this; between the two nothing changes. */
  static final long RELIEF_PERMILLE = 170;

  /** Stalls count as short only below this: the disk makes tasks wait too. */
  static final long STALL_PERMILLE = 200;

  /** Below this it is looked at more often: a burst takes a tenth of a second. */
  static final long NEAR_PERMILLE = 350;

  /**
   * While memory goes this fast that it is out within this time, the host is short too: what is
   * frozen then leaves room for what still runs. Only below {@link #NEAR_PERMILLE}.
   */
  static final Duration HORIZON = Duration.ofMillis(1_500);

  /** Over how long the speed is taken. */
  static final Duration SPAN = Duration.ofMillis(100);

  static final Duration TELL_AGAIN = Duration.ofSeconds(5);

  /** Between two steps against a short host. */
  static final Duration STEP = Duration.ofMillis(100);

  /** Between two evictions: memory has to come back first. */
  static final Duration EVICT_AGAIN = Duration.ofSeconds(2);

  /** How long a host must be short before anything is evicted. */
  static final Duration PATIENCE = Duration.ofSeconds(3);

  /** Between two steps back. */
  static final Duration BACK = Duration.ofMillis(500);

  static final Duration LONGEST_FREEZE = Duration.ofSeconds(60);

  /** How long a task runs that was frozen for the longest time there is. */
  static final Duration TURN = Duration.ofSeconds(5);

  /** How long a task that presses against its lowered limit is held back at each height. */
  static final Duration HOLD = Duration.ofSeconds(2);

  /** From this share of its limit on, a task that presses on is evicted if it may be. */
  static final int EVICT_PERCENT = 97;

  /** Points of percent below its threshold at which a task is short no more. */
  static final int RELIEF_PERCENT = 10;

  /** A throttled task keeps at least so much. */
  static final long LEAST_HIGH = 16L << 20;

  /** What memory.high is when nothing is to be held back: no limit. */
  public static final long UNLIMITED = Long.MAX_VALUE;

  private final TreeMap<Uid, Watched> watched = new TreeMap<>();
  private long shortSince;
  private long steppedAt;
  private long evictedAt;
  private long relievedAt;
  private boolean hostShort;
  private boolean hostNear;

  /** What the host had, and when; the speed is what went since. */
  private long availableThen = -1;

  private long availableThenAt;

  /** Nanoseconds until nothing is left at the present speed. */
  private long lastsNanos = Long.MAX_VALUE;

  /**
   * What is known of a task when it begins to be watched.
   *
   * @param priority of its job, higher is spared longer
   * @param limitBytes memory.max; 0: none
   * @param highBytes memory.high of its spec; 0: none
   * @param frozen whether it was found frozen
   */
  public record Task(
      Uid uid,
      MemoryPressurePolicy policy,
      int priority,
      long limitBytes,
      long highBytes,
      boolean frozen) {
    boolean allows(MemoryPressureAction action) {
      return policy.action().compareTo(action) >= 0;
    }

    /** Where memory.high stands while nothing is short. */
    long restingHigh() {
      long spec = highBytes > 0 ? highBytes : UNLIMITED;
      return limitBytes > 0 && allows(MemoryPressureAction.THROTTLE)
          ? Math.min(spec, tripwire())
          : spec;
    }

    long tripwire() {
      return limitBytes / 100 * policy.thresholdPercent();
    }
  }

  private static final class Watched {
    final Task task;
    long high;
    long maxSeen = -1;
    long highSeen = -1;
    long killsSeen = -1;
    long current;
    boolean pressed;
    boolean isShort;
    long shortAt;
    long toldAt;
    long raisedAt;
    boolean heldForHost;
    boolean frozen;
    long frozenAt;
    long thawedAt;
    boolean suspended;

    /** It was evicted, or is being stopped anyway. */
    boolean evicted;

    Watched(Task task, long nowNanos) {
      this.task = task;
      this.high = task.restingHigh();
      this.frozen = task.frozen();
      this.frozenAt = nowNanos;
    }
  }

  /**
   * A task runs. Answers the memory.high that it is to have from now on: of one that may be slowed
   * down that is a tripwire below its limit, which the kernel itself heeds.
   */
  public long watch(Task task, long nowNanos) {
    Watched before = watched.get(task.uid());
    if (before != null) {
      return before.high;
    }
    watched.put(task.uid(), new Watched(task, nowNanos));
    return task.restingHigh();
  }

  public void forget(Uid uid) {
    watched.remove(uid);
  }

  /**
   * Its job was suspended or goes on. One that stands still anyway is left alone; answers whether
   * this guard had it frozen until now.
   */
  public boolean suspended(Uid uid, boolean suspended, long nowNanos) {
    Watched of = watched.get(uid);
    if (of == null) {
      return false;
    }
    boolean was = of.frozen;
    of.suspended = suspended;
    of.frozen = false;
    of.thawedAt = suspended ? of.thawedAt : nowNanos;
    return was;
  }

  /** It is being stopped; answers whether this guard had it frozen until now. */
  public boolean stopping(Uid uid) {
    Watched of = watched.get(uid);
    if (of == null) {
      return false;
    }
    boolean was = of.frozen;
    of.evicted = true;
    of.frozen = false;
    return was;
  }

  public boolean isEmpty() {
    return watched.isEmpty();
  }

  /** Whether the next look should come soon. */
  public boolean isPressed() {
    return hostShort
        || hostNear
        || watched.values().stream().anyMatch(each -> each.isShort || each.frozen);
  }

  /** Looks at the figures and says what is to be done, in order. */
  public List<MemoryStep> look(MemoryFigures figures, long nowNanos) {
    List<MemoryStep> steps = new ArrayList<>();
    for (MemoryFigures.Usage usage : figures.usages()) {
      Watched of = watched.get(usage.uid());
      if (of != null) {
        take(of, usage, steps);
        own(of, usage, nowNanos, steps);
      }
    }
    host(figures, nowNanos, steps);
    return steps;
  }

  private static void take(Watched of, MemoryFigures.Usage usage, List<MemoryStep> steps) {
    long killed = of.killsSeen < 0 ? 0 : usage.oomKills() - of.killsSeen;
    of.pressed =
        usage.stalled()
            || (of.maxSeen >= 0 && usage.max() > of.maxSeen)
            || (of.highSeen >= 0 && usage.high() > of.highSeen && !of.heldForHost);
    of.current = usage.currentBytes();
    of.maxSeen = usage.max();
    of.highSeen = usage.high();
    of.killsSeen = usage.oomKills();
    if (killed > 0) {
      SortedMap<String, Long> figures = figuresOf(of, null);
      figures.put("oom_kills", killed);
      steps.add(
          new MemoryStep.Killed(
              of.task.uid(),
              killed,
              "the kernel killed "
                  + (killed == 1 ? "a process" : killed + " processes")
                  + " of it: out of memory",
              figures));
    }
  }

  // ---- a task and its own limit

  private static void own(
      Watched of, MemoryFigures.Usage usage, long nowNanos, List<MemoryStep> steps) {
    Task task = of.task;
    if (task.limitBytes() == 0 || !task.allows(MemoryPressureAction.NOTIFY) || of.evicted) {
      return;
    }
    boolean over = usage.currentBytes() >= task.tripwire() || of.pressed;
    long relief =
        task.limitBytes() / 100 * Math.max(1, task.policy().thresholdPercent() - RELIEF_PERCENT);
    if (over && !of.isShort) {
      of.isShort = true;
      of.shortAt = nowNanos;
      of.raisedAt = nowNanos;
    } else if (of.isShort && !of.pressed && usage.currentBytes() < relief) {
      of.isShort = false;
      if (!of.heldForHost && of.high != task.restingHigh()) {
        of.high = task.restingHigh();
        steps.add(
            new MemoryStep.SetHigh(
                task.uid(), of.high, false, "it uses less again", figuresOf(of, null)));
      }
    }
    if (!of.isShort) {
      return;
    }
    tell(of, near(of), null, nowNanos, steps);
    boolean atTheEnd =
        usage.currentBytes() >= task.limitBytes() / 100 * EVICT_PERCENT
            && nowNanos - of.shortAt >= HOLD.toNanos();
    if (atTheEnd && task.allows(MemoryPressureAction.EVICT)) {
      evict(of, near(of), null, steps);
    } else if (task.allows(MemoryPressureAction.THROTTLE)
        && !of.heldForHost
        && of.pressed
        && of.high < task.limitBytes()
        && nowNanos - of.raisedAt >= HOLD.toNanos()) {
      // It was told and slowed down; what it still needs it gets, bit by bit, up to its limit.
      of.raisedAt = nowNanos;
      long rest = task.limitBytes() - of.high;
      of.high = rest < (2L << 20) ? task.limitBytes() : of.high + rest / 2;
      steps.add(
          new MemoryStep.SetHigh(
              task.uid(), of.high, true, "it is slowed down: " + near(of), figuresOf(of, null)));
    }
  }

  private static String near(Watched of) {
    return "it uses " + percent(of.current, of.task.limitBytes()) + " % of its memory limit";
  }

  private static long percent(long part, long whole) {
    return whole == 0 ? 0 : part * 100 / whole;
  }

  private static void tell(
      Watched of, String why, @Nullable MemoryFigures host, long nowNanos, List<MemoryStep> steps) {
    if (!of.task.allows(MemoryPressureAction.NOTIFY)
        || (of.toldAt != 0 && nowNanos - of.toldAt < TELL_AGAIN.toNanos())) {
      return;
    }
    of.toldAt = nowNanos;
    steps.add(
        new MemoryStep.Notify(
            of.task.uid(), of.task.policy().signal(), "it was told: " + why, figuresOf(of, host)));
  }

  private static void evict(
      Watched of, String why, @Nullable MemoryFigures host, List<MemoryStep> steps) {
    of.evicted = true;
    steps.add(
        new MemoryStep.Evict(
            of.task.uid(), "evicted: memory pressure: " + why, figuresOf(of, host)));
  }

  // ---- the host

  private void host(MemoryFigures figures, long nowNanos, List<MemoryStep> steps) {
    long available = figures.availablePermille();
    hostNear = available < NEAR_PERMILLE;
    speed(figures, nowNanos);
    boolean now =
        available < SHORT_PERMILLE
            || (figures.stalled() && available < STALL_PERMILLE)
            || (hostNear && lastsNanos < HORIZON.toNanos());
    if (now && !hostShort) {
      hostShort = true;
      shortSince = nowNanos;
    } else if (hostShort && !now && available >= RELIEF_PERMILLE) {
      hostShort = false;
    }
    if (hostShort && now) {
      against(figures, nowNanos, steps);
    } else if (!hostShort) {
      back(figures, nowNanos, steps);
    } else {
      thawTheLongest(figures, nowNanos, steps);
    }
  }

  private void speed(MemoryFigures figures, long nowNanos) {
    long since = nowNanos - availableThenAt;
    if (availableThen >= 0 && since < SPAN.toNanos()) {
      return;
    }
    long went = availableThen - figures.availableBytes();
    lastsNanos =
        availableThen < 0 || went <= 0 || since > 10 * SPAN.toNanos()
            ? Long.MAX_VALUE
            : (long) ((double) figures.availableBytes() / went * since);
    availableThen = figures.availableBytes();
    availableThenAt = nowNanos;
  }

  /** Lowest priority first; among equals the one that uses most. */
  private List<Watched> lowestFirst() {
    List<Watched> all = new ArrayList<>(watched.values());
    all.sort(
        Comparator.<Watched>comparingInt(each -> each.task.priority())
            .thenComparingLong(each -> -each.current));
    return all;
  }

  /**
   * Lowest priority first; among equals those that are slowed down, which gives memory back, the
   * one that uses most first, then those that are frozen, which gives none back: who has most is
   * the nearest to being done with it, and goes on longest.
   */
  private List<Watched> growingFirst() {
    List<Watched> all = new ArrayList<>(watched.values());
    all.sort(
        Comparator.<Watched>comparingInt(each -> each.task.priority())
            .thenComparingLong(each ->
                each.task.allows(MemoryPressureAction.FREEZE) ? each.current : -each.current));
    return all;
  }

  private void against(MemoryFigures figures, long nowNanos, List<MemoryStep> steps) {
    thawTheLongest(figures, nowNanos, steps);
    String why = "the host has " + percent(figures) + " % of its memory left";
    List<Watched> all = lowestFirst();
    for (Watched each : all) {
      tell(each, why, figures, nowNanos, steps);
    }
    if (steppedAt != 0 && nowNanos - steppedAt < STEP.toNanos()) {
      return;
    }
    steppedAt = nowNanos;
    if (throttleOrFreeze(growingFirst(), figures, why, nowNanos, steps)) {
      return;
    }
    boolean urgent =
        figures.availablePermille() < SEVERE_PERMILLE
            || nowNanos - shortSince >= PATIENCE.toNanos();
    if (urgent && (evictedAt == 0 || nowNanos - evictedAt >= EVICT_AGAIN.toNanos())) {
      for (Watched each : all) {
        if (each.task.allows(MemoryPressureAction.EVICT) && !each.evicted) {
          evictedAt = nowNanos;
          evict(each, why, figures, steps);
          return;
        }
      }
    }
  }

  /**
   * Answers whether there was one left to slow down or to freeze; when memory is nearly out, all
   * are, since there is no time for one after another.
   */
  private boolean throttleOrFreeze(
      List<Watched> all, MemoryFigures figures, String why, long nowNanos, List<MemoryStep> steps) {
    boolean severe =
        figures.availablePermille() < SEVERE_PERMILLE
            || (hostNear && lastsNanos < HORIZON.toNanos() / 3);
    boolean done = false;
    for (Watched each : all) {
      if (done && !severe) {
        return true;
      }
      if (each.evicted || each.frozen || each.suspended) {
        continue;
      }
      if (each.task.allows(MemoryPressureAction.FREEZE)) {
        if (freezable(all, each) && !spared(each, nowNanos)) {
          done = true;
          each.frozen = true;
          each.frozenAt = nowNanos;
          steps.add(
              new MemoryStep.Freeze(
                  each.task.uid(), "it was frozen: " + why, figuresOf(each, figures)));
        }
      } else if (each.task.allows(MemoryPressureAction.THROTTLE) && !each.heldForHost) {
        done = true;
        each.heldForHost = true;
        each.high = Math.min(each.high, Math.max(LEAST_HIGH, each.current));
        steps.add(
            new MemoryStep.SetHigh(
                each.task.uid(),
                each.high,
                true,
                "it is slowed down: " + why,
                figuresOf(each, figures)));
      }
    }
    return done;
  }

  /** It was frozen for long enough, and has its turn now. */
  private static boolean spared(Watched of, long nowNanos) {
    return of.thawedAt != 0 && nowNanos - of.thawedAt < TURN.toNanos();
  }

  /** The last one that runs is never frozen: somebody has to give memory back. */
  private static boolean freezable(List<Watched> all, Watched one) {
    return all.stream()
        .anyMatch(each -> each != one && !each.frozen && !each.evicted && !each.suspended);
  }

  /** There is room: undone in the order of priority, one at a time. */
  private void back(MemoryFigures figures, long nowNanos, List<MemoryStep> steps) {
    if (figures.availablePermille() < RELIEF_PERMILLE) {
      thawTheLongest(figures, nowNanos, steps);
      return;
    }
    if (relievedAt != 0 && nowNanos - relievedAt < BACK.toNanos()) {
      return;
    }
    for (Watched each : growingFirst().reversed()) {
      if (each.frozen) {
        relievedAt = nowNanos;
        thaw(each, "it was thawed: the host has memory again", figures, nowNanos, steps);
        return;
      }
      if (each.heldForHost) {
        relievedAt = nowNanos;
        each.heldForHost = false;
        each.high = each.task.restingHigh();
        steps.add(
            new MemoryStep.SetHigh(
                each.task.uid(),
                each.high,
                false,
                "the host has memory again",
                figuresOf(each, figures)));
        return;
      }
    }
  }

  /** Nobody is frozen for ever, whatever the host looks like. */
  private void thawTheLongest(MemoryFigures figures, long nowNanos, List<MemoryStep> steps) {
    Watched longest = null;
    for (Watched each : watched.values()) {
      if (each.frozen
          && nowNanos - each.frozenAt >= LONGEST_FREEZE.toNanos()
          && (longest == null || each.frozenAt < longest.frozenAt)) {
        longest = each;
      }
    }
    if (longest != null) {
      thaw(longest, "it was thawed: it was frozen for long enough", figures, nowNanos, steps);
    }
  }

  private static void thaw(
      Watched of, String why, MemoryFigures figures, long nowNanos, List<MemoryStep> steps) {
    of.frozen = false;
    of.thawedAt = nowNanos;
    steps.add(new MemoryStep.Thaw(of.task.uid(), why, figuresOf(of, figures)));
  }

  // ---- figures

  private static SortedMap<String, Long> figuresOf(Watched of, @Nullable MemoryFigures host) {
    SortedMap<String, Long> figures = new TreeMap<>();
    figures.put("memory_bytes", of.current);
    if (of.task.limitBytes() > 0) {
      figures.put("memory_limit_bytes", of.task.limitBytes());
    }
    if (of.high != UNLIMITED) {
      figures.put("memory_high_bytes", of.high);
    }
    if (of.maxSeen > 0) {
      figures.put("memory_max_hits", of.maxSeen);
    }
    figures.put("priority", (long) of.task.priority());
    if (host != null) {
      figures.put("host_available_bytes", host.availableBytes());
      figures.put("host_total_bytes", host.totalBytes());
    }
    return figures;
  }

  private static String percent(MemoryFigures figures) {
    return Long.toString(figures.availablePermille() / 10);
  }

  /** For tests: whether it is frozen; null: it is not watched. */
  @Nullable Boolean frozen(Uid uid) {
    Watched of = watched.get(uid);
    return of == null ? null : of.frozen;
  }
}

package orch.agent.core;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a task says of itself in one datagram of sd_notify(3), checked.
 *
 * @param ready READY=1
 * @param reloading RELOADING=1
 * @param stopping STOPPING=1
 * @param status STATUS=, for people; null: not said
 * @param mainPid MAINPID=, a process of the task; 0: not said
 * @param ping WATCHDOG=1
 * @param trigger WATCHDOG=trigger: the task asks to be treated as if it had missed its watchdog
 * @param watchdogMicros WATCHDOG_USEC=; 0: not said
 * @param extendMicros EXTEND_TIMEOUT_USEC=; 0: not said
 */
public record Notification(
    boolean ready,
    boolean reloading,
    boolean stopping,
    @Nullable String status,
    int mainPid,
    boolean ping,
    boolean trigger,
    long watchdogMicros,
    long extendMicros) {
  public static final Notification NOTHING =
      new Notification(false, false, false, null, 0, false, false, 0, 0);

  /** What a task said in its life until now: for an agent that takes it over. */
  public static Notification remembered(boolean ready, String status, long watchdogMicros) {
    return new Notification(
        ready, false, false, Objects.requireNonNull(status), 0, false, false, watchdogMicros, 0);
  }
}

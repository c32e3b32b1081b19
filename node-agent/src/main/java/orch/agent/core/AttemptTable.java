package orch.agent.core;

import static orch.agent.core.AttemptEvent.DELAY_OVER;
import static orch.agent.core.AttemptEvent.EXITED;
import static orch.agent.core.AttemptEvent.FORGOTTEN;
import static orch.agent.core.AttemptEvent.FOUND_ALIVE;
import static orch.agent.core.AttemptEvent.FOUND_UNCLAIMED;
import static orch.agent.core.AttemptEvent.GRACE_OVER;
import static orch.agent.core.AttemptEvent.LAUNCHER_READY;
import static orch.agent.core.AttemptEvent.LEASE_OVER;
import static orch.agent.core.AttemptEvent.STARTED;
import static orch.agent.core.AttemptEvent.START_FAILED;
import static orch.agent.core.AttemptEvent.STOP_ORDERED;
import static orch.agent.core.AttemptEvent.STUCK;
import static orch.agent.core.AttemptEvent.SURRENDERED;
import static orch.agent.core.AttemptEvent.TAKEN_BACK;
import static orch.agent.core.AttemptEvent.TIMED_OUT;
import static orch.agent.core.AttemptEvent.UNWANTED;
import static orch.agent.core.AttemptEvent.WANTED;
import static orch.agent.core.AttemptEvent.WARN_DUE;

import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of an attempt, for every phase and every event: a move, something ignored for a
 * reason, or something that cannot happen unless the agent is broken.
 */
final class AttemptTable {
  /** One cell. */
  sealed interface Cell {}

  /** Goes to {@code to} (null: the attempt is gone) and does {@code action}. */
  record Move(@Nullable Phase to, AttemptAction action) implements Cell {}

  /** Nothing, for a reason. */
  record Ignored(String why) implements Cell {}

  /** Cannot happen: the one who said it is wrong. Reported, and the attempt left alone. */
  record Refused(String why) implements Cell {}

  private static final String NOT_HANDED_OUT = "the launcher was never asked to start it";
  private static final String ENDS_ONCE = "an attempt ends once";
  private static final String LATE_TIMER = "the timer was set before";
  private static final String CLAIMED_ONCE = "a claim is never taken back";

  private static final Map<Phase, Map<AttemptEvent, Cell>> TABLE = table();

  private AttemptTable() {}

  static Cell cell(Phase phase, AttemptEvent event) {
    Map<AttemptEvent, Cell> row = TABLE.get(phase);
    Cell cell = row == null ? null : row.get(event);
    if (cell == null) {
      throw new IllegalStateException("no cell for " + phase + " and " + event);
    }
    return cell;
  }

  private static Map<Phase, Map<AttemptEvent, Cell>> table() {
    Map<Phase, Map<AttemptEvent, Cell>> table = new EnumMap<>(Phase.class);
    table.put(Phase.DELAYED, delayed());
    table.put(Phase.READY, ready());
    table.put(Phase.STARTING, starting());
    table.put(Phase.RUNNING, running());
    table.put(Phase.STOPPING, stopping());
    table.put(Phase.ENDED, ended());
    return table;
  }

  private static Map<AttemptEvent, Cell> delayed() {
    Map<AttemptEvent, Cell> row = new EnumMap<>(AttemptEvent.class);
    row.put(WANTED, ignore("it waits already, and its delay counts from the first order"));
    row.put(STOP_ORDERED, to(Phase.ENDED, AttemptAction.DROP));
    row.put(UNWANTED, to(Phase.ENDED, AttemptAction.DROP));
    row.put(DELAY_OVER, to(Phase.READY, AttemptAction.START));
    row.put(LAUNCHER_READY, ignore("its delay runs"));
    row.put(FOUND_ALIVE, refuse(NOT_HANDED_OUT));
    row.put(FOUND_UNCLAIMED, ignore("nothing was handed out for it"));
    neverLaunched(row);
    row.put(SURRENDERED, ignore("it does not run yet"));
    row.put(FORGOTTEN, refuse("its end was never reported"));
    return row;
  }

  private static Map<AttemptEvent, Cell> ready() {
    Map<AttemptEvent, Cell> row = new EnumMap<>(AttemptEvent.class);
    row.put(WANTED, ignore("it waits already"));
    row.put(STOP_ORDERED, to(Phase.ENDED, AttemptAction.DROP));
    row.put(UNWANTED, to(Phase.ENDED, AttemptAction.DROP));
    row.put(DELAY_OVER, ignore(LATE_TIMER));
    row.put(LAUNCHER_READY, to(Phase.STARTING, AttemptAction.START));
    row.put(FOUND_ALIVE, refuse(NOT_HANDED_OUT));
    row.put(FOUND_UNCLAIMED, ignore("nothing was handed out for it"));
    neverLaunched(row);
    row.put(SURRENDERED, ignore("it does not run yet"));
    row.put(FORGOTTEN, refuse("its end was never reported"));
    return row;
  }

  private static void neverLaunched(Map<AttemptEvent, Cell> row) {
    row.put(STARTED, refuse(NOT_HANDED_OUT));
    row.put(START_FAILED, refuse(NOT_HANDED_OUT));
    row.put(EXITED, refuse(NOT_HANDED_OUT));
    row.put(TAKEN_BACK, refuse(NOT_HANDED_OUT));
    row.put(STUCK, refuse(NOT_HANDED_OUT));
    row.put(WARN_DUE, ignore(LATE_TIMER));
    row.put(TIMED_OUT, ignore(LATE_TIMER));
    row.put(LEASE_OVER, refuse(NOT_HANDED_OUT));
    row.put(GRACE_OVER, ignore(LATE_TIMER));
  }

  private static Map<AttemptEvent, Cell> starting() {
    Map<AttemptEvent, Cell> row = new EnumMap<>(AttemptEvent.class);
    row.put(WANTED, ignore("it is being started"));
    row.put(STOP_ORDERED, to(Phase.STOPPING, AttemptAction.STOP));
    row.put(UNWANTED, to(Phase.STOPPING, AttemptAction.STOP));
    row.put(DELAY_OVER, ignore(LATE_TIMER));
    row.put(LAUNCHER_READY, ignore("it was found alive or unclaimed before"));
    row.put(FOUND_ALIVE, to(Phase.RUNNING, AttemptAction.NOTE_START));
    row.put(FOUND_UNCLAIMED, to(Phase.READY, AttemptAction.NONE));
    row.put(STARTED, to(Phase.RUNNING, AttemptAction.NOTE_START));
    row.put(START_FAILED, to(Phase.ENDED, AttemptAction.END));
    row.put(EXITED, to(Phase.ENDED, AttemptAction.END));
    row.put(TAKEN_BACK, to(Phase.ENDED, AttemptAction.DROP));
    row.put(STUCK, refuse("it was never killed"));
    row.put(WARN_DUE, ignore("it does not execute yet"));
    row.put(TIMED_OUT, to(Phase.STOPPING, AttemptAction.STOP_LATE));
    row.put(LEASE_OVER, to(Phase.STOPPING, AttemptAction.STOP_UNLEASED));
    row.put(GRACE_OVER, ignore(LATE_TIMER));
    row.put(SURRENDERED, ignore("no task was seen yet"));
    row.put(FORGOTTEN, refuse("its end was never reported"));
    return row;
  }

  private static Map<AttemptEvent, Cell> running() {
    Map<AttemptEvent, Cell> row = new EnumMap<>(AttemptEvent.class);
    row.put(WANTED, to(Phase.RUNNING, AttemptAction.TAKE_ORDER));
    row.put(STOP_ORDERED, to(Phase.STOPPING, AttemptAction.STOP));
    row.put(UNWANTED, to(Phase.STOPPING, AttemptAction.STOP));
    row.put(DELAY_OVER, ignore(LATE_TIMER));
    row.put(LAUNCHER_READY, ignore("it was found alive before"));
    row.put(FOUND_ALIVE, ignore("it was known to run"));
    row.put(FOUND_UNCLAIMED, to(Phase.ENDED, AttemptAction.END_UNKNOWN));
    row.put(STARTED, to(Phase.RUNNING, AttemptAction.NOTE_START));
    row.put(START_FAILED, to(Phase.ENDED, AttemptAction.END));
    row.put(EXITED, to(Phase.ENDED, AttemptAction.END));
    row.put(TAKEN_BACK, refuse(CLAIMED_ONCE));
    row.put(STUCK, to(Phase.STOPPING, AttemptAction.REPORT_STUCK));
    row.put(WARN_DUE, to(Phase.RUNNING, AttemptAction.WARN));
    row.put(TIMED_OUT, to(Phase.STOPPING, AttemptAction.STOP_LATE));
    row.put(LEASE_OVER, to(Phase.STOPPING, AttemptAction.STOP_UNLEASED));
    row.put(GRACE_OVER, ignore(LATE_TIMER));
    row.put(SURRENDERED, to(Phase.STOPPING, AttemptAction.STOP_SURRENDERED));
    row.put(FORGOTTEN, refuse("its end was never reported"));
    return row;
  }

  private static Map<AttemptEvent, Cell> stopping() {
    Map<AttemptEvent, Cell> row = new EnumMap<>(AttemptEvent.class);
    row.put(WANTED, ignore("a stop is never taken back"));
    row.put(STOP_ORDERED, to(Phase.STOPPING, AttemptAction.STOP));
    row.put(UNWANTED, ignore("it is being stopped"));
    row.put(DELAY_OVER, ignore(LATE_TIMER));
    row.put(LAUNCHER_READY, ignore("it was found alive or unclaimed before"));
    row.put(FOUND_ALIVE, to(Phase.STOPPING, AttemptAction.STOP));
    row.put(FOUND_UNCLAIMED, to(Phase.ENDED, AttemptAction.DROP));
    row.put(STARTED, to(Phase.STOPPING, AttemptAction.NOTE_START));
    row.put(START_FAILED, to(Phase.ENDED, AttemptAction.END));
    row.put(EXITED, to(Phase.ENDED, AttemptAction.END));
    row.put(TAKEN_BACK, to(Phase.ENDED, AttemptAction.DROP));
    row.put(STUCK, to(Phase.STOPPING, AttemptAction.REPORT_STUCK));
    row.put(WARN_DUE, ignore("it is being stopped"));
    row.put(TIMED_OUT, ignore("it is being stopped"));
    row.put(LEASE_OVER, to(Phase.STOPPING, AttemptAction.STOP_UNLEASED));
    row.put(GRACE_OVER, to(Phase.STOPPING, AttemptAction.STOP_AGAIN));
    row.put(SURRENDERED, ignore("it is being stopped"));
    row.put(FORGOTTEN, refuse("its end was never reported"));
    return row;
  }

  private static Map<AttemptEvent, Cell> ended() {
    Map<AttemptEvent, Cell> row = new EnumMap<>(AttemptEvent.class);
    row.put(WANTED, to(Phase.ENDED, AttemptAction.REPORT));
    row.put(STOP_ORDERED, to(Phase.ENDED, AttemptAction.REPORT));
    row.put(UNWANTED, to(Phase.ENDED, AttemptAction.REPORT));
    row.put(DELAY_OVER, ignore(LATE_TIMER));
    row.put(LAUNCHER_READY, ignore("it has ended"));
    row.put(FOUND_ALIVE, refuse(ENDS_ONCE));
    row.put(FOUND_UNCLAIMED, ignore("it never ran, or the journal is gone"));
    row.put(STARTED, ignore("told late"));
    row.put(START_FAILED, ignore(ENDS_ONCE));
    row.put(EXITED, ignore(ENDS_ONCE));
    row.put(TAKEN_BACK, ignore(ENDS_ONCE));
    row.put(STUCK, ignore("told late"));
    row.put(WARN_DUE, ignore(LATE_TIMER));
    row.put(TIMED_OUT, ignore(LATE_TIMER));
    row.put(LEASE_OVER, ignore("it has ended"));
    row.put(GRACE_OVER, ignore(LATE_TIMER));
    row.put(SURRENDERED, ignore(LATE_TIMER));
    row.put(FORGOTTEN, new Move(null, AttemptAction.BURY));
    return row;
  }

  private static Cell to(Phase phase, AttemptAction action) {
    return new Move(phase, action);
  }

  private static Cell ignore(String why) {
    return new Ignored(why);
  }

  private static Cell refuse(String why) {
    return new Refused(why);
  }
}

package orch.agent.process;

import java.time.Duration;
import java.util.List;
import orch.api.model.Result;
import orch.api.model.StartFailure;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/**
 * The launcher and its shims as the agent's loop sees them. Every method is called on the loop and
 * returns at once; the listener is called on the loop. Requests for attempts that are not guarded
 * (any more) do nothing.
 */
public interface LauncherPort {
  /** Begins; the first call of the listener is {@link Listener#connected}. */
  void connect(Listener listener);

  /**
   * Starts an attempt on a free shim, or as soon as there is one. Its claim in the journal makes
   * sure that it forks at most once, whatever dies.
   *
   * @param leased its deadline is the end of a lease: a start that comes too late for it never
   *     runs, and {@link Listener#dropped} follows
   */
  void start(StartRequest request, boolean leased);

  /** Gives later deadlines to attempts that were started, guarded yet or not. */
  void renew(List<Deadline> deadlines);

  /**
   * The stop sequence: signal and SIGCONT, thaw, grace, kill, wait until the tree is empty. Of an
   * attempt that still waits for a shim: it is forgotten, and {@link Listener#dropped} follows.
   *
   * @param grace null: that of the start
   */
  void stop(Uid uid, @Nullable Duration grace);

  /**
   * Has a stop that runs kill later, if its shim can do that and nobody said otherwise: a grace
   * that was said, a deadline and the end of a lease stay what they are.
   *
   * @param by from now
   * @param most from the stop's beginning
   */
  void extendStop(Uid uid, Duration by, Duration most);

  /**
   * Sends a signal; {@code outcome} hears of the processes that it reached, or of an error.
   *
   * @param target 0 or 1: the leader, 2: every process, 3: the process group of the leader
   */
  void signal(Uid uid, int signal, int target, SignalOutcome outcome);

  /**
   * Stops every process of the attempt from running, or lets them go on. A stop thaws it by itself.
   */
  void freeze(Uid uid, boolean frozen, SignalOutcome outcome);

  /** The ends of these attempts are committed: the journal may forget them. */
  void ack(List<Uid> uids);

  /** How many attempts can run at a time. */
  int capacity();

  /** Leaves the launcher, its shims and every task alone. */
  void close();

  /** When a shim is to stop an attempt by itself. */
  record Deadline(Uid uid, long bootNanos, boolean lease) {}

  @FunctionalInterface
  interface SignalOutcome {
    /** {@code error} empty: done. */
    void done(int processes, String error);
  }

  /**
   * An attempt that the journal knows, as a new agent finds it.
   *
   * @param claim what {@link StartRequest#name} said
   * @param bootId of the claim
   * @param end null: it has not ended
   * @param startNanos realtime; 0: unknown
   * @param startBootNanos CLOCK_BOOTTIME of that boot; 0: unknown
   */
  record Found(
      Uid uid,
      String claim,
      String bootId,
      boolean running,
      long startNanos,
      long startBootNanos,
      @Nullable End end) {}

  /**
   * The end of an attempt, durable in the journal. Times in nanoseconds since the epoch, 0:
   * unknown.
   *
   * @param stopped a stop was under way
   */
  record End(Result result, long startNanos, long endNanos, long recordNanos, boolean stopped) {}

  /** What happens. */
  interface Listener {
    /**
     * The launcher answers; {@code found} is everything that was claimed and not acked. Called
     * again after each reconnect.
     */
    void connected(List<Found> found);

    /** The connection broke; a new one is being made. Tasks are not touched by that. */
    void disconnected(String why);

    /** The task executes. */
    void started(Uid uid, int pid, long startNanos);

    /** No task was made; durable in the journal. */
    void startFailed(Uid uid, StartFailure why, long atNanos);

    /** It ended; durable in the journal. */
    void ended(Uid uid, End end);

    /** It was stopped before a shim took it: it never ran. */
    void dropped(Uid uid);

    /** Its processes outlive SIGKILL: its resources stay held. */
    void stuck(Uid uid, int processes);
  }
}

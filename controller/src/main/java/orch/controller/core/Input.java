package orch.controller.core;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import orch.api.model.AgentMessage;
import orch.api.model.AttemptStatus;
import orch.api.model.IndexRange;
import orch.api.model.JobSpec;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** Everything that may move the cluster's state; fed to {@link Decider#decide} one by one. */
public sealed interface Input {
  /** A caller's wish; its {@link Decision#answer} is set. */
  sealed interface Request extends Input {
    RequestMeta meta();
  }

  // ---- jobs

  /**
   * A job is handed in. Answer: {@link Answer.Submitted} or, with {@code validateOnly}, {@link
   * Answer.Validated}.
   *
   * @param namespace {@code default} where the caller said none
   * @param spec checked by the validation gate; an empty name is made here
   * @param replace ends a live batch job of the name first
   * @param expectedVersion of the live service that the spec was made from; 0: any
   * @param traceparent W3C header of the caller; empty or malformed: a trace id is made
   * @param tracestate W3C header of the caller; empty: none
   */
  record SubmitJob(
      RequestMeta meta,
      String namespace,
      JobSpec spec,
      boolean replace,
      boolean validateOnly,
      long expectedVersion,
      String traceparent,
      String tracestate)
      implements Request {}

  /**
   * Jobs end for good: idempotent, a job that has ended stays as it is. Answer: {@link
   * Answer.Jobs}; unknown numbers are in {@code missing}.
   */
  record CancelJobs(RequestMeta meta, List<Long> numbers, String reason) implements Request {
    public CancelJobs {
      numbers = List.copyOf(numbers);
    }
  }

  /** Tasks end for good. Answer: {@link Answer.Tasks}. */
  record CancelTasks(RequestMeta meta, List<TaskRef> tasks, String reason) implements Request {
    public CancelTasks {
      tasks = List.copyOf(tasks);
    }
  }

  /** A finished job leaves the listings. Answer: {@link Answer.Done}. */
  record DeleteJob(RequestMeta meta, long number) implements Request {}

  /**
   * Tasks of a batch job run again, a finished job becomes live. Answer: {@link Answer.Jobs}.
   *
   * @param indexes tasks that have ended, whatever their end; empty: those that did not succeed
   */
  record RetryJob(RequestMeta meta, long number, List<IndexRange> indexes) implements Request {
    public RetryJob {
      indexes = List.copyOf(indexes);
    }
  }

  /** The job starts nothing until it is released. Answer: {@link Answer.Jobs}. */
  record HoldJob(RequestMeta meta, long number) implements Request {}

  record ReleaseJob(RequestMeta meta, long number) implements Request {}

  /** Its running tasks are to stand still, and nothing more of it is to start. */
  record SuspendJob(RequestMeta meta, long number) implements Request {}

  record ResumeJob(RequestMeta meta, long number) implements Request {}

  /**
   * A service gets another number of tasks (a new version). Answer: {@link Answer.Jobs}.
   *
   * @param expectedVersion 0: any
   */
  record ScaleJob(RequestMeta meta, long number, int count, long expectedVersion)
      implements Request {}

  /** Every running task is stopped and started anew, uncounted. Answer: {@link Answer.Jobs}. */
  record RestartJob(RequestMeta meta, long number) implements Request {}

  // ---- nodes, by name; answer: Answer.Node

  record CordonNode(RequestMeta meta, String nodeName, String reason) implements Request {}

  /** Ends a cordon or a drain. */
  record UncordonNode(RequestMeta meta, String nodeName) implements Request {}

  /**
   * Cordon, and every attempt is stopped and placed elsewhere, uncounted.
   *
   * @param deadline replaces the jobs' stop grace; null: theirs
   */
  record DrainNode(RequestMeta meta, String nodeName, @Nullable Duration deadline)
      implements Request {}

  record UpdateNodeLabels(
      RequestMeta meta, String nodeName, SortedMap<String, String> set, List<String> remove)
      implements Request {
    public UpdateNodeLabels {
      set = Collections.unmodifiableSortedMap(new TreeMap<>(set));
      remove = List.copyOf(remove);
    }
  }

  /** The operator vouches that the host is dead; refused unless {@code verified}. */
  record DeclareNodeGone(RequestMeta meta, String nodeName, boolean verified) implements Request {}

  /**
   * Another machine gets the name of a node that does not answer.
   *
   * @param newUid empty: the one that was refused for the name last
   * @param verified the operator vouches that the old host is dead; needed if attempts may run
   *     there
   */
  record ReplaceNode(RequestMeta meta, String nodeName, String newUid, boolean verified)
      implements Request {}

  /**
   * A node of another cluster is taken in, which was refused before. Answer: {@link Answer.Done}.
   */
  record AdoptNode(RequestMeta meta, String nodeName) implements Request {}

  /** What becomes of an attempt that a node runs and the state does not know: stop or adopt it. */
  record ResolveHeld(RequestMeta meta, String nodeName, Uid attempt, boolean stop)
      implements Request {}

  /** Silent nodes may be given up although over half are silent. Answer: {@link Answer.Done}. */
  record ReleaseBrake(RequestMeta meta) implements Request {}

  // ---- agents

  /**
   * An agent opened a session. Effects: {@link Effect.Welcome} (then {@link Effect.SendDesired}, at
   * once or after the inventory) or {@link Effect.Refuse}.
   *
   * @param session number of the session, unique in this process; comes back in the effects
   * @param doubled another agent with the same uid has a session that lives
   */
  record NodeHello(long session, AgentMessage.Hello hello, boolean doubled) implements Input {
    public NodeHello(long session, AgentMessage.Hello hello) {
      this(session, hello, false);
    }
  }

  /**
   * A part of what an agent knows, at most {@link Limits#MAX_REPORTS} attempts; answered by {@link
   * Effect.SendDesired} after the last part.
   */
  record NodeInventory(String nodeUid, long session, List<AttemptStatus> attempts, boolean last)
      implements Input {
    public NodeInventory {
      attempts = Limits.reports(attempts);
    }
  }

  /** What changed on a node, at most {@link Limits#MAX_REPORTS} attempts: split longer lists. */
  record AttemptReports(String nodeUid, List<AttemptStatus> attempts) implements Input {
    public AttemptReports {
      attempts = Limits.reports(attempts);
    }
  }

  /**
   * The node's session ended or its heartbeats stopped, for long enough. Times of the leader's boot
   * clock.
   *
   * @param heardNanos last sign of it
   * @param leaseNanos when it was granted a lease last; null: it never was by this leader
   */
  record NodeSilent(String nodeUid, long heardNanos, @Nullable Long leaseNanos) implements Input {}

  /** Heartbeats came again on a session that was thought silent. */
  record NodeBack(String nodeUid) implements Input {}

  // ---- timers and the process itself

  /**
   * About once a second: deadlines, lost nodes, expired request ids, retention.
   *
   * @param bootNanos the leader's boot clock: what is counted on it does not heed jumps of the wall
   *     clock
   */
  record Tick(long bootNanos) implements Input {}

  /** Every member that is there reads this format of the log. */
  record FormatReadable(int level) implements Input {}

  /** Runs one slice of scheduling and settling; {@link Decision#more} says whether to go on. */
  record Schedule() implements Input {}

  /**
   * This process leads now: first input of a leadership, before any other.
   *
   * @param epoch from {@code /epoch}, higher than any before
   * @param newClusterId used when the log is empty; a UUID made by the caller
   * @param formatLevel highest format that every member reads
   */
  record BecameLeader(long epoch, String leaderName, String newClusterId, int formatLevel)
      implements Input {}
}

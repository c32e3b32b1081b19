package orch.controller.core;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import orch.api.model.AttemptState;
import orch.api.model.IndexRange;
import orch.api.model.JobSpec;
import orch.api.model.JobState;
import orch.api.model.NodeDescription;
import orch.api.model.Result;
import orch.api.model.StageTimes;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/**
 * A result, as it stands in the log. {@link State#apply} of a released change never alters; new
 * behaviour is a new change.
 *
 * <p>Tasks are named by job number and index, attempts by task and uid, nodes by the number that
 * {@link NodeRegistered} gave them.
 */
public sealed interface Change {
  /** The lowest format level of a log that may hold it; a leader writes nothing above its log's. */
  default int formatLevel() {
    return 1;
  }

  // ---- cluster

  /** First entry ever. */
  record ClusterCreated(String clusterId, int incarnation) implements Change {}

  /** First change of each leadership; uids made from here on carry the epoch. */
  record EpochStarted(long epoch, String leader, int formatLevel) implements Change {}

  /** Every member reads this format: it may be written from the next change on. */
  record FormatRaised(int level) implements Change {}

  /** A request was answered; a repetition gets the same answer. */
  record RequestAnswered(String requestId, String principal, long bodyHash, Answer answer)
      implements Change {}

  /** Answers given before this time are forgotten (milliseconds since the epoch). */
  record RequestsExpired(long beforeMillis) implements Change {}

  // ---- after a restore from a backup, or an adoption

  /**
   * Uids carry another incarnation from here on, so that none that was ever given is given again.
   *
   * @param nextSequence at least this
   * @param nextNumber of a job, at least this
   * @param restored the state is that of a backup: tasks of the jobs in it wait until the nodes
   *     have said what they run, or {@link RestoreSettled}
   */
  record IncarnationRaised(int incarnation, long nextSequence, long nextNumber, boolean restored)
      implements Change {}

  /** The next job gets at least this number: an agent knows of jobs up to it. */
  record NumbersRaised(long nextNumber) implements Change {}

  /** A node has said all that it runs, after a restore. */
  record NodeReconciled(int node) implements Change {}

  /** Tasks of jobs from before the restore are placed again. */
  record RestoreSettled() implements Change {}

  /** The node runs these, and the state does not know them. */
  record AttemptsHeld(int node, List<HeldAttempt> attempts) implements Change {
    public AttemptsHeld {
      attempts = List.copyOf(attempts);
    }
  }

  /** An operator wants these stopped. */
  record HeldStopping(int node, List<Uid> attempts) implements Change {
    public HeldStopping {
      attempts = List.copyOf(attempts);
    }
  }

  /** These are on the node no more. */
  record HeldGone(int node, List<Uid> attempts) implements Change {
    public HeldGone {
      attempts = List.copyOf(attempts);
    }
  }

  /** A held attempt is the newest of its task from now on; the task waited. */
  record AttemptAdopted(int node, Uid attempt) implements Change {}

  /**
   * A node came from another cluster: what it runs has uids of older incarnations, and not ours.
   */
  record NodeAdopted(int node) implements Change {}

  // ---- jobs

  /**
   * A new job; its tasks wait and are made lazily. Takes the next sequence for its uid.
   *
   * @param dependsOn numbers of the jobs that {@code spec.dependsOn} names, in its order
   * @param afterJob live job of the same name that must end first; 0: none
   */
  record JobSubmitted(
      long number,
      String namespace,
      String name,
      JobSpec spec,
      String owner,
      String traceId,
      String traceState,
      List<Long> dependsOn,
      long afterJob)
      implements Change {
    public JobSubmitted {
      dependsOn = List.copyOf(dependsOn);
    }
  }

  /**
   * A service has a new spec. Tasks that it has no more are cancelled, or stopped by {@link
   * AttemptsStopping}.
   *
   * @param restart whether attempts of older versions are outdated, to be stopped likewise; if not
   *     they run on as they are
   */
  record JobVersioned(long number, long version, JobSpec spec, String principal, boolean restart)
      implements Change {}

  /** Everything that the job waited for as a whole has come. */
  record JobUnblocked(long number) implements Change {}

  record JobHeld(long number, String principal) implements Change {}

  record JobReleased(long number, String principal) implements Change {}

  /** Its attempts are to stand still, and it gets no new ones, until it is resumed or ends. */
  record JobSuspended(long number, String principal) implements Change {}

  record JobResumed(long number, String principal) implements Change {}

  /**
   * The job is made to end: waiting tasks end now (cancelled; dropped for {@link
   * JobEnding#DEPENDENCY}), live attempts are stopping.
   */
  record JobStopping(long number, JobEnding ending, String reason) implements Change {}

  /** Every task has ended, and with them the job. */
  record JobEnded(long number, JobState state, String reason, int exitCode) implements Change {}

  /** These tasks, all of which had ended, wait again with fresh retries; the job is live. */
  record JobRetried(long number, List<IndexRange> indexes, String principal) implements Change {
    public JobRetried {
      indexes = List.copyOf(indexes);
    }
  }

  record JobDeleted(long number) implements Change {}

  // ---- tasks and attempts

  /** Waiting tasks end: cancelled. */
  record TasksCancelled(long number, List<IndexRange> indexes, String reason) implements Change {
    public TasksCancelled {
      indexes = List.copyOf(indexes);
    }
  }

  /** Waiting tasks end: dropped, they can never run. */
  record TasksDropped(long number, List<IndexRange> indexes, String reason) implements Change {
    public TasksDropped {
      indexes = List.copyOf(indexes);
    }
  }

  /** New attempts; they take the next sequences for their uids, in order. */
  record AttemptsPlaced(List<Placed> attempts) implements Change {
    public AttemptsPlaced {
      attempts = List.copyOf(attempts);
    }
  }

  /**
   * An attempt of a waiting task; its number is one more than the task's last. Delay and memory
   * limit come from the task.
   *
   * @param ports in the order of the spec's names
   */
  record Placed(long number, int index, int node, List<Integer> ports) {
    public Placed {
      ports = List.copyOf(ports);
    }
  }

  /** Agents saw these attempts run. */
  record AttemptsRunning(List<Started> attempts) implements Change {
    public AttemptsRunning {
      attempts = List.copyOf(attempts);
    }
  }

  /** {@code startNanos}: the node's clock. */
  record Started(AttemptRef attempt, long startNanos) {}

  /** What running attempts say of themselves: that they can do their work, or that they cannot. */
  record AttemptsReadiness(List<AttemptRef> ready, List<AttemptRef> notReady) implements Change {
    public AttemptsReadiness {
      ready = List.copyOf(ready);
      notReady = List.copyOf(notReady);
    }
  }

  /**
   * These attempts are to stop.
   *
   * @param grace in place of the spec's; null: the spec's
   */
  record AttemptsStopping(
      List<AttemptRef> attempts, StopCause cause, @Nullable Duration grace, String reason)
      implements Change {
    public AttemptsStopping {
      attempts = List.copyOf(attempts);
    }
  }

  /** These attempts have ended for good, and what they held is free. */
  record AttemptsEnded(List<Ended> attempts) implements Change {
    public AttemptsEnded {
      attempts = List.copyOf(attempts);
    }
  }

  /**
   * An end.
   *
   * @param state SUCCEEDED, FAILED, KILLED, DROPPED or LOST
   * @param result null for DROPPED only
   * @param reason for people; empty: the result says it
   * @param startNanos the node's clock; 0: never started or unknown
   * @param endNanos the node's clock; 0: unknown
   */
  record Ended(
      AttemptRef attempt,
      AttemptState state,
      @Nullable Result result,
      String reason,
      long startNanos,
      long endNanos,
      StageTimes stages,
      Next next) {}

  // ---- nodes

  /** A node came for the first time; {@code node} rises from 0 and is never given again. */
  record NodeRegistered(int node, NodeDescription description) implements Change {}

  /**
   * The node describes itself otherwise. A new boot id leaves its older attempts to be settled by
   * its inventory: {@link NodeSettled}.
   */
  record NodeUpdated(int node, NodeDescription description) implements Change {}

  /** Every attempt of an older boot has ended. */
  record NodeSettled(int node) implements Change {}

  record NodeContactChanged(int node, NodeContact contact, String reason) implements Change {}

  /**
   * Operators want something else of the node.
   *
   * @param grace of a drain, in place of the jobs'; null: theirs
   */
  record NodeAvailabilityChanged(
      int node, NodeAvailability availability, @Nullable Duration grace, String reason)
      implements Change {}

  /** Labels set by operators; they hide the agent's of the same key. */
  record NodeLabelled(int node, SortedMap<String, String> labels) implements Change {
    public NodeLabelled {
      labels = Collections.unmodifiableSortedMap(new TreeMap<>(labels));
    }
  }

  /** Whether silent nodes may be given up is judged otherwise. */
  record FleetBrakeChanged(FleetBrake brake, String reason) implements Change {}

  /** An agent wants to join and may not; takes the place of what was said of it before. */
  record NodeRefused(RefusedNode node) implements Change {}

  /** These agents ask no more, or were taken in. */
  record NodeRefusalsForgotten(List<String> keys) implements Change {
    public NodeRefusalsForgotten {
      keys = List.copyOf(keys);
    }
  }

  /** An operator vouched that the node is dead and that the new uid may have its name. */
  record NodeReplaced(int node, String newUid, String reason) implements Change {}

  /**
   * An operator takes in a node that belonged to another cluster. Uids made from here on carry at
   * least this incarnation, so that none is like one that the node knows.
   */
  record NodeAdmitted(String uid, String clusterId, int incarnation) implements Change {}
}

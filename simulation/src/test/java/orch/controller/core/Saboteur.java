package orch.controller.core;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import orch.api.model.JobState;
import orch.controller.scheduler.Need;

/**
 * Spoils a leader's state from within, as a bug in the core would: it lies in the core's package,
 * among the tests only, so that nothing else can reach what it reaches.
 */
public final class Saboteur {
  private final TreeSet<Long> freed = new TreeSet<>();

  /** The answers to requests are forgotten. */
  public static void forgetAnswers(StateView view) {
    ((State) view).requests.expire(Long.MAX_VALUE);
  }

  /** What restarts used up is forgotten. */
  public static void forgetRestarts(StateView view) {
    for (Job job : ((State) view).liveJobs.values()) {
      for (int ordinal = 0; ordinal < job.tasks.size(); ordinal++) {
        Extra extra = job.tasks.extraOrNull(ordinal);
        if (extra != null) {
          extra.counted = 0;
        }
      }
    }
  }

  /** Back-offs begin anew with each restart, and are nothing. */
  public static void forgetDelays(StateView view) {
    for (Job job : ((State) view).liveJobs.values()) {
      for (int at = job.tasks.nextLive(0); at >= 0; at = job.tasks.nextLive(at + 1)) {
        Extra extra = job.tasks.extraOrNull(at);
        if (extra != null) {
          extra.delayMillis = 0;
        }
      }
    }
  }

  /** What live attempts hold is given back, so that it is given away once more. */
  public void freeWhatLives(StateView view) {
    State state = (State) view;
    for (Node node : state.nodes) {
      List<Runnable> frees = new ArrayList<>();
      node.live.each((job, ordinal, sequence) -> {
        if (freed.add(sequence)) {
          Extra extra = job.tasks.extraOrNull(ordinal);
          List<Integer> ports = extra == null ? List.of() : AttemptChanges.boxed(extra.ports);
          Need need = job.needOf(ordinal);
          frees.add(() -> state.fleet.release(node.slot, need, ports));
        }
        return true;
      });
      frees.forEach(Runnable::run);
    }
  }

  /** Something of every node is never given back. */
  public static void leak(StateView view) {
    State state = (State) view;
    for (Node node : state.nodes) {
      Need need = new Need(40, 0, 0, new TreeMap<>());
      state.fleet.reserve(node.slot, need, List.of());
    }
  }

  /** A suspended job goes on without a word. */
  public static void forgetSuspensions(StateView view) {
    State state = (State) view;
    for (Job job : state.liveJobs.values()) {
      if (job.suspended()) {
        job.suspendReason = "";
        state.touched(job);
      }
    }
  }

  /** A held job is released without a word. */
  public static void forgetHolds(StateView view) {
    State state = (State) view;
    for (Job job : state.liveJobs.values()) {
      if (job.state == JobState.HELD) {
        job.state = JobState.QUEUED;
        state.touched(job);
      }
    }
  }
}

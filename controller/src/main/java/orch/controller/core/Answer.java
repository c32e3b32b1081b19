package orch.controller.core;

import java.util.List;

/**
 * What a request got, compact enough to be logged with its request id: it names things, and the
 * service reads them from the {@link StateView} when the answer is released.
 */
public sealed interface Answer {
  /** The request did what it asked; nothing to show. */
  record Done() implements Answer {}

  /** The job that a submit made, changed or found. */
  record Submitted(long number, SubmitOutcome outcome) implements Answer {}

  /**
   * What a submit with validate_only would do; nothing was stored.
   *
   * @param number of the live job that would be changed; 0: a new one
   * @param name that the job would have
   */
  record Validated(SubmitOutcome outcome, long number, String name) implements Answer {}

  /** Jobs that were acted upon, and numbers that do not exist. */
  record Jobs(List<Long> numbers, List<Long> missing) implements Answer {
    public Jobs {
      numbers = List.copyOf(numbers);
      missing = List.copyOf(missing);
    }
  }

  /** Tasks that were acted upon, and those that do not exist. */
  record Tasks(List<TaskRef> tasks, List<TaskRef> missing) implements Answer {
    public Tasks {
      tasks = List.copyOf(tasks);
      missing = List.copyOf(missing);
    }
  }

  /** The node that was acted upon. */
  record Node(String nodeUid) implements Answer {}

  /** Refused; nothing was changed but the request's record. */
  record Rejected(Rejection rejection) implements Answer {}
}

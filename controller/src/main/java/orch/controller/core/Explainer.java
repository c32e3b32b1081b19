package orch.controller.core;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import orch.api.model.TaskState;
import orch.controller.scheduler.Ask;
import orch.controller.scheduler.Refusals;

/** Says why something waits, or how it ended. */
final class Explainer {
  private final State state;
  private final Views views;

  Explainer(State state, Views views) {
    this.state = state;
    this.views = views;
  }

  Explanation job(Job job) {
    if (!job.live()) {
      String reason = views.job(job).reason();
      return new Explanation(sentence("it " + word(job.state.name()), reason), List.of());
    }
    int waiting = job.tasks.count(TaskState.WAITING);
    if (waiting == 0) {
      return new Explanation("none of its tasks waits", List.of());
    }
    int ordinal = job.tasks.nextWaiting(0);
    return waiting(job, ordinal, waiting);
  }

  Explanation task(Job job, int ordinal) {
    TaskState task = job.tasks.state(ordinal);
    if (task != TaskState.WAITING) {
      String reason = views.task(job, ordinal).reason();
      return new Explanation(sentence("it is " + word(task.name()), reason), List.of());
    }
    return waiting(job, ordinal, 1);
  }

  private static String word(String name) {
    return name.toLowerCase(Locale.ROOT);
  }

  private static String sentence(String what, String why) {
    return why.isEmpty() ? what : what + ": " + why;
  }

  private Explanation waiting(Job job, int ordinal, int tasks) {
    String who = tasks == 1 ? "1 task waits" : tasks + " tasks wait";
    if (job.held()) {
      return one(who, "held", "the job is " + job.reason + "; release it", tasks);
    }
    if (job.suspended()) {
      return one(who, "suspended", "the job is " + job.suspendReason + "; resume it", tasks);
    }
    if (job.blocked) {
      return one(who, "dependency", views.waitsFor(job), tasks);
    }
    if (job.ready != null && !job.ready.get(ordinal)) {
      return one(who, "dependency", "the task of the same index is awaited", tasks);
    }
    if (state.awaitsNodes(job)) {
      return one(
          who,
          "restore",
          "the cluster was restored from a backup, and not all nodes have said what they run",
          tasks);
    }
    if (job.allowance() == 0) {
      return one(
          who,
          "parallelism",
          "the job runs at most " + job.spec().tasks().parallelism() + " at a time",
          tasks);
    }
    Extra extra = job.tasks.extraOrNull(ordinal);
    return places(
        who,
        new Ask(
            job.current().demand,
            1,
            extra == null ? 0 : extra.memoryBytes,
            -1,
            Placer.present(state, job),
            -1),
        tasks);
  }

  private static Explanation one(String who, String kind, String message, int tasks) {
    return new Explanation(
        who + ": " + message, List.of(new Explanation.Reason(kind, message, 0, tasks)));
  }

  /** Why the ask has no place now. */
  Explanation places(String who, Ask ask, int tasks) {
    if (state.nodes.isEmpty()) {
      return one(who, "nodes", "no node has joined the cluster; start an orch-agent", tasks);
    }
    List<Explanation.Reason> reasons = new ArrayList<>();
    List<String> texts = new ArrayList<>();
    int refusing = 0;
    for (Refusals.Refusal refusal : Refusals.of(state.fleet, ask)) {
      String what =
          refusal.detail().isEmpty() ? refusal.kind() : refusal.kind() + " " + refusal.detail();
      String text =
          refusal.nodes() == 0
              ? refusal.detail()
              : Sentences.count(refusal.nodes(), "node") + ": " + what;
      refusing += refusal.nodes();
      texts.add(text);
      reasons.add(new Explanation.Reason(refusal.kind(), text, refusal.nodes(), tasks));
    }
    if (texts.isEmpty() || refusing < state.nodes.size() && reasons.getFirst().nodes() > 0) {
      return one(who, "priority", "its turn has not come yet", tasks);
    }
    return new Explanation(who + ": " + String.join("; ", texts), reasons);
  }
}

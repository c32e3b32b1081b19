package orch.controller.core;

import java.util.List;
import java.util.TreeMap;
import orch.api.model.JobSpec;
import orch.controller.scheduler.Ask;
import orch.controller.scheduler.Assignment;
import orch.controller.scheduler.Demand;
import orch.controller.scheduler.Scheduler;
import org.jspecify.annotations.Nullable;

/** Runs a submit's rules and the scheduler without changing anything. */
final class SubmitPlan {
  private final State state;
  private final Explainer explainer;

  SubmitPlan(State state, Explainer explainer) {
    this.state = state;
    this.explainer = explainer;
  }

  PlanView plan(String namespace, JobSpec spec) {
    return switch (new SubmitRules(state).of(namespace, spec, false, 0)) {
      case SubmitRules.Meaning.Refused(Rejection rejection) ->
          new PlanView(
              null,
              rejection,
              null,
              new TreeMap<>(),
              new Explanation(rejection.message(), List.of()));
      case SubmitRules.Meaning.Unchanged(Job job) ->
          new PlanView(
              SubmitOutcome.UNCHANGED,
              null,
              job.spec(),
              new TreeMap<>(),
              new Explanation("nothing would change", List.of()));
      case SubmitRules.Meaning.Update(Job job, JobSpec next, boolean _) ->
          placed(SubmitOutcome.UPDATED, job.spec(), next);
      case SubmitRules.Meaning.Create create -> placed(SubmitOutcome.CREATED, null, create.spec());
    };
  }

  private PlanView placed(SubmitOutcome outcome, @Nullable JobSpec present, JobSpec spec) {
    int tasks = spec.tasks().size();
    int parallelism = spec.tasks().parallelism();
    int wanted = parallelism == 0 ? tasks : Math.min(tasks, parallelism);
    wanted = Math.min(wanted, Limits.MAX_PLACEMENTS);
    Ask ask = new Ask(Demand.of(spec), wanted, 0, -1, new TreeMap<>(), -1);
    List<Assignment> plan = Scheduler.plan(state.fleet, ask);
    if (spec.tasks().gang() && plan.size() < wanted) {
      plan = List.of();
    }
    TreeMap<String, Integer> placements = new TreeMap<>();
    for (Assignment assignment : plan) {
      placements.merge(state.nodeOf(assignment.node()).name(), 1, Integer::sum);
    }
    return new PlanView(outcome, null, present, placements, waiting(ask, plan.size(), tasks));
  }

  private Explanation waiting(Ask ask, int placed, int tasks) {
    int left = tasks - placed;
    if (left == 0) {
      return new Explanation("every task would be placed at once", List.of());
    }
    String who = left == 1 ? "1 task would wait" : left + " tasks would wait";
    return placed == ask.count()
        ? new Explanation(who + " for its turn", List.of())
        : explainer.places(who, ask, left);
  }
}

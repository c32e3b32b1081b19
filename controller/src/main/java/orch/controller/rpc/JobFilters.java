package orch.controller.rpc;

import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import orch.api.convert.AttemptConvert;
import orch.api.model.JobState;
import orch.controller.core.JobQuery;
import orch.controller.core.JobView;
import orch.v1.JobFilter;
import org.jspecify.annotations.Nullable;

/** The API's filter of jobs. */
final class JobFilters {
  /** The caller, as an owner. */
  private static final String ME = "me";

  private JobFilters() {}

  /** A page of the jobs that match. */
  static JobQuery query(
      String namespace, JobFilter filter, Caller caller, @Nullable Long after, int limit) {
    Requests.checkBatch("filter.numbers", filter.getNumbersList());
    Set<JobState> states = EnumSet.noneOf(JobState.class);
    for (orch.v1.JobState state : filter.getStatesList()) {
      states.add(Messages.state("filter.states", state));
    }
    return new JobQuery(
        namespace,
        filter.getOwner().equals(ME) ? caller.principal() : filter.getOwner(),
        new TreeMap<>(filter.getLabelsMap()),
        states,
        filter.getNumbersList(),
        filter.getJobName(),
        filter.hasSubmittedAfter() ? AttemptConvert.epochNanos(filter.getSubmittedAfter()) : 0,
        filter.hasSubmittedBefore() ? AttemptConvert.epochNanos(filter.getSubmittedBefore()) : 0,
        filter.getLive(),
        after,
        limit);
  }

  /**
   * Whether a watch tells of a job: by all that a job never changes, so that a watcher of live jobs
   * hears of their end too.
   */
  static boolean watched(JobQuery query, JobView job) {
    return (query.namespace().equals(Names.ALL_NAMESPACES)
            || query.namespace().equals(job.namespace()))
        && (query.owner().isEmpty() || query.owner().equals(job.owner()))
        && labelled(query.labels(), job.spec().labels())
        && (query.numbers().isEmpty() || query.numbers().contains(job.number()))
        && (query.jobName().isEmpty() || query.jobName().equals(job.name()))
        && (query.submittedAfterNanos() == 0 || job.submitNanos() > query.submittedAfterNanos())
        && (query.submittedBeforeNanos() == 0 || job.submitNanos() < query.submittedBeforeNanos());
  }

  private static boolean labelled(Map<String, String> wanted, Map<String, String> labels) {
    for (Map.Entry<String, String> label : wanted.entrySet()) {
      String value = labels.get(label.getKey());
      if (value == null || !(label.getValue().isEmpty() || label.getValue().equals(value))) {
        return false;
      }
    }
    return true;
  }
}

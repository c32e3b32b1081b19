package orch.controller.core;

import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import orch.api.model.JobState;
import org.jspecify.annotations.Nullable;

/**
 * Jobs to list, newest first; every condition that is set must hold.
 *
 * @param namespace {@code -}: all
 * @param owner principal; empty: any
 * @param labels all of these; an empty value: the label exists
 * @param states empty: any
 * @param numbers empty: any
 * @param jobName empty: any
 * @param submittedAfterNanos 0: any; exclusive
 * @param submittedBeforeNanos 0: any; exclusive
 * @param live only jobs that have not ended
 * @param after {@link Page#next} of the page before; null: from the newest
 * @param limit most jobs in the page, 1 to 1,000
 */
public record JobQuery(
    String namespace,
    String owner,
    SortedMap<String, String> labels,
    Set<JobState> states,
    List<Long> numbers,
    String jobName,
    long submittedAfterNanos,
    long submittedBeforeNanos,
    boolean live,
    @Nullable Long after,
    int limit) {
  public JobQuery {
    labels = Collections.unmodifiableSortedMap(new TreeMap<>(labels));
    EnumSet<JobState> copy = EnumSet.noneOf(JobState.class);
    copy.addAll(states);
    states = Collections.unmodifiableSet(copy);
    numbers = List.copyOf(numbers);
  }

  /** The first page over everything in {@code namespace}. */
  public static JobQuery all(String namespace, int limit) {
    return new JobQuery(
        namespace,
        "",
        new TreeMap<>(),
        EnumSet.noneOf(JobState.class),
        List.of(),
        "",
        0,
        0,
        false,
        null,
        limit);
  }
}

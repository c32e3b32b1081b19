package orch.controller.rpc;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import orch.controller.core.JobQuery;
import orch.controller.core.JobView;
import orch.controller.core.Page;
import orch.v1.Job;
import orch.v1.WatchJobsResponse;
import org.jspecify.annotations.Nullable;

/**
 * Jobs of a filter. Its states and its {@code live} choose among the jobs that are there at the
 * beginning; after that every change of a job that fits the rest is told, its end too.
 */
final class JobWatch implements Watches.Watch<WatchJobsResponse> {
  /** Jobs shown whose deletion is told; of more, only those that the filter names. */
  private static final int MAX_SHOWN = 100_000;

  private final Requests requests;
  private final JobQuery query;
  private final boolean untilEnded;
  private final Set<Long> open;
  private final Set<Long> shown = new LinkedHashSet<>();

  JobWatch(Requests requests, JobQuery query, boolean untilEnded) {
    this.requests = requests;
    this.query = query;
    this.untilEnded = untilEnded;
    this.open = new LinkedHashSet<>(query.numbers());
  }

  @Override
  public void begin(boolean resumed, Watches.Sink<WatchJobsResponse> out)
      throws InterruptedException {
    if (untilEnded) {
      List<Requests.Seen<Optional<JobView>>> jobs = read(query.numbers());
      if (jobs.stream().allMatch(job -> job.value().isEmpty())) {
        throw Errors.notFound(
            "job",
            String.valueOf(query.numbers()),
            "none of the jobs " + query.numbers() + " exists");
      }
      for (int i = 0; i < jobs.size(); i++) {
        note(query.numbers().get(i), jobs.get(i).value().orElse(null));
      }
    }
    if (resumed) {
      return;
    }
    Long after = null;
    do {
      JobQuery next = Listing.from(query, after, Listing.STREAM_PAGE);
      Requests.Seen<Page<JobView>> page =
          Watches.get(
              requests.read((view, revision) -> new Requests.Seen<>(view.jobs(next), revision)));
      for (JobView job : page.value().items()) {
        show(job, page.revision(), out);
      }
      after = page.value().next();
    } while (after != null);
  }

  @Override
  public void changed(Touches.Merged touched, Watches.Sink<WatchJobsResponse> out)
      throws InterruptedException {
    List<Long> numbers = new ArrayList<>();
    for (long number : touched.jobs()) {
      if (query.numbers().isEmpty() || query.numbers().contains(number)) {
        numbers.add(number);
      }
    }
    for (int from = 0; from < numbers.size(); from += Listing.STREAM_PAGE) {
      List<Long> part = numbers.subList(from, Math.min(numbers.size(), from + Listing.STREAM_PAGE));
      List<Requests.Seen<Optional<JobView>>> jobs = read(part);
      for (int i = 0; i < part.size(); i++) {
        Optional<JobView> job = jobs.get(i).value();
        note(part.get(i), job.orElse(null));
        if (job.isPresent()) {
          if (JobFilters.watched(query, job.get())) {
            show(job.get(), jobs.get(i).revision(), out);
          }
        } else if (shown.remove(part.get(i)) || query.numbers().contains(part.get(i))) {
          out.event(deleted(part.get(i), jobs.get(i).revision()));
        }
      }
    }
  }

  @Override
  public boolean ended() {
    return untilEnded && open.isEmpty();
  }

  @Override
  public WatchJobsResponse stamped(@Nullable WatchJobsResponse event, String token) {
    return (event == null ? WatchJobsResponse.newBuilder() : event.toBuilder())
        .setResumeToken(token)
        .build();
  }

  private void note(long number, @Nullable JobView job) {
    if (job == null || job.state().ended()) {
      open.remove(number);
    }
  }

  private void show(JobView job, long revision, Watches.Sink<WatchJobsResponse> out)
      throws InterruptedException {
    if (shown.size() < MAX_SHOWN) {
      shown.add(job.number());
    }
    out.event(WatchJobsResponse.newBuilder().setJob(Messages.job(job, revision, true)).build());
  }

  private WatchJobsResponse deleted(long number, long revision) {
    return WatchJobsResponse.newBuilder()
        .setJob(
            Job.newBuilder()
                .setName(Names.ofJob(query.namespace(), number))
                .setNumber(number)
                .setRevision(revision))
        .setDeleted(true)
        .build();
  }

  private List<Requests.Seen<Optional<JobView>>> read(List<Long> numbers)
      throws InterruptedException {
    return Watches.get(
        requests.read((view, revision) -> {
          List<Requests.Seen<Optional<JobView>>> jobs = new ArrayList<>();
          for (long number : numbers) {
            jobs.add(new Requests.Seen<>(view.job(number), revision));
          }
          return jobs;
        }));
  }
}

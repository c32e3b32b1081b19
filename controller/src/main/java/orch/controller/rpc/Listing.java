package orch.controller.rpc;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import orch.controller.core.JobQuery;
import orch.controller.core.JobView;
import orch.controller.core.Page;
import orch.controller.core.StateView;
import orch.controller.core.TaskQuery;
import orch.controller.core.TaskView;
import orch.controller.port.ControllerPort;
import org.jspecify.annotations.Nullable;

/**
 * Pages as callers want them, filled up: the core looks at so many entries in a read only, so that
 * no listing holds the loop up, and may give short pages.
 */
final class Listing {
  /** Objects in one read of a stream that shows them all. */
  static final int STREAM_PAGE = 200;

  /** Reads for one page; a page that is short by then is given as it is. */
  private static final int MAX_READS = 50;

  private final Requests requests;

  Listing(Requests requests) {
    this.requests = requests;
  }

  CompletionStage<Requests.Seen<Page<JobView>>> jobs(JobQuery query) {
    return fill(
        query.after(), query.limit(), (view, after, limit) -> view.jobs(from(query, after, limit)));
  }

  CompletionStage<Requests.Seen<Page<TaskView>>> tasks(TaskQuery query) {
    return fill(
        query.after(),
        query.limit(),
        (view, after, limit) ->
            view.tasks(
                new TaskQuery(query.jobNumber(), query.states(), query.node(), after, limit)));
  }

  static JobQuery from(JobQuery query, @Nullable Long after, int limit) {
    return new JobQuery(
        query.namespace(),
        query.owner(),
        query.labels(),
        query.states(),
        query.numbers(),
        query.jobName(),
        query.submittedAfterNanos(),
        query.submittedBeforeNanos(),
        query.live(),
        after,
        limit);
  }

  private interface Read<T> {
    Page<T> page(StateView view, @Nullable Long after, int limit);
  }

  private <T> CompletionStage<Requests.Seen<Page<T>>> fill(
      @Nullable Long after, int limit, Read<T> read) {
    return more(new ArrayList<>(), after, limit, 1, read);
  }

  private <T> CompletionStage<Requests.Seen<Page<T>>> more(
      List<T> items, @Nullable Long after, int limit, int reads, Read<T> read) {
    ControllerPort.StateReader<Requests.Seen<Page<T>>> reader =
        (view, revision) ->
            new Requests.Seen<>(read.page(view, after, limit - items.size()), revision);
    return requests
        .read(reader)
        .thenCompose(seen -> {
          items.addAll(seen.value().items());
          Long next = seen.value().next();
          if (next == null || items.size() >= limit || reads >= MAX_READS) {
            return CompletableFuture.completedFuture(
                new Requests.Seen<>(new Page<>(items, next), seen.revision()));
          }
          return more(items, next, limit, reads + 1, read);
        });
  }
}

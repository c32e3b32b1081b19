package orch.controller.rpc;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import orch.controller.core.JobView;
import orch.controller.core.Page;
import orch.controller.core.TaskQuery;
import orch.controller.core.TaskView;
import orch.v1.WatchTasksResponse;
import org.jspecify.annotations.Nullable;

/** The tasks of one job. Ends when the job is deleted. */
final class TaskWatch implements Watches.Watch<WatchTasksResponse> {
  private final Requests requests;
  private final Names.Job name;
  private final Caller caller;
  private final boolean untilEnded;
  private long number;
  private boolean ended;

  TaskWatch(Requests requests, Names.Job name, Caller caller, boolean untilEnded) {
    this.requests = requests;
    this.name = name;
    this.caller = caller;
    this.untilEnded = untilEnded;
  }

  @Override
  public void begin(boolean resumed, Watches.Sink<WatchTasksResponse> out)
      throws InterruptedException {
    number =
        Watches.get(
                requests.read((view, _) -> {
                  OptionalLong found = name.resolve(view, caller.principal());
                  return found.isPresent() && view.job(found.getAsLong()).isPresent()
                      ? found
                      : OptionalLong.empty();
                }))
            .orElseThrow(name::notFound);
    look();
    if (!resumed) {
      all(out);
    }
  }

  @Override
  public void changed(Touches.Merged touched, Watches.Sink<WatchTasksResponse> out)
      throws InterruptedException {
    if (touched.jobs().contains(number)) {
      // Before the tasks are read: what they had become by this end is told.
      look();
    }
    if (touched.wholeJobs().contains(number)) {
      all(out);
      return;
    }
    Set<Integer> indexes = touched.tasks().get(number);
    if (indexes == null) {
      return;
    }
    List<Integer> list = new ArrayList<>(indexes);
    for (int from = 0; from < list.size(); from += Listing.STREAM_PAGE) {
      List<Integer> part = list.subList(from, Math.min(list.size(), from + Listing.STREAM_PAGE));
      Requests.Seen<List<TaskView>> tasks =
          Watches.get(
              requests.read((view, revision) -> {
                List<TaskView> found = new ArrayList<>();
                for (int index : part) {
                  view.task(number, index).ifPresent(found::add);
                }
                return new Requests.Seen<>(found, revision);
              }));
      show(tasks.value(), tasks.revision(), out);
    }
  }

  @Override
  public boolean ended() {
    return ended;
  }

  @Override
  public WatchTasksResponse stamped(@Nullable WatchTasksResponse event, String token) {
    return (event == null ? WatchTasksResponse.newBuilder() : event.toBuilder())
        .setResumeToken(token)
        .build();
  }

  private void look() throws InterruptedException {
    Optional<JobView> job = Watches.get(requests.read((view, _) -> view.job(number)));
    ended = job.isEmpty() || (untilEnded && job.get().state().ended());
  }

  private void all(Watches.Sink<WatchTasksResponse> out) throws InterruptedException {
    Long after = null;
    do {
      TaskQuery query = new TaskQuery(number, Set.of(), "", after, Listing.STREAM_PAGE);
      Requests.Seen<Page<TaskView>> page =
          Watches.get(
              requests.read((view, revision) -> new Requests.Seen<>(view.tasks(query), revision)));
      show(page.value().items(), page.revision(), out);
      after = page.value().next();
    } while (after != null);
  }

  private static void show(
      List<TaskView> tasks, long revision, Watches.Sink<WatchTasksResponse> out)
      throws InterruptedException {
    for (TaskView task : tasks) {
      out.event(WatchTasksResponse.newBuilder().setTask(Messages.task(task, revision)).build());
    }
  }
}

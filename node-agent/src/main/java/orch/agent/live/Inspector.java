package orch.agent.live;

import java.io.IOException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import orch.agent.linux.Linux;
import orch.agent.process.Guarded;
import orch.api.model.AgentMessage.Inspected;
import orch.api.model.ControllerMessage;
import orch.api.model.Uid;
import orch.api.seam.Clock;
import org.jspecify.annotations.Nullable;

/**
 * Reads trees and usage, one after the other, on a thread that is there only while it is needed.
 */
final class Inspector {
  /** Questions that wait; one more is answered with a refusal. */
  static final int MAX_WAITING = 256;

  private static final long IDLE_SECONDS = 10;
  private static final String GONE = "the attempt does not run on this node";

  private final Function<Uid, @Nullable Guarded> attempts;
  private final Executor loop;
  private final ProcessTrees trees;
  private final UsageReader usage;
  private final ThreadPoolExecutor reader;

  /**
   * @param attempts where a running attempt is found, asked on the loop; null: it does not run
   * @param loop of the agent
   */
  Inspector(Linux linux, Clock clock, Executor loop, Function<Uid, @Nullable Guarded> attempts) {
    this.attempts = attempts;
    this.loop = loop;
    this.trees = new ProcessTrees(linux, clock);
    this.usage = new UsageReader(trees.proc(), clock);
    this.reader =
        new ThreadPoolExecutor(
            1,
            1,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(MAX_WAITING),
            Thread.ofPlatform().daemon().name("inspection").factory());
    reader.allowCoreThreadTimeOut(true);
  }

  void inspect(ControllerMessage.Inspect query, Consumer<Inspected> answer) {
    Guarded guarded = attempts.apply(query.uid());
    if (guarded == null) {
      answer.accept(refused(query, GONE));
      return;
    }
    try {
      reader.execute(() -> {
        Inspected found = look(query, guarded);
        loop.execute(() -> answer.accept(found));
      });
    } catch (RejectedExecutionException full) {
      answer.accept(
          refused(
              query, MAX_WAITING + " questions wait on this node already; ask again in a moment"));
    }
  }

  private Inspected look(ControllerMessage.Inspect query, Guarded guarded) {
    try {
      return query.usage()
          ? new Inspected(query.request(), "", null, usage.read(guarded))
          : new Inspected(query.request(), "", trees.read(guarded), null);
    } catch (IOException ended) {
      // Its cgroup went with it between the question and the look.
      return refused(query, GONE + " (any more): " + ended.getMessage());
    }
  }

  private static Inspected refused(ControllerMessage.Inspect query, String why) {
    return new Inspected(query.request(), why, null, null);
  }
}

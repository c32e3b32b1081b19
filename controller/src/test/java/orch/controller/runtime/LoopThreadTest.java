package orch.controller.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class LoopThreadTest {
  private final ArrayBlockingQueue<String> failures = new ArrayBlockingQueue<>(10);
  private final LoopThread loop = new LoopThread((why, cause) -> failures.add(why));

  @AfterEach
  void stop() {
    loop.close();
  }

  @Test
  void actionsRunOneAtATimeInOrder() throws Exception {
    List<Integer> seen = new ArrayList<>();
    IntStream.range(0, 1_000).forEach(i -> loop.execute(() -> seen.add(i)));
    settle();
    assertEquals(IntStream.range(0, 1_000).boxed().toList(), seen);
  }

  @Test
  void timersRunOnTheLoop() throws Exception {
    CompletableFuture<Thread> timer = new CompletableFuture<>();
    CompletableFuture<Thread> action = new CompletableFuture<>();
    var _ = loop.after(Duration.ofMillis(1), () -> timer.complete(Thread.currentThread()));
    loop.execute(() -> action.complete(Thread.currentThread()));
    assertEquals(action.get(10, TimeUnit.SECONDS), timer.get(10, TimeUnit.SECONDS));
  }

  @Test
  void aTimerThatIsCancelledOnTheLoopDoesNotRunEvenIfItIsDueAlready() throws Exception {
    AtomicBoolean ran = new AtomicBoolean();
    for (int i = 0; i < 100; i++) {
      loop.execute(() -> loop.after(Duration.ZERO, () -> ran.set(true)).cancel());
    }
    settle();
    settle();
    assertFalse(ran.get());
  }

  @Test
  void anActionThatThrowsIsTold() throws Exception {
    loop.execute(() -> {
      throw new IllegalStateException("broken");
    });
    assertEquals("an action on the loop failed: broken", failures.poll(10, TimeUnit.SECONDS));
  }

  @Test
  void nothingRunsAfterItWasClosed() {
    AtomicBoolean ran = new AtomicBoolean();
    loop.close();
    loop.execute(() -> ran.set(true));
    loop.after(Duration.ZERO, () -> ran.set(true)).cancel();
    assertFalse(ran.get());
  }

  private void settle() throws Exception {
    CompletableFuture<Boolean> done = new CompletableFuture<>();
    loop.execute(() -> done.complete(true));
    assertTrue(done.get(10, TimeUnit.SECONDS));
  }
}

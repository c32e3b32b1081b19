package orch.agent.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import orch.api.seam.Clock;
import orch.api.seam.Timers;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(10)
class LoopThreadTest {
  private final AtomicReference<Throwable> problem = new AtomicReference<>();
  private final CountDownLatch broke = new CountDownLatch(1);
  private final LoopThread loop =
      new LoopThread(
          "test",
          new SystemClock(),
          (thread, thrown) -> {
            problem.set(thrown);
            broke.countDown();
          });

  private static final class SystemClock implements Clock {
    @Override
    public Instant now() {
      return Instant.now();
    }

    @Override
    public long bootNanos() {
      return System.nanoTime();
    }
  }

  @AfterEach
  void end() {
    loop.close();
  }

  @Test
  void tasksRunInTheOrderInWhichTheyCame() throws InterruptedException {
    List<Integer> ran = Collections.synchronizedList(new ArrayList<>());
    CountDownLatch done = new CountDownLatch(1);
    for (int i = 0; i < 1_000; i++) {
      int number = i;
      loop.execute(() -> ran.add(number));
    }
    loop.execute(done::countDown);
    assertTrue(done.await(30, TimeUnit.SECONDS));
    assertEquals(java.util.stream.IntStream.range(0, 1_000).boxed().toList(), ran);
  }

  @Test
  void timersRingInTheOrderOfTheirTimes() throws InterruptedException {
    List<String> rang = Collections.synchronizedList(new ArrayList<>());
    CountDownLatch done = new CountDownLatch(2);
    loop.after(
        Duration.ofMillis(60),
        () -> {
          rang.add("late");
          done.countDown();
        });
    loop.after(
        Duration.ofMillis(5),
        () -> {
          rang.add("early");
          done.countDown();
        });
    assertTrue(done.await(30, TimeUnit.SECONDS));
    assertEquals(List.of("early", "late"), rang);
  }

  @Test
  void aCancelledTimerStaysSilent() throws InterruptedException {
    AtomicBoolean rang = new AtomicBoolean();
    CountDownLatch later = new CountDownLatch(1);
    Timers.Timer timer = loop.after(Duration.ofMillis(20), () -> rang.set(true));
    timer.cancel();
    loop.after(Duration.ofMillis(40), later::countDown);
    assertTrue(later.await(30, TimeUnit.SECONDS));
    assertFalse(rang.get());
  }

  @Test
  void whatATaskThrowsIsABrokenLoop() throws InterruptedException {
    IllegalStateException thrown = new IllegalStateException("broken");
    loop.execute(() -> {
      throw thrown;
    });
    assertTrue(broke.await(30, TimeUnit.SECONDS));
    assertEquals(thrown, problem.get());
  }
}

package orch.controller.restart;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import orch.api.model.Backoff;
import orch.api.model.Uid;
import org.junit.jupiter.api.Test;

final class BackoffsTest {
  private static final Uid ENDED = new Uid(1, 1, 7);

  @Test
  void aRowBeginsWithTheWholeInitialDelayNotWithItsMilliseconds() {
    Backoff backoff = steady(Duration.ofNanos(1_500_000), Duration.ofMinutes(1));
    assertEquals(Duration.ofMillis(2), Backoffs.delay(backoff, 1, ENDED));
    assertEquals(Duration.ofMillis(48), Backoffs.delay(backoff, 6, ENDED));
  }

  @Test
  void noDelayIsLongerThanTheMost() {
    Backoff backoff = steady(Duration.ofSeconds(1), Duration.ofSeconds(10));
    assertEquals(Duration.ofSeconds(8), Backoffs.delay(backoff, 4, ENDED));
    assertEquals(Duration.ofSeconds(10), Backoffs.delay(backoff, 5, ENDED));
    assertEquals(Duration.ofSeconds(10), Backoffs.longest(backoff, ENDED));
  }

  private static Backoff steady(Duration initial, Duration max) {
    return new Backoff(initial, 2, max, 0, Duration.ofMinutes(10));
  }
}

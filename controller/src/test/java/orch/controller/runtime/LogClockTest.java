package orch.controller.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import orch.controller.port.Role;
import orch.controller.store.FakeZooKeeper;
import orch.controller.store.VirtualLoop;
import org.junit.jupiter.api.Test;

/** What the log's clock does when a leader's wall clock jumps. */
final class LogClockTest {
  private static final Duration YEAR = Duration.ofDays(365);
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final VirtualLoop time = new VirtualLoop();
  private final LogClock clock = new LogClock();

  private Duration next() {
    Instant before = clock.last();
    return Duration.between(before, clock.next(time));
  }

  @Test
  void itFollowsAWallClockThatRunsAsItShould() {
    for (int i = 0; i < 100; i++) {
      assertEquals(time.now(), clock.next(time));
      time.pass(Duration.ofMillis(37));
    }
  }

  @Test
  void aJumpAheadTakesItAlongNoFurtherThanByTheTimeThatItLasts() {
    clock.next(time);
    time.jumpWallClock(YEAR);
    Duration sum = Duration.ZERO;
    for (int i = 0; i < 600; i++) {
      time.pass(Duration.ofMillis(100));
      sum = sum.plus(next());
    }
    assertEquals(MINUTE.multipliedBy(2), sum);
    time.jumpWallClock(YEAR.negated());
    // A minute ahead: it does not stand, and is right after two minutes.
    for (int i = 0; i < 119; i++) {
      time.pass(Duration.ofSeconds(1));
      assertEquals(Duration.ofMillis(500), next());
    }
    time.pass(Duration.ofSeconds(1));
    assertEquals(time.now(), clock.next(time));
  }

  @Test
  void aJumpBackSlowsItAndItNeverGoesBack() {
    clock.next(time);
    time.jumpWallClock(Duration.ofHours(-1));
    assertEquals(Duration.ZERO, next());
    time.pass(MINUTE);
    assertEquals(Duration.ofSeconds(30), next());
  }

  @Test
  void aControllerThatStartsTakesItsWallClockHoweverOldTheLogIs() {
    clock.read(time.now().minus(YEAR));
    assertEquals(time.now(), clock.next(time));
  }

  @Test
  void aStandbyWhoseClockIsWrongTakesTheLogAlongByTheTimeSinceTheLastEntryOnly() {
    clock.followed(time.now(), time);
    Instant right = time.now();
    time.jumpWallClock(YEAR);
    time.pass(MINUTE);
    assertEquals(right.plus(MINUTE.multipliedBy(2)), clock.next(time));
  }

  @Test
  void entriesThatComeLateDoNotMakeAStandbysClockLate() {
    clock.followed(time.now(), time);
    Instant old = time.now();
    time.pass(Duration.ofHours(1));
    // ZooKeeper was out of reach for an hour.
    clock.followed(old.plusSeconds(1), time);
    time.pass(Duration.ofSeconds(1));
    assertEquals(time.now(), clock.next(time));
  }

  // ---- in the loop

  private final FakeZooKeeper server = new FakeZooKeeper(time);
  private final TestController.Members members = new TestController.Members();

  private String ask(TestController leader) {
    CompletableFuture<String> answer = leader.ask("nowhere");
    time.run();
    return answer.join();
  }

  private static Duration ahead(TestController of, VirtualLoop time) {
    return Duration.between(time.now(), Instant.ofEpochSecond(0, of.loop.state().nowNanos()));
  }

  @Test
  void aLeaderWhoseWallClockJumpedAheadServesOnOnceItIsPutBackAndSoDoesItsSuccessor() {
    TestController anna = new TestController("anna", server, time, members).leader();
    TestController bert = new TestController("bert", server, time, members).standby();
    assertTrue(ask(anna).startsWith("NOT_FOUND"));
    time.jumpWallClock(YEAR);
    time.pass(MINUTE);
    ask(anna);
    time.jumpWallClock(YEAR.negated());
    assertTrue(ask(anna).startsWith("NOT_FOUND"));
    assertTrue(ahead(anna, time).compareTo(MINUTE) <= 0, ahead(anna, time).toString());
    time.pass(MINUTE.multipliedBy(2));
    ask(anna);
    assertTrue(ahead(anna, time).compareTo(Duration.ofSeconds(1)) <= 0);
    anna.zooKeeper.lose(0);
    anna.hints.tell(false);
    time.jumpWallClock(YEAR);
    bert.hints.tell(true);
    time.pass(Duration.ofSeconds(3));
    assertEquals(Role.LEADER, bert.port.leadership().role());
    time.jumpWallClock(YEAR.negated());
    // No further than the log was when its clock was wrong before, and three seconds.
    assertTrue(
        ahead(bert, time).compareTo(MINUTE.plusSeconds(10)) <= 0, ahead(bert, time).toString());
    assertTrue(ask(bert).startsWith("NOT_FOUND"));
    assertEquals(List.of(), bert.failures);
  }
}

package orch.controller.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import orch.controller.port.Role;
import orch.controller.store.CheckpointPolicy;
import orch.controller.store.FakeZooKeeper;
import orch.controller.store.VirtualLoop;
import org.junit.jupiter.api.Test;

/** Checkpoints and format levels as the loop makes use of them. */
final class CheckpointLoopTest {
  private static final CheckpointPolicy OFTEN = new CheckpointPolicy(20, 1 << 30, 3);
  private static final Duration SOON = Duration.ofSeconds(3);

  private final VirtualLoop time = new VirtualLoop();
  private final FakeZooKeeper server = new FakeZooKeeper(time);
  private final TestController.Members members = new TestController.Members();

  private TestController controller(String name, int formatLevel) {
    return new TestController(name, server, time, members, OFTEN, formatLevel);
  }

  /** Each request is an entry of its own. */
  private void ask(TestController leader, int requests) {
    for (int i = 0; i < requests; i++) {
      CompletableFuture<String> answer = leader.ask("nowhere");
      time.run();
      assertTrue(answer.isDone());
    }
  }

  private long entries() {
    return server.below(TestController.LAYOUT.log()).keySet().stream()
        .filter(path -> path.chars().filter(c -> c == '/').count() == 4)
        .count();
  }

  @Test
  void theLeaderWritesCheckpointsByItselfAndTheLogStaysShort() {
    TestController anna = controller("anna", 1).leader();
    var _ = anna.agent("n1");
    ask(anna, 200);
    assertTrue(entries() <= 24, entries() + " entries");
    TestController bert = controller("bert", 1).standby();
    assertEquals(anna.hash(), bert.hash());
    ask(anna, 7);
    assertEquals(anna.hash(), bert.hash());
    anna.zooKeeper.lose(0);
    anna.hints.tell(false);
    bert.hints.tell(true);
    time.pass(SOON);
    assertEquals(Role.LEADER, bert.port.leadership().role());
    ask(bert, 100);
    assertTrue(entries() <= 24, entries() + " entries");
    TestController cora = controller("cora", 1).standby();
    assertEquals(bert.hash(), cora.hash());
    assertEquals(List.of(), bert.failures);
    anna.zooKeeper.reconnect();
    time.pass(SOON);
    assertEquals(Role.STANDBY, anna.port.leadership().role());
    assertEquals(bert.hash(), anna.hash());
    assertEquals(List.of(), anna.failures);
  }

  @Test
  void requestsAreServedWhileACheckpointWaitsForZooKeeper() {
    TestController anna = controller("anna", 1).leader();
    ask(anna, 19);
    anna.zooKeeper.hold();
    CompletableFuture<String> last = anna.ask("nowhere");
    time.run();
    CompletableFuture<String> next = anna.ask("nowhere");
    time.run();
    anna.zooKeeper.release();
    time.run();
    assertTrue(last.isDone() && next.isDone());
    assertEquals(anna.hash(), controller("bert", 1).standby().hash());
  }

  @Test
  void anEpochThatWasFollowedAlreadyIsNeverLedThoughOnlyACheckpointTellsOfIt() {
    TestController anna = controller("anna", 1).leader();
    ask(anna, 3);
    TestController bert = controller("bert", 1).standby();
    bert.zooKeeper.hold();
    bert.hints.tell(true);
    // It reads the epoch's node and takes the next one, then hears nothing for long.
    bert.zooKeeper.serve(1);
    time.run();
    bert.zooKeeper.serve(1);
    time.run();
    // Every entry is in the checkpoint: none is left to be read behind it.
    CheckpointPolicy always = new CheckpointPolicy(1, 1 << 30, 3);
    TestController cora = new TestController("cora", server, time, members, always, 1).leader();
    ask(cora, 10);
    bert.zooKeeper.release();
    time.run();
    assertEquals(List.of(), bert.failures);
    assertEquals(Role.STANDBY, bert.port.leadership().role());
    assertEquals(cora.hash(), bert.hash());
    assertEquals(3, cora.port.leadership().epoch());
  }

  // ---- format levels

  @Test
  void theFormatIsRaisedOnceEveryMemberReadsIt() {
    TestController older = controller("older", 1).standby();
    TestController newer = controller("newer", 2).leader();
    assertEquals(1, newer.loop.state().cluster().formatLevel());
    time.pass(SOON);
    assertEquals(1, newer.loop.state().cluster().formatLevel());
    assertEquals(newer.hash(), older.hash());
    older.loop.close();
    members.of("older").close();
    time.pass(SOON);
    assertEquals(2, newer.loop.state().cluster().formatLevel());
    TestController again = controller("upgraded", 2).standby();
    assertEquals(newer.hash(), again.hash());
    assertEquals(List.of(), newer.failures);
  }

  @Test
  void aMemberThatIsTooOldForTheLogStopsAndSaysSo() {
    TestController newer = controller("newer", 3).leader();
    time.pass(SOON);
    TestController older = controller("older", 2).standby();
    assertEquals(
        List.of(
            "the log has format level 3, this controller reads up to 2: upgrade this controller"),
        older.failures);
    ask(newer, 60);
    TestController other = controller("other", 2).standby();
    assertEquals(
        List.of(
            "the log has format level 3, this controller reads up to 2: upgrade this controller"),
        other.failures,
        "from a checkpoint too");
    assertEquals(List.of(), newer.failures);
  }
}

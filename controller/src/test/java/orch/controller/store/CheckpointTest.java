package orch.controller.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Checkpoints and truncation as the log sees them: sections of bytes. */
final class CheckpointTest {
  private static final CheckpointPolicy POLICY = new CheckpointPolicy(1_000, 1 << 30, 2);
  private static final LogLayout LAYOUT = LogMember.LAYOUT;

  private final VirtualLoop loop = new VirtualLoop();
  private final FakeZooKeeper server = new FakeZooKeeper(loop);

  private ListMember member(String name) {
    return new ListMember(name, server, loop, POLICY);
  }

  private static String[] records(int from, int to) {
    List<String> records = new ArrayList<>();
    for (int i = from; i < to; i++) {
      records.add("r" + i);
    }
    return records.toArray(new String[0]);
  }

  private Manifest manifest() {
    return Manifest.decode(server.data(LAYOUT.manifest()));
  }

  /** Names of the nodes, without directories. */
  private TreeSet<String> leaves(String path) {
    return leaves(server, path);
  }

  private static TreeSet<String> leaves(FakeZooKeeper server, String path) {
    TreeSet<String> leaves = new TreeSet<>();
    for (String node : server.below(path).keySet()) {
      if (node.chars().filter(c -> c == '/').count() == 4) {
        leaves.add(node);
      }
    }
    return leaves;
  }

  /** Nothing lies about that the manifest does not name, and the log has no gap. */
  private void tidy() {
    tidy(server);
  }

  private static void tidy(FakeZooKeeper server) {
    TreeSet<String> named = new TreeSet<>();
    Manifest manifest = Manifest.decode(server.data(LAYOUT.manifest()));
    for (Manifest.Stored section : manifest.sections()) {
      for (int i = 0; i < section.nodes(); i++) {
        named.add(LAYOUT.checkpointNode(section.firstNode() + i));
      }
    }
    assertEquals(named, leaves(server, LAYOUT.checkpoint()));
    long expected = -1;
    for (String path : leaves(server, LAYOUT.log())) {
      long index = Long.parseLong(path.substring(path.lastIndexOf('/') + 1));
      assertTrue(expected < 0 || index == expected, path + " follows a gap");
      expected = index + 1;
    }
  }

  @Test
  void aMemberThatStartsLoadsTheCheckpointAndWhatCameAfterIt() {
    ListMember leader = member("anna").leader();
    leader.append(records(0, 10));
    loop.run();
    leader.checkpoint();
    loop.run();
    assertEquals(1, leader.checkpoints);
    leader.append("later");
    loop.run();
    ListMember standby = member("bert").reading();
    assertEquals(leader.state, standby.state);
    assertEquals(10, standby.loadedIndex);
    assertEquals(9, manifestAndEntries().first(), "two entries that it covers are kept");
    tidy();
  }

  private record Ends(long index, long first) {}

  private Ends manifestAndEntries() {
    String first = leaves(LAYOUT.log()).first();
    return new Ends(
        manifest().index(), Long.parseLong(first.substring(first.lastIndexOf('/') + 1)));
  }

  @Test
  void theManifestIsSwitchedOnlyOnceTheEntryThatItCoversHasCommitted() {
    ListMember leader = member("anna").leader();
    leader.append(records(0, 4));
    loop.run();
    leader.port.hold();
    leader.append("slow");
    leader.checkpoint();
    loop.run();
    // The append waits; what the checkpoint asks is served before it, as a server might.
    assertTrue(server.below(LAYOUT.checkpoint()).isEmpty());
    leader.port.release();
    loop.run();
    assertEquals(5, manifest().index());
    assertEquals(leader.state, member("bert").reading().state);
  }

  @Test
  void sectionsThatDidNotAlterAreNotWrittenAgain() {
    ListMember leader = member("anna").leader();
    leader.append(records(0, 9));
    loop.run();
    leader.checkpoint();
    loop.run();
    assertEquals(3, leader.sectionsWritten);
    leader.append(records(9, 11));
    loop.run();
    leader.checkpoint();
    loop.run();
    assertEquals(4, leader.sectionsWritten);
    assertEquals(leader.state, member("bert").reading().state);
    tidy();
  }

  @Test
  void aSectionThatIsLargerThanANodeIsCut() {
    ListMember leader = member("anna").leader();
    leader.append("x".repeat(400_000), "y".repeat(300_000), "z");
    loop.run();
    leader.checkpoint();
    loop.run();
    assertEquals(3, leaves(LAYOUT.checkpoint()).size());
    assertEquals(leader.state, member("bert").reading().state);
  }

  @Test
  void aStandbyThatFellBehindTheTruncationLoadsTheCheckpoint() {
    ListMember leader = member("anna").leader();
    leader.append(records(0, 3));
    loop.run();
    ListMember standby = member("bert").reading();
    standby.port.lose(0);
    leader.append(records(3, 20));
    loop.run();
    leader.checkpoint();
    loop.run();
    standby.port.reconnect();
    loop.pass(Duration.ofSeconds(1));
    assertEquals(leader.state, standby.state);
    assertEquals(2, standby.resets);
    assertEquals("", standby.failure);
  }

  @Test
  void aNewLeaderThatWasBehindReadsTheManifestBeforeItTakesMissingEntriesForTheEnd() {
    ListMember leader = member("anna").leader();
    leader.append(records(0, 3));
    loop.run();
    ListMember next = member("bert").reading();
    next.port.lose(0);
    leader.append(records(3, 20));
    loop.run();
    leader.checkpoint();
    loop.run();
    leader.port.dieAfter(0);
    next.port.reconnect();
    next.log.claim();
    loop.pass(Duration.ofSeconds(1));
    assertTrue(next.log.leads());
    next.append("mine");
    loop.run();
    List<String> expected = new ArrayList<>(leader.state);
    expected.add("mine");
    assertEquals(expected, next.state);
    assertEquals(expected, member("cora").reading().state);
  }

  @Test
  void aCheckpointThatIsReplacedWhileItIsReadIsReadAnew() {
    ListMember leader = member("anna").leader();
    leader.append(records(0, 30));
    loop.run();
    leader.checkpoint();
    loop.run();
    ListMember standby = member("bert");
    standby.port.hold();
    standby.log.start();
    loop.run();
    int served = 0;
    while (standby.state.size() < 6 && served++ < 100) {
      standby.port.serve(1);
      loop.run();
    }
    assertEquals(6, standby.state.size(), "in the middle of the first checkpoint");
    leader.append(records(30, 40));
    loop.run();
    ListMember next = member("cora").leader();
    next.checkpoint();
    loop.run();
    standby.port.release();
    loop.pass(Duration.ofSeconds(1));
    assertEquals("", standby.failure);
    assertEquals(next.state, standby.state);
  }

  @Test
  void theLogIsBoundedInHowManyDirectoriesItLeaves() {
    ListMember leader = member("anna").leader();
    for (int i = 0; i < 2_600; i++) {
      leader.append("r" + i);
      if (i % 100 == 0) {
        loop.run();
      }
      if (i % 500 == 499) {
        loop.run();
        leader.checkpoint();
        loop.run();
      }
    }
    loop.run();
    long directories =
        server.below(LAYOUT.log()).keySet().stream()
            .filter(path -> path.chars().filter(c -> c == '/').count() == 3)
            .count();
    assertEquals(1, directories);
    assertTrue(leaves(LAYOUT.log()).size() < 200);
    assertEquals(leader.state, member("bert").reading().state);
    tidy();
  }

  /** A leader dies after each request that it makes, in a life with two checkpoints. */
  @Test
  void aCrashAfterAnyOperationLeavesALogThatReadsTheSame() {
    int requests = 0;
    while (crashedAfter(requests, false) && crashedAfter(requests, true)) {
      requests++;
    }
    assertTrue(requests > 60, "only " + requests + " requests");
  }

  /** Returns whether it died at all. */
  private static boolean crashedAfter(int requests, boolean thenAnother) {
    VirtualLoop loop = new VirtualLoop();
    FakeZooKeeper server = new FakeZooKeeper(loop);
    ListMember leader = new ListMember("anna", server, loop, POLICY);
    leader.port.dieAfter(requests);
    leader.leader();
    List<String> acked = new ArrayList<>();
    for (int round = 0; round < 2 && leader.log.leads() && !leader.port.dead(); round++) {
      leader.append(records(round * 10, round * 10 + 10));
      loop.run();
      acked = List.copyOf(leader.state.subList(0, (int) leader.log.committedIndex()));
      leader.checkpoint();
      leader.append("during" + round);
      loop.run();
    }
    boolean died = leader.port.dead();
    if (leader.log.leads()) {
      acked = List.copyOf(leader.state.subList(0, (int) leader.log.committedIndex()));
    }
    String what = "after " + requests + " requests";

    ListMember next = new ListMember("bert", server, loop, POLICY);
    next.leader();
    loop.pass(Duration.ofSeconds(1));
    assertEquals("", next.failure, what);
    assertTrue(next.log.leads(), what);
    assertTrue(next.state.size() >= acked.size(), what);
    assertEquals(acked, next.state.subList(0, acked.size()), what);
    next.append("more");
    if (thenAnother) {
      next.checkpoint();
    }
    loop.run();
    ListMember last = new ListMember("cora", server, loop, POLICY);
    last.reading();
    assertEquals("", last.failure, what);
    assertEquals(next.state, last.state, what);
    if (thenAnother) {
      assertEquals(1, next.checkpoints, what);
      tidy(server);
    }
    return died;
  }

  /** Answers are lost at random, and what was asked was done or not. */
  @Test
  void lostAnswersChangeNothing() {
    for (long seed = 1; seed <= 60; seed++) {
      Random random = new Random(seed);
      VirtualLoop own = new VirtualLoop();
      FakeZooKeeper at = new FakeZooKeeper(own);
      ListMember leader = new ListMember("anna", at, own, POLICY).leader();
      for (int round = 0; round < 4; round++) {
        leader.append(records(round * 5, round * 5 + 5));
        leader.port.hold();
        leader.checkpoint();
        own.run();
        for (int loss = 0; loss < 6; loss++) {
          leader.port.lose(random.nextInt(3));
          own.pass(Duration.ofMillis(50));
          leader.port.reconnect();
          own.pass(Duration.ofMillis(150));
          for (int i = random.nextInt(6); i > 0 && leader.port.held() > 0; i--) {
            leader.port.serve(1);
            own.run();
          }
        }
        leader.port.release();
        own.pass(Duration.ofSeconds(2));
        assertEquals("", leader.failure, "seed " + seed);
        assertEquals(round + 1, leader.checkpoints, "seed " + seed + " round " + round);
      }
      ListMember other = new ListMember("bert", at, own, POLICY).reading();
      assertEquals(leader.state, other.state, "seed " + seed);
      tidy(at);
    }
  }

  @Test
  void aDeposedLeaderNeitherSwitchesNorDeletes() {
    ListMember leader = member("anna").leader();
    leader.append(records(0, 10));
    loop.run();
    leader.port.hold();
    leader.checkpoint();
    loop.run();
    ListMember next = member("bert").leader();
    next.append("later");
    loop.run();
    leader.port.release();
    loop.run();
    assertFalse(server.below(LAYOUT.checkpoint()).containsKey(LAYOUT.manifest()));
    assertEquals(next.state, member("cora").reading().state);
  }

  @Test
  void damageOfASectionStopsTheMember() {
    ListMember leader = member("anna").leader();
    leader.append(records(0, 10));
    loop.run();
    leader.checkpoint();
    loop.run();
    String node = leaves(LAYOUT.checkpoint()).first();
    byte[] data = server.data(node);
    data[0] ^= 1;
    server.put(node, data);
    assertEquals(
        node + " of the checkpoint is damaged; restore the cluster from a backup",
        member("bert").reading().failure);
  }

  @Test
  void aMissingSectionStopsTheMember() {
    ListMember leader = member("anna").leader();
    leader.append(records(0, 10));
    loop.run();
    leader.checkpoint();
    loop.run();
    String node = leaves(LAYOUT.checkpoint()).first();
    server.remove(node);
    assertEquals(
        node + " of the checkpoint in force is missing; restore the cluster from a backup",
        member("bert").reading().failure);
  }

  @Test
  void aManifestOfAnotherFormatStopsTheMember() {
    ListMember leader = member("anna").leader();
    leader.append(records(0, 10));
    loop.run();
    leader.checkpoint();
    loop.run();
    byte[] data = server.data(LAYOUT.manifest());
    data[0] = 2;
    server.put(LAYOUT.manifest(), data);
    assertEquals(
        "the checkpoint's manifest has format 2, this version reads 1: upgrade this controller",
        member("bert").reading().failure);
  }

  @Test
  void whileSomebodyReadsNothingIsDeleted() {
    ListMember leader = member("anna").leader();
    leader.append(records(0, 10));
    loop.run();
    Runnable unpin = leader.log.pin();
    leader.checkpoint();
    loop.run();
    assertEquals(10, manifest().index());
    assertEquals(10, leaves(LAYOUT.log()).size());
    assertEquals(0, leader.checkpoints);
    unpin.run();
    loop.run();
    assertEquals(1, leader.checkpoints);
    assertEquals(2, leaves(LAYOUT.log()).size());
  }

  @Test
  void aRestoreThatDidNotFinishStopsTheMember() {
    member("anna").reading();
    server.put(LAYOUT.restoring(), new byte[0]);
    assertEquals(
        "a restore from a backup was not finished: repeat the restore, then start the controllers",
        member("bert").reading().failure);
  }

  @Test
  void aCheckpointIsDueByEntriesOrByBytesInProportionToTheState() {
    CheckpointPolicy policy = new CheckpointPolicy(100, 1_000, 1);
    assertFalse(policy.due(99, 999, 0));
    assertTrue(policy.due(100, 0, 0));
    assertTrue(policy.due(1, 1_000, 0));
    assertFalse(policy.due(1, 1_000, 10_000));
    assertTrue(policy.due(1, 5_000, 10_000));
  }
}

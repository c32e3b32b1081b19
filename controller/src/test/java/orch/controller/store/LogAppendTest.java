package orch.controller.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Every end that an append can have, and what the log client makes of it. */
final class LogAppendTest {
  private static final Duration SOON = Duration.ofSeconds(1);

  private final VirtualLoop loop = new VirtualLoop();
  private final FakeZooKeeper server = new FakeZooKeeper(loop);
  private final LogMember leader = new LogMember("anna", server, loop).leader();

  LogAppendTest() {
    leader.heard.clear();
  }

  // ---- gathering

  @Test
  void aRecordIsSentAtTheFlushWhenNothingIsInFlight() {
    assertEquals(1, leader.append("a"));
    assertEquals(List.of(), log());
    leader.log.flush();
    loop.run();
    assertEquals(List.of("1 a"), log());
    assertEquals(List.of("committed 1"), leader.heard());
  }

  @Test
  void recordsOfOneDrainShareAnEntry() {
    assertEquals(1, leader.append("submit"));
    assertEquals(1, leader.append("place"));
    leader.log.flush();
    loop.run();
    assertEquals(List.of("1 submit+place"), log());
  }

  @Test
  void recordsAreGatheredWhileAnEntryIsInFlightAndGoWhenItHasCommitted() {
    leader.port.hold();
    leader.append("a");
    leader.log.flush();
    assertEquals(2, leader.append("b"));
    leader.log.flush();
    assertEquals(2, leader.append("c"));
    leader.log.flush();
    assertEquals(1, leader.port.held());
    leader.port.serve(1);
    loop.run();
    assertEquals(1, leader.port.held());
    leader.port.release();
    loop.run();
    assertEquals(List.of("1 a", "2 b+c"), log());
    assertEquals(List.of("committed 1", "committed 2"), leader.heard());
  }

  @Test
  void anEntryThatIsFullGoesWhileOthersAreInFlight() {
    leader.port.hold();
    leader.append("a");
    leader.log.flush();
    String half = "x".repeat(LogWriter.GATHER_BYTES / 2);
    leader.append(half);
    assertEquals(1, leader.port.held());
    leader.append(half);
    assertEquals(2, leader.port.held());
  }

  @Test
  void aRecordThatWouldMakeAnEntryTooLargeBeginsTheNext() {
    leader.port.hold();
    leader.append("a");
    leader.log.flush();
    assertEquals(2, leader.append("b"));
    assertEquals(3, leader.append("x".repeat(LogWriter.MAX_GATHERED_BYTES)));
    assertEquals(4, leader.append("c"));
  }

  @Test
  void aRecordAboveTheLimitIsABrokenInvariant() {
    byte[] record = new byte[LogWriter.MAX_RECORD_BYTES + 1];
    assertThrows(IllegalArgumentException.class, () -> leader.log.append(record));
  }

  @Test
  void noMoreThanFourEntriesAreInFlight() {
    leader.port.hold();
    leader.appendEntries("a", "b", "c", "d", "e", "f");
    assertEquals(4, leader.port.held());
    leader.port.serve(1);
    loop.run();
    assertEquals(4, leader.port.held());
  }

  @Test
  void tooMuchThatWaitsSaysSoUntilItIsSent() {
    leader.port.hold();
    assertFalse(leader.log.saturated());
    int entries =
        2 + LogWriter.MAX_IN_FLIGHT + LogWriter.MAX_BACKLOG_BYTES / LogWriter.GATHER_BYTES;
    for (int i = 0; i < entries; i++) {
      leader.appendEntries("x");
    }
    assertTrue(leader.log.saturated());
    leader.port.release();
    loop.run();
    assertFalse(leader.log.saturated());
    assertEquals(entries, leader.log.committedIndex());
  }

  // ---- unknown ends

  @Test
  void aWriteThatWasLostOnTheWayIsSentAgain() {
    leader.port.hold();
    leader.append("a");
    leader.log.flush();
    leader.port.lose(0);
    leader.port.release();
    loop.run();
    assertEquals(List.of(), leader.heard());
    leader.port.reconnect();
    loop.run();
    assertEquals(List.of("1 a"), log());
    assertEquals(List.of("committed 1"), leader.heard());
  }

  @Test
  void aWriteThatLandedThoughItsAnswerWasLostIsRecognizedAndNotWrittenTwice() {
    leader.port.hold();
    leader.append("a");
    leader.log.flush();
    leader.port.lose(1);
    leader.port.release();
    leader.port.reconnect();
    loop.run();
    assertEquals(List.of("1 a"), log());
    assertEquals(List.of("committed 1"), leader.heard());
  }

  @Test
  void aRepeatedWriteHasTheIdenticalBytesAndTakesNothingNewIn() {
    leader.port.hold();
    leader.append("a");
    leader.log.flush();
    leader.port.lose(0);
    loop.run();
    assertEquals(2, leader.append("b"));
    leader.log.flush();
    leader.port.release();
    leader.port.reconnect();
    loop.run();
    assertEquals(List.of("1 a", "2 b"), log());
  }

  @Test
  void ofPipelinedWritesWithLostAnswersAPrefixMayHaveLandedAndTheRestFollows() {
    for (int landed = 0; landed <= 4; landed++) {
      VirtualLoop otherLoop = new VirtualLoop();
      FakeZooKeeper other = new FakeZooKeeper(otherLoop);
      LogMember member = new LogMember("anna", other, otherLoop).leader();
      member.heard.clear();
      member.port.hold();
      member.appendEntries("a", "b", "c", "d", "e");
      member.port.lose(landed);
      member.port.release();
      member.port.reconnect();
      otherLoop.run();
      assertEquals(
          List.of("1 a", "2 b", "3 c", "4 d", "5 e"), log(other), landed + " of them landed");
      assertEquals(
          List.of("committed 1", "committed 2", "committed 3", "committed 4", "committed 5"),
          member.heard());
    }
  }

  @Test
  void aSessionThatMovedAlsoLeavesTheEndUnknown() {
    for (ResultCode code : List.of(ResultCode.SESSION_MOVED, ResultCode.SESSION_EXPIRED)) {
      leader.port.hold();
      long index = leader.append(code.name());
      leader.log.flush();
      leader.port.fail(code);
      loop.run();
      assertEquals(List.of(), leader.heard());
      leader.port.release();
      loop.pass(SOON);
      assertEquals(List.of("committed " + index), leader.heard());
    }
    assertEquals(List.of("1 SESSION_MOVED", "2 SESSION_EXPIRED"), log());
  }

  @Test
  void whatFollowsAWriteThatWasLostGoesBackToTheFirstUnresolved() {
    leader.port.hold();
    leader.appendEntries("a", "b", "c");
    // a never arrives; b and c do, and find no a to stand on.
    leader.port.fail(ResultCode.SESSION_MOVED);
    leader.port.serve(2);
    leader.port.release();
    loop.run();
    assertEquals(List.of(), log());
    loop.pass(SOON);
    assertEquals(List.of("1 a", "2 b", "3 c"), log());
    assertEquals(List.of("committed 1", "committed 2", "committed 3"), leader.heard());
  }

  @Test
  void nothingIsSentAgainBeforeEverythingInFlightWasAnswered() {
    leader.port.hold();
    leader.appendEntries("a", "b", "c");
    leader.port.fail(ResultCode.SESSION_MOVED);
    loop.pass(SOON);
    assertEquals(2, leader.port.held());
    leader.port.serve(2);
    loop.run();
    assertEquals(3, leader.port.held());
    leader.port.release();
    loop.run();
    assertEquals(List.of("1 a", "2 b", "3 c"), log());
  }

  @Test
  void aWriteThatCommitsProvesTheOnesBeforeIt() {
    leader.port.hold();
    leader.appendEntries("a", "b");
    // a lands, but its answer is lost; the answer to b arrives.
    server.put(LogMember.LAYOUT.directory(1), new byte[0]);
    server.put(LogMember.LAYOUT.entry(1), new byte[0]);
    leader.port.fail(ResultCode.SESSION_MOVED);
    leader.port.serve(1);
    loop.run();
    assertEquals(List.of("committed 1", "committed 2"), leader.heard());
    leader.port.release();
    loop.pass(SOON);
    assertEquals(2, leader.log.committedIndex());
  }

  @Test
  void anAnswerThatIsLostAgainAndAgainIsAskedForAgainAndAgain() {
    leader.port.hold();
    leader.appendEntries("a", "b");
    leader.port.lose(1);
    loop.pass(SOON);
    leader.port.reconnect();
    loop.run();
    leader.port.lose(1);
    leader.port.reconnect();
    loop.run();
    leader.port.release();
    loop.pass(SOON);
    assertEquals(List.of("1 a", "2 b"), log());
    assertEquals(List.of("committed 1", "committed 2"), leader.heard());
  }

  @Test
  void theAnswerToTheComparisonMayBeLostToo() {
    leader.port.hold();
    leader.append("a");
    leader.log.flush();
    leader.port.lose(1);
    leader.port.reconnect();
    loop.run();
    leader.port.serve(1); // NODE_EXISTS: now it compares
    loop.run();
    assertEquals(1, leader.port.held());
    leader.port.lose(0);
    leader.port.release();
    leader.port.reconnect();
    loop.pass(SOON);
    assertEquals(List.of("committed 1"), leader.heard());
  }

  // ---- fencing

  @Test
  void aDeposedLeaderCommitsNothingAndReadsTheLogAnew() {
    leader.append("a");
    leader.log.flush();
    loop.run();
    LogMember other = new LogMember("bert", server, loop).leader();
    other.append("b");
    other.log.flush();
    loop.run();
    leader.append("c");
    leader.log.flush();
    loop.run();
    assertEquals(List.of("1 a", "2 b"), log());
    assertEquals(
        List.of("committed 1", "deposed", "reset", "1 a", "2 b", "caught up at 2"), leader.heard());
    assertFalse(leader.log.leads());
  }

  @Test
  void aDeposedLeaderWhoseLastWriteLandedFindsItInTheLog() {
    leader.port.hold();
    leader.appendEntries("a", "b");
    leader.port.lose(1);
    loop.run();
    new LogMember("bert", server, loop).leader();
    leader.port.release();
    leader.port.reconnect();
    loop.run();
    assertEquals(List.of("deposed", "reset", "1 a", "caught up at 1"), leader.heard());
  }

  @Test
  void anIdleLeaderFindsOutThatItWasDeposed() {
    new LogMember("bert", server, loop).leader();
    assertEquals(List.of(), leader.heard());
    loop.pass(LogClient.PROOF_AGE);
    assertEquals(List.of("deposed", "reset", "caught up at 0"), leader.heard());
  }

  @Test
  void aDeposedLeaderLeadsAgainUnderANewEpoch() {
    LogMember other = new LogMember("bert", server, loop).leader();
    loop.pass(LogClient.PROOF_AGE);
    leader.heard.clear();
    leader.log.claim();
    loop.run();
    assertEquals(List.of("leading epoch 3 after 0"), leader.heard());
    leader.append("a");
    leader.log.flush();
    loop.pass(LogClient.PROOF_AGE);
    assertEquals(List.of("1 a"), log());
    assertTrue(other.heard().contains("deposed"));
  }

  @Test
  void anEpochNodeThatWasMadeAnewStopsTheLeader() {
    server.remove(LogMember.LAYOUT.epoch());
    leader.append("a");
    leader.log.flush();
    loop.run();
    assertEquals(1, leader.heard().stream().filter(line -> line.startsWith("failed")).count());
    assertEquals(List.of(), log());
  }

  @Test
  void anotherWriterInTheSameEpochIsABrokenInvariant() {
    server.put(LogMember.LAYOUT.directory(1), new byte[0]);
    server.put(
        LogMember.LAYOUT.entry(1),
        new Entry(1, 77, 1, List.of("z".getBytes(StandardCharsets.UTF_8))).encode());
    leader.append("a");
    leader.log.flush();
    loop.run();
    assertEquals(
        List.of(
            "failed: log entry 1 was written by epoch 1 (nonce 4d) under epoch 1 of this"
                + " controller; two writers in one epoch must never be"),
        leader.heard());
  }

  @Test
  void anEntryThatVanishedIsABrokenInvariant() {
    leader.append("a");
    leader.log.flush();
    loop.run();
    leader.heard.clear();
    server.remove(LogMember.LAYOUT.entry(1));
    leader.append("b");
    leader.log.flush();
    loop.run();
    assertTrue(leader.heard().getFirst().startsWith("failed: log entry 2 was refused: NO_NODE"));
  }

  // ---- the proof that leases stand on

  @Test
  void anIdleLeaderProvesItsEpochAgainAndAgain() {
    assertTrue(leader.log.proved());
    int before = server.multis();
    loop.pass(Duration.ofSeconds(30));
    assertTrue(leader.log.proved());
    assertEquals(30, server.multis() - before);
  }

  @Test
  void aProofCountsFromWhenItWasAskedForNotFromItsAnswer() {
    leader.port.hold();
    loop.pass(Duration.ofSeconds(2));
    leader.port.serve(1);
    loop.pass(Duration.ofMillis(1_500));
    assertTrue(leader.log.proved());
    loop.pass(Duration.ofSeconds(1));
    assertFalse(leader.log.proved());
  }

  @Test
  void aLeaderThatIsCutOffCannotProveItself() {
    leader.port.lose(0);
    loop.pass(LogClient.PROOF_AGE.plusMillis(1));
    assertFalse(leader.log.proved());
    leader.port.reconnect();
    loop.pass(SOON);
    assertTrue(leader.log.proved());
  }

  // ---- layout

  @Test
  void entriesAreFannedOutIntoDirectoriesOfAThousand() {
    for (int i = 1; i <= 2_100; i++) {
      leader.append("r" + i);
      leader.log.flush();
      loop.run();
    }
    TreeMap<String, Integer> sizes = new TreeMap<>();
    for (String path : server.below("/orch/log").keySet()) {
      if (path.chars().filter(c -> c == '/').count() == 4) {
        sizes.merge(path.substring(0, path.lastIndexOf('/')), 1, Integer::sum);
      }
    }
    assertEquals(
        "{/orch/log/0000000000=999, /orch/log/0000000001=1000, /orch/log/0000000002=101}",
        sizes.toString());
    assertEquals(2_100, new LogMember("bert", server, loop).reading().heard().size() - 2);
  }

  private List<String> log() {
    return log(server);
  }

  /** The log as a new reader finds it. */
  private List<String> log(FakeZooKeeper server) {
    VirtualLoop own = new VirtualLoop();
    LogMember reader = new LogMember("reader", server, own);
    LogClient client =
        new LogClient(server.connect(own), LogMember.LAYOUT, "reader", own, own, () -> 1, reader);
    client.start();
    own.run();
    List<String> heard = reader.heard();
    return heard.subList(1, heard.size() - 1);
  }
}

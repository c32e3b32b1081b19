package orch.controller.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Replay at start, and the standby that follows. */
final class LogReadTest {
  private static final Duration SOON = Duration.ofSeconds(1);

  private final VirtualLoop loop = new VirtualLoop();
  private final FakeZooKeeper server = new FakeZooKeeper(loop);
  private final LogMember leader = new LogMember("anna", server, loop).leader();
  private final LogMember standby = new LogMember("bert", server, loop);

  @Test
  void anEmptyLogIsReadToItsEnd() {
    assertEquals(List.of("reset", "caught up at 0"), standby.reading().heard());
  }

  @Test
  void theLogIsReplayedInOrder() {
    write("a", "b", "c");
    assertEquals(
        List.of("reset", "1 a", "2 b", "3 c", "caught up at 3"), standby.reading().heard());
  }

  @Test
  void aLongLogIsReadAheadInOrder() {
    for (int i = 0; i < 1_500; i++) {
      write("r");
    }
    List<String> heard = standby.reading().heard();
    assertEquals(1_502, heard.size());
    assertEquals("1500 r", heard.get(1_500));
    assertEquals("caught up at 1500", heard.getLast());
  }

  @Test
  void aStandbyHearsOfEachEntryAsItIsWritten() {
    standby.reading().heard.clear();
    write("a");
    assertEquals(List.of("1 a", "caught up at 1"), standby.heard());
    write("b");
    assertEquals(List.of("2 b", "caught up at 2"), standby.heard());
  }

  @Test
  void aStandbyReadsOnAfterItsConnectionWasGone() {
    standby.reading();
    write("a");
    standby.port.lose(0);
    write("b", "c");
    loop.pass(SOON);
    standby.heard.clear();
    standby.port.reconnect();
    loop.run();
    assertEquals(List.of("2 b", "3 c", "caught up at 3"), standby.heard());
    write("d");
    assertEquals(List.of("4 d", "caught up at 4"), standby.heard());
  }

  @Test
  void aReadThatWasLostWithoutAReconnectionIsRepeated() {
    standby.reading().heard.clear();
    standby.port.hold();
    write("a");
    standby.port.fail(ResultCode.SESSION_MOVED);
    standby.port.release();
    loop.run();
    assertEquals(List.of(), standby.heard());
    loop.pass(SOON);
    assertEquals(List.of("1 a", "caught up at 1"), standby.heard());
  }

  @Test
  void thePreparationIsRepeatedToo() {
    standby.port.hold();
    standby.log.start();
    standby.port.fail(ResultCode.CONNECTION_LOSS);
    standby.port.release();
    loop.pass(SOON);
    assertEquals(List.of("reset", "caught up at 0"), standby.heard());
  }

  @Test
  void aDamagedEntryStopsTheMember() {
    write("a", "b");
    byte[] bytes = Entry.decode(1, server.data(layout().entry(1))).encode();
    bytes[bytes.length - 1] ^= 1;
    server.put(layout().entry(1), bytes);
    assertEquals(
        List.of(
            "reset",
            "failed: log entry 1 is damaged: its checksum does not fit; restore the cluster from"
                + " a backup"),
        standby.reading().heard());
  }

  @Test
  void anEntryUnderAnotherNameStopsTheMember() {
    write("a", "b");
    server.put(layout().entry(2), server.data(layout().entry(1)));
    assertTrue(
        standby
            .reading()
            .heard()
            .getLast()
            .contains("entry 2 is damaged: it was written as entry 1"));
  }

  @Test
  void theFirstEpochIsOneAndEachIsHigherThanTheOneBefore() {
    assertTrue(leader.heard().contains("leading epoch 1 after 0"));
    assertTrue(standby.leader().heard().contains("leading epoch 2 after 0"));
    loop.pass(LogClient.PROOF_AGE);
    leader.log.claim();
    loop.run();
    assertTrue(leader.heard().contains("leading epoch 3 after 0"));
  }

  @Test
  void whatTheFormerLeaderCommittedUntilTheEpochWasTakenIsReadBeforeLeading() {
    standby.reading();
    standby.port.hold();
    write("a", "b");
    standby.log.claim();
    standby.port.release();
    loop.run();
    write("c");
    assertEquals(
        List.of("reset", "caught up at 0", "1 a", "2 b", "leading epoch 2 after 2"),
        standby.heard());
  }

  @Test
  void ofTwoMembersThatClaimAtATimeOneLoses() {
    standby.reading().heard.clear();
    LogMember third = new LogMember("carl", server, loop).reading();
    third.heard.clear();
    standby.port.hold();
    third.port.hold();
    standby.log.claim();
    third.log.claim();
    standby.port.serve(1); // both have read the same version
    third.port.serve(1);
    loop.run();
    standby.port.release();
    third.port.release();
    loop.run();
    assertEquals(List.of("leading epoch 2 after 0"), standby.heard());
    assertEquals(List.of("claim lost to bert"), third.heard());
  }

  @Test
  void aClaimWhoseAnswerWasLostThoughItLandedIsFoundByItsNonce() {
    claimAndLose(1);
    assertEquals(List.of("leading epoch 2 after 0"), standby.heard());
    assertEquals(2, epoch().number());
  }

  @Test
  void aClaimThatWasLostOnTheWayIsMadeAgain() {
    claimAndLose(0);
    assertEquals(List.of("leading epoch 2 after 0"), standby.heard());
    assertEquals(2, epoch().number());
  }

  @Test
  void aClaimThatWasLostOnTheWayLosesToWhoCameBetween() {
    standby.reading().heard.clear();
    standby.port.hold();
    standby.log.claim();
    standby.port.serve(1);
    loop.run();
    standby.port.lose(0);
    new LogMember("carl", server, loop).leader();
    standby.port.release();
    standby.port.reconnect();
    loop.pass(SOON);
    assertTrue(standby.heard().contains("claim lost to carl"));
    assertEquals("carl", epoch().leader());
  }

  @Test
  void theEpochNodeTellsPeopleWhoLeads() {
    assertEquals("anna", epoch().leader());
    assertTrue(
        new String(server.data(layout().epoch()), StandardCharsets.UTF_8)
            .matches("1 1 [0-9a-f]{16} anna"));
  }

  private void claimAndLose(int landed) {
    standby.reading();
    standby.port.hold();
    standby.log.claim();
    standby.port.serve(1);
    loop.run();
    standby.port.lose(landed);
    standby.port.release();
    loop.run();
    standby.heard.clear();
    standby.port.reconnect();
    loop.pass(SOON);
    standby.heard.removeIf(line -> line.startsWith("caught up"));
  }

  private EpochRecord epoch() {
    return EpochRecord.decode(server.data(layout().epoch()));
  }

  private void write(String... records) {
    for (String record : records) {
      leader.append(record);
      leader.log.flush();
      loop.run();
    }
  }

  private static LogLayout layout() {
    return LogMember.LAYOUT;
  }

  @Test
  void aClaimThatWasFollowedBeforeTheLogWasReadToItsEndLeadsNothing() {
    LogMember slow = new LogMember("slow", server, loop).reading();
    slow.port.hold();
    slow.log.claim();
    loop.run();
    // The epoch is read, and taken; then it reads on.
    slow.port.serve(1);
    loop.run();
    slow.port.serve(1);
    loop.run();
    LogMember quick = new LogMember("quick", server, loop).leader();
    quick.append("of the next epoch");
    quick.log.flush();
    loop.run();
    slow.heard.clear();
    slow.port.release();
    loop.run();
    assertEquals(
        List.of("1 of the next epoch", "claim lost to another controller", "caught up at 1"),
        slow.heard());
    assertFalse(slow.log.leads());
  }
}

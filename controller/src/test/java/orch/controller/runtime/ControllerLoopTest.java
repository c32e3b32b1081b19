package orch.controller.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import orch.api.model.AgentMessage;
import orch.api.model.ControllerMessage;
import orch.controller.core.Change;
import orch.controller.core.NodeContact;
import orch.controller.core.StateView;
import orch.controller.port.CommittedListener;
import orch.controller.port.ControllerPort;
import orch.controller.port.Leadership;
import orch.controller.port.Role;
import orch.controller.port.UnavailableException;
import orch.controller.port.UnavailableException.Reason;
import orch.controller.store.FakeZooKeeper;
import orch.controller.store.LogClient;
import orch.controller.store.VirtualLoop;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The loop with the real core and log client, on virtual time and a server in memory. */
final class ControllerLoopTest {
  private static final Duration SOON = Duration.ofSeconds(5);

  private final VirtualLoop time = new VirtualLoop();
  private final FakeZooKeeper server = new FakeZooKeeper(time);
  private final TestController.Members members = new TestController.Members();
  private final TestController anna = controller("anna");
  private boolean failureExpected;

  @AfterEach
  void nothingBroke() {
    if (!failureExpected) {
      assertEquals(List.of(), anna.failures);
    }
  }

  // ---- leadership

  @Test
  void theElectionBeginsWhenTheLogWasRead() {
    anna.zooKeeper.hold();
    anna.standby();
    assertFalse(anna.hints.begun());
    anna.zooKeeper.release();
    time.run();
    assertTrue(anna.hints.begun());
    assertEquals(Role.STANDBY, anna.port.leadership().role());
  }

  @Test
  void aLeaderServesOnlyWhenItsFirstEntryHasCommitted() {
    anna.standby();
    anna.zooKeeper.hold();
    anna.hints.tell(true);
    while (anna.port.leadership().role() == Role.STANDBY) {
      anna.zooKeeper.serve(1);
      time.run();
    }
    assertEquals(Role.ELECTED, anna.port.leadership().role());
    CompletableFuture<String> answer = anna.askInVain();
    time.run();
    assertFalse(answer.isDone());
    anna.zooKeeper.release();
    time.run();
    assertEquals(Role.LEADER, anna.port.leadership().role());
    assertEquals("NOT_FOUND at 1", answer.join());
  }

  @Test
  void aClusterHasOneIdForEver() {
    anna.leader();
    String id = clusterId(anna);
    assertTrue(id.matches("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
    assertEquals(id, clusterId(controller("bert").leader()));
  }

  @Test
  void aStandbyRefusesAndSaysWhoLeads() {
    anna.leader();
    TestController bert = controller("bert").standby();
    CompletableFuture<String> answer = bert.ask("nowhere");
    time.run();
    UnavailableException refusal = refusal(answer);
    assertEquals(Reason.NOT_LEADER, refusal.reason());
    assertEquals("anna at anna:7400 leads; nothing was done here", refusal.getMessage());
    assertEquals("anna:7401", assertNotNullLeader(bert.port.leadership()));
    CompletableFuture<Long> read = bert.readRevision();
    time.run();
    assertEquals(Reason.NOT_LEADER, refusal(read).reason());
  }

  @Test
  void aStandbyHasTheStateOfTheLeader() {
    anna.leader();
    TestController bert = controller("bert").standby();
    register(anna, "n1");
    var _ = anna.ask("n1");
    time.run();
    assertEquals(anna.hash(), bert.hash());
  }

  @Test
  void whoStartsAnewHasTheStateThatItHad() {
    anna.leader();
    register(anna, "n1");
    time.pass(SOON);
    long hash = anna.hash();
    assertEquals(hash, controller("bert").standby().hash());
    assertNotEquals(hash, new TestController("x", new FakeZooKeeper(time), time, members).hash());
  }

  @Test
  void aDeposedLeaderSaysThatTheOutcomeIsUnknownAndRebuilds() {
    anna.leader();
    register(anna, "n1");
    anna.zooKeeper.hold();
    CompletableFuture<String> request = anna.ask("n1");
    CompletableFuture<Long> read = anna.readRevision();
    time.run();
    anna.zooKeeper.lose(0);
    TestController bert = successor("bert");
    anna.zooKeeper.release();
    anna.zooKeeper.reconnect();
    time.run();
    assertEquals(Reason.OUTCOME_UNKNOWN, refusal(request).reason());
    assertEquals(Reason.NOT_LEADER, refusal(read).reason());
    assertEquals(Role.STANDBY, anna.port.leadership().role());
    assertEquals(bert.hash(), anna.hash());
  }

  @Test
  void aDeposedLeaderWhoseEntryLandedHasItAfterAll() {
    anna.leader();
    register(anna, "n1");
    anna.zooKeeper.hold();
    CompletableFuture<String> request = anna.ask("n1");
    time.run();
    anna.zooKeeper.lose(1);
    TestController bert = successor("bert");
    anna.zooKeeper.release();
    anna.zooKeeper.reconnect();
    time.run();
    assertEquals(Reason.OUTCOME_UNKNOWN, refusal(request).reason());
    assertEquals(bert.hash(), anna.hash());
  }

  @Test
  void aDeposedLeaderThatShouldLeadStillLeadsAgain() {
    anna.leader();
    TestController bert = controller("bert").leader();
    assertEquals(Role.LEADER, bert.port.leadership().role());
    bert.hints.tell(false);
    time.pass(SOON);
    assertEquals(Role.LEADER, anna.port.leadership().role());
    assertEquals(3, anna.port.leadership().epoch());
    assertEquals(Role.STANDBY, bert.port.leadership().role());
  }

  @Test
  void theLossOfTheHintAloneChangesNothing() {
    anna.leader();
    anna.hints.tell(false);
    time.pass(SOON);
    assertEquals(Role.LEADER, anna.port.leadership().role());
  }

  // ---- what may be seen

  @Test
  void anAnswerWaitsForItsRevision() {
    anna.leader();
    anna.zooKeeper.hold();
    CompletableFuture<String> answer = anna.ask("nowhere");
    time.run();
    assertFalse(answer.isDone());
    anna.zooKeeper.release();
    time.run();
    assertEquals("NOT_FOUND at 2", answer.join());
  }

  @Test
  void whatChangesNothingWaitsForWhatItSaw() {
    anna.leader();
    anna.zooKeeper.hold();
    CompletableFuture<String> first = anna.ask("nowhere");
    CompletableFuture<String> refused = anna.askInVain();
    CompletableFuture<Long> read = anna.readRevision();
    time.run();
    assertFalse(first.isDone() || refused.isDone() || read.isDone());
    anna.zooKeeper.release();
    time.run();
    assertEquals("NOT_FOUND at 2", refused.join());
    assertEquals(2, read.join());
  }

  @Test
  void whatComesTogetherGoesIntoOneEntry() {
    anna.leader();
    List<CompletableFuture<String>> answers = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      answers.add(anna.ask("nowhere"));
    }
    time.run();
    for (CompletableFuture<String> answer : answers) {
      assertEquals("NOT_FOUND at 2", answer.join());
    }
  }

  @Test
  void aLeaderThatCannotProveItselfAnswersNothing() {
    anna.leader();
    anna.zooKeeper.hold();
    time.pass(LogClient.PROOF_AGE.plusSeconds(1));
    CompletableFuture<Long> read = anna.readRevision();
    CompletableFuture<String> request = anna.ask("nowhere");
    time.run();
    assertFalse(read.isDone());
    assertFalse(request.isDone());
    anna.zooKeeper.release();
    time.run();
    assertEquals(2, anna.port.leadership().committedRevision());
    assertEquals("NOT_FOUND at 2", request.join());
    assertEquals(1, read.join());
  }

  @Test
  void whoAsksWhileZooKeeperIsSilentIsToldAfterAWhile() {
    anna.leader();
    anna.zooKeeper.hold();
    CompletableFuture<String> sent = anna.ask("nowhere");
    CompletableFuture<Long> waiting = anna.readRevision();
    time.pass(LogClient.PROOF_AGE.plusSeconds(1));
    CompletableFuture<String> queued = anna.ask("nowhere");
    time.run();
    assertFalse(sent.isDone() || waiting.isDone() || queued.isDone());
    time.pass(LoopLimits.LOG_PATIENCE);
    assertEquals(Reason.OUTCOME_UNKNOWN, refusal(sent).reason());
    assertEquals(Reason.LOG_UNAVAILABLE, refusal(waiting).reason());
    assertEquals(Reason.LOG_UNAVAILABLE, refusal(queued).reason());
    assertTrue(
        String.valueOf(refusal(queued).getMessage()).startsWith("ZooKeeper has not answered for 1"),
        refusal(queued).getMessage());
    anna.zooKeeper.release();
    time.pass(SOON);
    CompletableFuture<String> next = anna.ask("nowhere");
    time.run();
    assertEquals("NOT_FOUND at 3", next.join());
  }

  @Test
  void whatAgentsReportOutlastsAnyLossOfZooKeeper() {
    anna.leader();
    TestController.Agent agent = register(anna, "n1");
    anna.zooKeeper.hold();
    time.pass(LogClient.PROOF_AGE.plusSeconds(1));
    agent.say(new AgentMessage.Reports(List.of()));
    time.pass(LoopLimits.LOG_PATIENCE.multipliedBy(10));
    assertEquals(0, agent.taken);
    anna.zooKeeper.release();
    time.pass(SOON);
    assertEquals(1, agent.taken);
    assertNull(agent.closed);
  }

  @Test
  void aReaderThatFailsFailsAlone() {
    anna.leader();
    CompletableFuture<Object> read =
        anna.port
            .read((view, revision) -> {
              throw new IllegalArgumentException("bad page token");
            })
            .toCompletableFuture();
    CompletableFuture<Long> other = anna.readRevision();
    time.run();
    assertInstanceOf(
        IllegalArgumentException.class,
        assertThrows(CompletionException.class, read::join).getCause());
    assertEquals(1, other.join());
  }

  @Test
  void aFullQueueRefusesAtOnce() {
    anna.leader();
    for (int i = 0; i < LoopLimits.MAX_QUEUED_REQUESTS; i++) {
      assertFalse(anna.readRevision().isDone());
    }
    UnavailableException refusal = refusal(anna.askInVain());
    assertEquals(Reason.OVERLOADED, refusal.reason());
    time.run();
    CompletableFuture<Long> later = anna.readRevision();
    time.run();
    assertTrue(later.isDone());
  }

  @Test
  void timeInTheLogNeverGoesBack() {
    List<Instant> times = new ArrayList<>();
    anna.leader();
    anna.port.addListener(listener((revision, now) -> times.add(now)));
    time.run();
    var _ = anna.ask("nowhere");
    time.run();
    time.jumpWallClock(Duration.ofHours(-1));
    register(anna, "n1");
    assertEquals(2, times.size());
    assertFalse(times.get(1).isBefore(times.get(0)));
  }

  // ---- listeners

  @Test
  void listenersHearEachRevisionOnceInOrderOnLeaderAndStandby() {
    anna.leader();
    TestController bert = controller("bert").standby();
    List<Long> atAnna = new ArrayList<>();
    List<Long> atBert = new ArrayList<>();
    anna.port.addListener(listener((revision, now) -> atAnna.add(revision)));
    bert.port.addListener(listener((revision, now) -> atBert.add(revision)));
    time.run();
    for (int i = 0; i < 3; i++) {
      var _ = anna.ask("nowhere");
      time.run();
    }
    assertEquals(List.of(2L, 3L, 4L), atAnna);
    assertEquals(List.of(2L, 3L, 4L), atBert);
  }

  @Test
  void listenersHearNothingThatHasNotCommitted() {
    anna.leader();
    List<Long> heard = new ArrayList<>();
    anna.port.addListener(listener((revision, now) -> heard.add(revision)));
    time.run();
    anna.zooKeeper.hold();
    var _ = anna.ask("nowhere");
    time.run();
    assertEquals(List.of(), heard);
  }

  @Test
  void aListenerIsToldWhenTheStateWasRebuilt() {
    anna.leader();
    List<Long> rebuilt = new ArrayList<>();
    anna.port.addListener(
        new CommittedListener() {
          @Override
          public void committed(long revision, Instant now, List<Change> changes, StateView view) {}

          @Override
          public void rebuilt(long revision, StateView view) {
            rebuilt.add(revision);
          }
        });
    time.run();
    var _ = successor("bert");
    time.pass(SOON);
    assertEquals(List.of(1L, 2L), rebuilt);
  }

  @Test
  void aListenerThatWasCancelledHearsNothing() {
    anna.leader();
    List<Long> heard = new ArrayList<>();
    ControllerPort.Subscription subscription =
        anna.port.addListener(listener((revision, now) -> heard.add(revision)));
    time.run();
    subscription.cancel();
    var _ = anna.ask("nowhere");
    time.run();
    assertEquals(List.of(), heard);
  }

  // ---- agents

  @Test
  void anAgentIsWelcomedWhenItsRegistrationHasCommitted() {
    anna.leader();
    anna.zooKeeper.hold();
    TestController.Agent agent = anna.agent("n1");
    time.run();
    assertEquals(List.of(), agent.received());
    anna.zooKeeper.release();
    time.run();
    assertEquals("Welcome", agent.received().getFirst());
    assertEquals(clusterId(anna), agent.headers.getFirst().clusterId());
    assertEquals(1, agent.headers.getFirst().epoch());
    assertTrue(agent.headers.getFirst().revision() >= 2);
  }

  @Test
  void aHeartbeatIsAnsweredWithALeaseWhileTheEpochIsProved() {
    anna.leader();
    TestController.Agent agent = register(anna, "n1");
    agent.heartbeat(1);
    time.run();
    assertEquals(
        List.of(new ControllerMessage.HeartbeatReply(1, true)), List.copyOf(agent.received));
    agent.received.clear();
    anna.zooKeeper.lose(0);
    time.pass(LogClient.PROOF_AGE.plusSeconds(1));
    agent.heartbeat(2);
    time.run();
    assertEquals(
        List.of(new ControllerMessage.HeartbeatReply(2, false)), List.copyOf(agent.received));
    assertEquals(2, agent.taken);
  }

  @Test
  void aLeaderThatWakesWhenItsSuccessorIsAtWorkGrantsNoLeaseAndGetsNothingDone() {
    anna.leader();
    TestController.Agent agent = register(anna, "n1");
    anna.zooKeeper.hold();
    CompletableFuture<String> asked = anna.ask("nowhere");
    TestController bert = successor("bert");
    CompletableFuture<String> next = bert.ask("nowhere");
    time.pass(LogClient.PROOF_AGE.plusSeconds(1));
    assertTrue(next.isDone());
    agent.received();
    agent.heartbeat(9);
    time.run();
    assertEquals(
        List.of(new ControllerMessage.HeartbeatReply(9, false)), List.copyOf(agent.received));
    anna.zooKeeper.release();
    time.pass(SOON);
    assertEquals(Role.STANDBY, anna.port.leadership().role());
    assertEquals("bert:7401", assertNotNullLeader(anna.port.leadership()));
    assertEquals(Reason.OUTCOME_UNKNOWN, refusal(asked).reason());
    assertNotNull(agent.closed);
    assertEquals("NOT_LEADER", agent.closed.reason());
    assertEquals(bert.hash(), anna.hash());
  }

  @Test
  void anAgentIsRefusedByAStandby() {
    anna.leader();
    TestController bert = controller("bert").standby();
    TestController.Agent agent = bert.agent("n1");
    time.run();
    assertNotNull(agent.closed);
    assertEquals("NOT_LEADER", agent.closed.reason());
  }

  @Test
  void sessionsEndWithTheLeadership() {
    anna.leader();
    TestController.Agent agent = register(anna, "n1");
    assertNull(agent.closed);
    var _ = successor("bert");
    time.pass(LogClient.PROOF_AGE);
    assertNotNull(agent.closed);
    assertEquals("NOT_LEADER", agent.closed.reason());
  }

  @Test
  void aNodeThatIsNotHeardOfIsUnreachableAndOneThatIsHeardAgainIsBack() {
    anna.leader();
    TestController.Agent agent = register(anna, "n1");
    for (int i = 0; i < 10; i++) {
      agent.heartbeat(i);
      time.pass(LoopLimits.HEARTBEAT_INTERVAL);
    }
    assertEquals(NodeContact.UP, contact(anna, "n1"));
    time.pass(LoopLimits.HEARTBEAT_TIMEOUT.plusSeconds(1));
    assertEquals(NodeContact.UNREACHABLE, contact(anna, "n1"));
    agent.heartbeat(11);
    time.pass(SOON);
    assertEquals(NodeContact.UP, contact(anna, "n1"));
  }

  @Test
  void aNodeWhoseSessionEndedIsUnreachableAfterTheSameTime() {
    anna.leader();
    TestController.Agent agent = register(anna, "n1");
    assertNotNull(agent.session);
    agent.session.closed();
    time.pass(LoopLimits.HEARTBEAT_TIMEOUT.minusSeconds(2));
    assertEquals(NodeContact.UP, contact(anna, "n1"));
    time.pass(Duration.ofSeconds(4));
    assertEquals(NodeContact.UNREACHABLE, contact(anna, "n1"));
  }

  @Test
  void aNodeThatDoesNotComeToTheNextLeaderIsUnreachableToo() {
    anna.leader();
    register(anna, "n1");
    TestController bert = successor("bert");
    time.pass(LoopLimits.HEARTBEAT_TIMEOUT.minusSeconds(2));
    assertEquals(NodeContact.UP, contact(bert, "n1"));
    time.pass(Duration.ofSeconds(4));
    assertEquals(NodeContact.UNREACHABLE, contact(bert, "n1"));
  }

  @Test
  void whileZooKeeperIsAwayNobodyFallsSilent() {
    anna.leader();
    register(anna, "n1");
    anna.zooKeeper.hold();
    time.pass(Duration.ofMinutes(1));
    anna.zooKeeper.release();
    time.pass(SOON);
    assertEquals(NodeContact.UP, contact(anna, "n1"));
  }

  @Test
  void aMessageToANodeWithoutASessionIsNotSent() {
    anna.leader();
    TestController.Agent agent = register(anna, "n1");
    CompletableFuture<Boolean> sent =
        anna.port.send("uid-n1", new ControllerMessage.CloseLogs(7, true)).toCompletableFuture();
    CompletableFuture<Boolean> unsent =
        anna.port.send("uid-n2", new ControllerMessage.CloseLogs(7, true)).toCompletableFuture();
    time.run();
    assertTrue(sent.join());
    assertFalse(unsent.join());
    assertEquals(List.of("CloseLogs"), agent.received());
  }

  @Test
  void aNewSessionOfTheSameBootReplacesTheOldOne() {
    anna.leader();
    TestController.Agent first = register(anna, "n1");
    TestController.Agent second = anna.agent("n1");
    time.run();
    assertNotNull(first.closed);
    assertEquals("SESSION_REPLACED", first.closed.reason());
    assertNull(second.closed);
    second.heartbeat(1);
    time.run();
    assertTrue(second.received().contains("HeartbeatReply"));
  }

  // ---- the end

  @Test
  void aRecordThatCannotBeReadStopsTheProcess() {
    failureExpected = true;
    writeRecord("garbage".getBytes(StandardCharsets.UTF_8));
    anna.standby();
    assertEquals(1, anna.failures.size());
    assertTrue(anna.failures.getFirst().contains("not a record of the log"));
    assertFalse(anna.hints.begun());
  }

  @Test
  void aChangeOfANewerVersionStopsTheProcess() {
    failureExpected = true;
    // Field 1000 of Change, which nobody wrote yet.
    writeRecord(new byte[] {0x12, 0x04, (byte) 0xc2, 0x3e, 0x01, 0x00});
    anna.standby();
    assertEquals(1, anna.failures.size());
  }

  @Test
  void aControllerThatStopsWaitsForWhatItDecidedAndTakesNothingMore() {
    anna.leader();
    anna.zooKeeper.hold();
    CompletableFuture<String> before = anna.ask("nowhere");
    time.run();
    CompletableFuture<Boolean> stopped = anna.loop.stop().toCompletableFuture();
    CompletableFuture<String> after = anna.ask("nowhere");
    time.run();
    assertFalse(stopped.isDone());
    assertEquals(Reason.STOPPING, refusal(after).reason());
    anna.zooKeeper.release();
    time.run();
    assertEquals("NOT_FOUND at 2", before.join());
    assertTrue(stopped.join());
  }

  private TestController controller(String name) {
    return new TestController(name, server, time, members);
  }

  /** Leads in the place of anna, who should not any more. */
  private TestController successor(String name) {
    anna.hints.tell(false);
    return controller(name).leader();
  }

  private TestController.Agent register(TestController controller, String node) {
    return controller.register(node);
  }

  private NodeContact contact(TestController controller, String node) {
    return controller.contact(node);
  }

  private static String clusterId(TestController controller) {
    return controller.loop.state().cluster().clusterId();
  }

  private void writeRecord(byte[] record) {
    List<Boolean> written = new ArrayList<>();
    LogClient[] log = new LogClient[1];
    log[0] =
        new LogClient(
            server.connect(),
            TestController.LAYOUT,
            "scribe",
            time,
            time,
            () -> 1,
            new Scribe(
                () -> log[0].claim(),
                () -> {
                  var _ = log[0].append(record);
                  log[0].flush();
                },
                () -> written.add(true)));
    log[0].start();
    time.run();
    log[0].close();
    assertEquals(List.of(true), written);
  }

  private static String assertNotNullLeader(Leadership leadership) {
    assertNotNull(leadership.leader());
    return leadership.leader().grpcAddress();
  }

  private static UnavailableException refusal(CompletableFuture<?> future) {
    assertTrue(future.isDone());
    return assertInstanceOf(
        UnavailableException.class,
        assertThrows(CompletionException.class, future::join).getCause());
  }

  private interface Heard {
    void at(long revision, Instant now);
  }

  private static CommittedListener listener(Heard heard) {
    return new CommittedListener() {
      @Override
      public void committed(long revision, Instant now, List<Change> changes, StateView view) {
        heard.at(revision, now);
      }

      @Override
      public void rebuilt(long revision, StateView view) {}
    };
  }
}

package orch.controller.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.Code;
import io.grpc.stub.ServerCallStreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import orch.api.convert.LinkConvert;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.LinkHeader;
import orch.api.model.StageTimes;
import orch.api.model.StopOrder;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class AgentOutboxTest {
  private static final Uid JOB = new Uid(1, 1, 1);

  private final Stream stream = new Stream();
  private final List<String> overflows = new ArrayList<>();
  private final AgentOutbox outbox =
      new AgentOutbox(stream, Runnable::run, () -> overflows.add("full"), 10);
  private long revision;

  @Test
  void messageGoesOutAtOnceWhenTheAgentReads() {
    send(delta(1));
    assertEquals(List.of("1: attempts [1]"), stream.shown());
  }

  @Test
  void deltasThatWaitBecomeOneMessageOfTheNewestRevision() {
    stream.ready = false;
    send(delta(1, 2));
    send(delta(3));
    read();
    assertEquals(List.of("2: attempts [1, 2, 3]"), stream.shown());
  }

  @Test
  void onlyTheNewestWishForAnAttemptGoesOut() {
    stream.ready = false;
    send(delta(1));
    send(desired(false, List.of(attempt(1, new StopOrder(null, "cancelled")))));
    read();
    assertEquals(List.of("2: attempts [stop 1]"), stream.shown());
  }

  @Test
  void acksThatWaitBecomeOneMessage() {
    stream.ready = false;
    send(forget(1, 2));
    send(forget(3));
    read();
    assertEquals(List.of("2: forget [1, 2, 3]"), stream.shown());
  }

  @Test
  void orderOfKindsIsKept() {
    stream.ready = false;
    send(delta(1));
    send(forget(1));
    send(delta(2));
    read();
    assertEquals(List.of("1: attempts [1]", "2: forget [1]", "3: attempts [2]"), stream.shown());
  }

  @Test
  void fullSetIsNeverMerged() {
    stream.ready = false;
    send(desired(true, List.of(attempt(1, null))));
    send(desired(true, List.of(attempt(2, null))));
    send(delta(3));
    read();
    assertEquals(List.of("1: full [1]", "2: full [2]", "3: attempts [3]"), stream.shown());
  }

  @Test
  void repliesToHeartbeatsPassTheQueueAndTheNewestSuffices() {
    stream.ready = false;
    send(delta(1));
    send(new ControllerMessage.HeartbeatReply(1, false));
    send(new ControllerMessage.HeartbeatReply(2, false));
    read();
    assertEquals(List.of("3: heartbeat 2", "1: attempts [1]"), stream.shown());
  }

  @Test
  void leasePassesNothingThatWasSentBeforeIt() {
    stream.ready = false;
    send(delta(1));
    send(new ControllerMessage.HeartbeatReply(1, true));
    send(delta(2));
    read();
    assertEquals(List.of("1: attempts [1]", "2: heartbeat 1", "3: attempts [2]"), stream.shown());
  }

  @Test
  void fullOutboxClosesTheSessionAndForgetsWhatWaited() {
    stream.ready = false;
    send(delta(1, 2, 3, 4, 5, 6));
    assertEquals(List.of(), overflows);
    send(delta(7, 8, 9));
    assertEquals(List.of("full"), overflows);
    send(delta(10));
    read();
    assertEquals(List.of("error RESOURCE_EXHAUSTED"), stream.shown());
  }

  @Test
  void closedSessionSaysWhyEvenToAnAgentThatDoesNotRead() {
    stream.ready = false;
    send(delta(1));
    outbox.close(Errors.error(Code.ABORTED, "SESSION_REPLACED", "another one"));
    outbox.close(Errors.error(Code.INTERNAL, "TWICE", "again"));
    send(delta(2));
    assertEquals(List.of("error ABORTED"), stream.shown());
  }

  @Test
  void endedStreamIsWrittenToNoMore() {
    outbox.ended();
    send(delta(1));
    assertTrue(stream.shown().isEmpty());
  }

  private void send(ControllerMessage message) {
    outbox.send(new LinkHeader("c", 1, 1, ++revision), message);
  }

  private void read() {
    stream.ready = true;
    outbox.wake();
  }

  private static ControllerMessage delta(int... sequences) {
    return desired(
        false, Arrays.stream(sequences).mapToObj(sequence -> attempt(sequence, null)).toList());
  }

  private static ControllerMessage.Desired desired(boolean full, List<DesiredAttempt> attempts) {
    return new ControllerMessage.Desired(full, true, List.of(), attempts);
  }

  private static ControllerMessage forget(int... sequences) {
    return new ControllerMessage.Forget(
        Arrays.stream(sequences).mapToObj(AgentOutboxTest::uid).toList());
  }

  private static Uid uid(int sequence) {
    return new Uid(1, 1, sequence);
  }

  private static DesiredAttempt attempt(int sequence, @Nullable StopOrder stop) {
    return new DesiredAttempt(
        uid(sequence),
        JOB,
        1,
        0,
        1,
        "boot-1",
        stop,
        Duration.ZERO,
        new TreeMap<>(),
        1,
        "",
        "",
        0,
        StageTimes.NONE);
  }

  /** A stream that shows what is written to it. */
  private static final class Stream
      extends ServerCallStreamObserver<orch.agent.v1.ControllerMessage> {
    private final List<String> written = new ArrayList<>();
    private boolean ready = true;

    List<String> shown() {
      return written;
    }

    @Override
    public void onNext(orch.agent.v1.ControllerMessage message) {
      written.add(
          message.getRevision()
              + ": "
              + switch (LinkConvert.fromMessage(message).orElseThrow()) {
                case ControllerMessage.Desired desired ->
                    (desired.full() ? "full " : "attempts ")
                        + desired.attempts().stream()
                            .map(attempt ->
                                (attempt.stop() == null ? "" : "stop ") + attempt.uid().sequence())
                            .toList();
                case ControllerMessage.Forget forget ->
                    "forget " + forget.uids().stream().map(Uid::sequence).toList();
                case ControllerMessage.HeartbeatReply reply -> "heartbeat " + reply.sequence();
                default -> throw new AssertionError(message);
              });
    }

    @Override
    public void onError(Throwable failure) {
      written.add("error " + io.grpc.Status.fromThrowable(failure).getCode());
    }

    @Override
    public void onCompleted() {
      written.add("completed");
    }

    @Override
    public boolean isReady() {
      return ready;
    }

    @Override
    public boolean isCancelled() {
      return false;
    }

    @Override
    public void setOnCancelHandler(Runnable handler) {}

    @Override
    public void setOnReadyHandler(Runnable handler) {}

    @Override
    public void setCompression(String compression) {}

    @Override
    public void disableAutoInboundFlowControl() {}

    @Override
    public void request(int count) {}

    @Override
    public void setMessageCompression(boolean enable) {}
  }
}

package orch.ctl.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import orch.ctl.json.JsonObject;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class ConnectClientTest {
  private static final Caller CALLER = new Caller("ann", "secret", "00-a-b-01", "orchctl/test");

  private final List<String> notes = new ArrayList<>();

  private ConnectClient client(Address... addresses) {
    return client(5_000, addresses);
  }

  private ConnectClient client(int askAfterMillis, Address... addresses) {
    return new ConnectClient(
        List.of(addresses),
        CALLER,
        new ManualPause(),
        new ConnectClient.Listener() {
          @Override
          public void lost(String why) {
            notes.add("lost");
          }

          @Override
          public void restored(Address address) {
            notes.add("restored");
          }
        },
        askAfterMillis);
  }

  private static JsonObject named(String name) {
    return new JsonObject().put("name", name);
  }

  @Test
  void unaryCallPostsJsonAndReadsTheAnswer() throws Exception {
    try (FakeServer server =
            new FakeServer((request, answer) -> answer.json(200, "{\"number\":\"42\"}"));
        ConnectClient client = client(server.address())) {
      assertEquals(42, client.call("JobService/GetJob", named("x")).number("number"));
      FakeServer.Request request = server.requests().get(0);
      assertEquals("JobService/GetJob", request.method());
      assertEquals("x", request.message().text("name"));
      assertEquals("application/json", request.headers().get("content-type"));
      assertEquals("1", request.headers().get("connect-protocol-version"));
      assertEquals("ann", request.headers().get("orch-user"));
      assertEquals("Bearer secret", request.headers().get("authorization"));
      assertEquals("00-a-b-01", request.headers().get("traceparent"));
      assertEquals("127.0.0.1:" + server.address().port(), request.headers().get("host"));
    }
  }

  @Test
  void connectionIsKeptForCallsAndStreamsAlike() throws Exception {
    try (FakeServer server =
            new FakeServer((request, answer) -> {
              if (request.method().endsWith("StreamLogs")) {
                answer.message("{\"a\":1}");
                answer.message("{\"a\":2}");
                answer.end("{}");
              } else {
                answer.json(200, "{}");
              }
            });
        ConnectClient client = client(server.address())) {
      client.call("JobService/SubmitJob", named("x"));
      try (ConnectStream stream = client.stream("TaskService/StreamLogs", named("y"))) {
        assertEquals(1, next(stream).number("a"));
        assertEquals(2, next(stream).number("a"));
        assertNull(stream.next());
      }
      client.call("JobService/GetJob", named("z"));
      assertEquals(1, server.connections());
      assertEquals("y", server.requests().get(1).message().text("name"));
    }
  }

  @Test
  void bodiesComeByLengthByChunksOrUpToTheEndOfTheConnection() throws Exception {
    List<String> heads =
        List.of(
            "Content-Length: 7\r\n\r\n{\"a\":1}",
            "Transfer-Encoding: chunked\r\n\r\n3;x=y\r\n{\"a\r\n4\r\n\":1}\r\n0\r\nT: x\r\n\r\n",
            "Connection: close\r\n\r\n{\"a\":1}");
    for (String head : heads) {
      try (FakeServer server =
              new FakeServer((request, answer) -> {
                answer.raw("HTTP/1.1 100 Continue\r\n\r\n");
                answer.raw("HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\n");
                answer.raw(head);
                if (head.startsWith("Connection")) {
                  answer.cut();
                }
              });
          ConnectClient client = client(server.address())) {
        assertEquals(1, client.call("X/Y", named("x")).number("a"), head);
        assertEquals(1, client.call("X/Y", named("x")).number("a"), head);
      }
    }
  }

  /** Answers nothing, as a process that was stopped: the kernel takes what it is sent. */
  private static void hang() {
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException over) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void anotherControllerIsAskedWhenOneHangs() throws Exception {
    try (FakeServer hung = new FakeServer((request, answer) -> hang());
        FakeServer other = new FakeServer((request, answer) -> answer.json(200, "{\"a\":1}"));
        ConnectClient client = client(100, hung.address(), other.address())) {
      assertEquals(1, client.call("JobService/GetJob", named("x")).number("a"));
      assertEquals(other.address(), client.address());
      assertEquals(1, hung.messages("JobService/GetJob").size());
    }
  }

  @Test
  void aStreamOfAControllerThatHangsBreaksAndTheNextIsOpenedAtAnother() throws Exception {
    try (FakeServer hung =
            new FakeServer((request, answer) -> {
              if (request.method().equals("JobService/WatchJobs")) {
                answer.message("{\"a\":1}");
              }
              hang();
            });
        FakeServer other =
            new FakeServer((request, answer) -> {
              answer.message("{\"a\":2}");
              answer.end("{\"error\":{\"code\":\"unavailable\"}}");
            });
        ConnectClient client = client(100, hung.address(), other.address())) {
      ConnectStream first = client.stream("JobService/WatchJobs", named("x"));
      assertEquals(1, next(first).number("a"));
      ConnectionLostException lost = assertThrows(ConnectionLostException.class, first::next);
      assertEquals(
          "lost the connection to the controller at "
              + hung.address()
              + ": it does not answer any more",
          lost.getMessage());
      ConnectStream second = client.stream("JobService/WatchJobs", named("x"));
      assertEquals(2, next(second).number("a"));
      assertThrows(ApiException.class, second::next);
      assertEquals(hung.address(), client.address(), "one that refuses is left too");
    }
  }

  @Test
  void aControllerThatIsSlowButAnswersOthersIsWaitedFor() throws Exception {
    CountDownLatch asked = new CountDownLatch(2);
    try (FakeServer slow =
            new FakeServer((request, answer) -> {
              if (request.method().equals("/healthz")) {
                asked.countDown();
                answer.raw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                return;
              }
              try {
                asked.await();
              } catch (InterruptedException over) {
                Thread.currentThread().interrupt();
              }
              answer.json(200, "{\"a\":1}");
            });
        ConnectClient client = client(100, slow.address())) {
      assertEquals(1, client.call("JobService/GetJob", named("x")).number("a"));
      assertEquals(1, slow.messages("JobService/GetJob").size());
    }
  }

  @Test
  void errorHasItsCodeReasonAndFieldsAtFault() throws Exception {
    // google.rpc.ErrorInfo{reason: "SPEC"}, google.rpc.BadRequest{field_violations: [{"count", "too
    // big"}]}
    String info = base64(new byte[] {0x0a, 4, 'S', 'P', 'E', 'C', 0x12, 1, 'x'});
    String bad =
        base64(
            new byte[] {
              0x0a, 16, 0x0a, 5, 'c', 'o', 'u', 'n', 't', 0x12, 7, 't', 'o', 'o', ' ', 'b', 'i', 'g'
            });
    String body =
        "{\"code\":\"invalid_argument\",\"message\":\"the spec is wrong\",\"details\":["
            + "{\"type\":\"google.rpc.ErrorInfo\",\"value\":\""
            + info
            + "\"},{\"type\":\"google.rpc.BadRequest\",\"value\":\""
            + bad
            + "\"},{\"type\":\"other\",\"value\":\"!!\"}]}";
    try (FakeServer server = new FakeServer((request, answer) -> answer.json(400, body));
        ConnectClient client = client(server.address())) {
      ApiException refused = assertThrows(ApiException.class, () -> client.call("X/Y", named("x")));
      assertEquals("invalid_argument", refused.code());
      assertEquals("the spec is wrong", refused.getMessage());
      assertEquals("SPEC", refused.reason());
      assertEquals(List.of(new ApiException.Violation("count", "too big")), refused.violations());
    }
  }

  @Test
  void streamEndsWithItsErrorAndIsLostWithoutAnEnd() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    try (FakeServer server =
            new FakeServer((request, answer) -> {
              if (calls.getAndIncrement() == 0) {
                answer.message("{}");
                answer.end("{\"error\":{\"code\":\"aborted\",\"message\":\"too old\"}}");
              } else {
                answer.message("{}");
                answer.cut();
              }
            });
        ConnectClient client = client(server.address())) {
      try (ConnectStream stream = client.stream("X/Y", named("x"))) {
        next(stream);
        assertEquals("aborted", assertThrows(ApiException.class, stream::next).code());
      }
      try (ConnectStream stream = client.stream("X/Y", named("x"))) {
        next(stream);
        assertThrows(ConnectionLostException.class, stream::next);
      }
    }
  }

  @Test
  void streamThatIsRefusedAtOnceThrowsTheError() throws Exception {
    try (FakeServer server =
            new FakeServer((request, answer) ->
                answer.json(404, "{\"code\":\"not_found\",\"message\":\"no job\"}"));
        ConnectClient client = client(server.address())) {
      ApiException refused =
          assertThrows(ApiException.class, () -> client.stream("X/Y", named("x")));
      assertEquals("not_found", refused.code());
    }
  }

  @Test
  void nobodyListeningIsSaidAtOnceWithTheRemedy() throws Exception {
    int port;
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = taken.getLocalPort();
    }
    try (ConnectClient client = client(new Address(false, "localhost", port))) {
      UnreachableException failure =
          assertThrows(UnreachableException.class, () -> client.call("X/Y", named("x")));
      assertEquals(
          "cannot reach the controller at http://localhost:"
              + port
              + ": connection refused; start one with orch-dev or set ORCH_ADDRESS",
          failure.getMessage());
      assertTrue(notes.isEmpty());
    }
  }

  @Test
  void whatIsNoControllerIsSaidToBeNone() throws Exception {
    List<String> answers =
        List.of(
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi",
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi",
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\nhi",
            "SSH-2.0-OpenSSH_9.2\r\n");
    for (String raw : answers) {
      try (FakeServer server = new FakeServer((request, answer) -> answer.raw(raw));
          ConnectClient client = client(server.address())) {
        UnreachableException failure =
            assertThrows(UnreachableException.class, () -> client.call("X/Y", named("x")));
        assertTrue(
            String.valueOf(failure.getMessage()).contains("is no Orch controller"),
            failure.getMessage());
      }
    }
  }

  @Test
  void changeThatGotNoAnswerIsRepeatedWithTheSameRequestId() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    try (FakeServer server =
            new FakeServer((request, answer) -> {
              if (calls.getAndIncrement() < 3) {
                answer.cut();
              } else {
                answer.json(200, "{}");
              }
            });
        ConnectClient client = client(server.address())) {
      client.call("JobService/SubmitJob", named("x").put("requestId", "r1"));
      List<JsonObject> sent = server.messages("JobService/SubmitJob");
      assertEquals(4, sent.size());
      assertEquals("r1", sent.get(3).text("requestId"));
    }
  }

  @Test
  void changeWithoutAnyAnswerForMinutesHasAnUnknownOutcome() throws Exception {
    try (FakeServer server = new FakeServer((request, answer) -> answer.cut());
        ConnectClient client = client(server.address())) {
      ConnectionLostException failure =
          assertThrows(
              ConnectionLostException.class,
              () -> client.call("JobService/SubmitJob", named("x").put("requestId", "r1")));
      assertTrue(String.valueOf(failure.getMessage()).contains("unknown"), failure.getMessage());
      assertEquals(List.of("lost"), notes);
    }
  }

  @Test
  void controllerThatIsNotAvailableIsAskedAgainAndTheTroubleIsToldOnce() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    try (FakeServer server =
            new FakeServer((request, answer) -> {
              if (calls.getAndIncrement() < 8) {
                answer.json(503, "{\"code\":\"unavailable\",\"message\":\"no leader\"}");
              } else {
                answer.json(200, "{\"a\":1}");
              }
            });
        ConnectClient client = client(server.address())) {
      assertEquals(1, client.call("X/Y", named("x")).number("a"));
      assertEquals(List.of("lost", "restored"), notes);
    }
  }

  @Test
  void connectionThatWasClosedWhileIdleIsReplacedWithoutAWord() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    try (FakeServer server =
            new FakeServer((request, answer) -> {
              calls.incrementAndGet();
              answer.json(200, "{}");
              answer.cut();
            });
        ConnectClient client = client(server.address())) {
      client.callOnce("X/Y", named("x"));
      client.callOnce("X/Y", named("x"));
      assertEquals(2, calls.get());
      assertTrue(notes.isEmpty());
    }
  }

  @Test
  void callThatMustNotHappenTwiceIsNotRepeated() throws Exception {
    try (FakeServer server = new FakeServer((request, answer) -> answer.cut());
        ConnectClient client = client(server.address())) {
      assertThrows(
          ConnectionLostException.class,
          () -> client.callOnce("TaskService/SignalTask", named("x")));
      assertEquals(1, server.requests().size());
    }
  }

  @Test
  void tokenThatCouldForgeAHeaderIsRefused() {
    Caller forged = new Caller("ann", "x\r\nHost: evil", "", "orchctl/test");
    assertThrows(IllegalArgumentException.class, forged::headers);
    assertFalse(new Caller("ann", "", "", "a").headers().contains("Authorization"));
  }

  private static JsonObject next(ConnectStream stream) throws CallException {
    JsonObject message = stream.next();
    if (message == null) {
      throw new IllegalStateException("the stream ended");
    }
    return message;
  }

  private static String base64(byte[] bytes) throws IOException {
    return Base64.getEncoder().withoutPadding().encodeToString(bytes);
  }

  @Test
  void ofSeveralAddressesTheNextIsTriedWhenOneIsDown() throws Exception {
    try (FakeServer server = new FakeServer((request, answer) -> answer.json(200, "{\"n\":1}"));
        ConnectClient client = client(closedPort(), server.address())) {
      assertEquals(1, client.call("JobService/GetJob", named("x")).number("n"));
      assertEquals(server.address(), client.address());
      assertEquals(List.of(), notes);
    }
  }

  @Test
  void ofSeveralAddressesTheNextIsTriedWhenOneCannotAnswer() throws Exception {
    try (FakeServer cutOff =
            new FakeServer((request, answer) ->
                answer.json(503, "{\"code\":\"unavailable\",\"message\":\"no leader\"}"));
        FakeServer server = new FakeServer((request, answer) -> answer.json(200, "{\"n\":1}"));
        ConnectClient client = client(cutOff.address(), server.address())) {
      assertEquals(1, client.call("JobService/SubmitJob", named("x")).number("n"));
      assertEquals(1, client.call("JobService/SubmitJob", named("x")).number("n"));
      assertEquals(1, cutOff.requests().size());
      assertEquals(2, server.requests().size());
    }
  }

  @Test
  void whenNoneOfSeveralAnswersEachIsNamed() throws Exception {
    Address first = closedPort();
    Address second = closedPort();
    try (ConnectClient client = client(first, second)) {
      String message =
          assertThrows(
                  UnreachableException.class, () -> client.call("JobService/GetJob", named("x")))
              .getMessage();
      assertEquals(
          "cannot reach any controller: "
              + first
              + ": connection refused, "
              + second
              + ": connection refused; start one with orch-dev or set ORCH_ADDRESS",
          message);
    }
  }

  private static Address closedPort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return new Address(false, "127.0.0.1", socket.getLocalPort());
    }
  }
}

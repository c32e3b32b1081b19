package orch.controller.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import orch.v1.ExecRequest;
import orch.v1.ExecResponse;
import orch.v1.ExecStart;
import orch.v1.Result;
import orch.v1.TaskServiceGrpc;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Methods that take and give a stream, as WebSockets over a real server on loopback. */
@Timeout(60)
final class WebSocketTest {
  private static final String EXEC = "/orch.v1.TaskService/Exec";
  private static final BlockingQueue<String> SERVED = new LinkedBlockingQueue<>();
  private static HttpGateway gateway;
  private static HttpClient client;

  @BeforeAll
  static void start() throws IOException {
    gateway =
        new HttpGateway(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            List.of(new Echo().bindService()),
            new IdleController());
    gateway.start();
    client = HttpClient.newHttpClient();
  }

  @AfterAll
  static void stop() {
    client.close();
    gateway.close();
  }

  @BeforeEach
  void nothingWasServed() {
    SERVED.clear();
  }

  @Test
  void jsonIsAnsweredWithJsonAndTheEndIsSaid() throws Exception {
    Heard heard = new Heard();
    WebSocket socket = open(heard);
    socket.sendText("{\"start\": {\"name\": \"jobs/1/tasks/0\"}}", true).join();
    socket.sendText("{\"stdin\": \"aGVsbG8=\"}", true).join();
    assertEquals("text {\"stdout\":\"aGVsbG8=\"}", heard.next());
    socket.sendText("{\"stdinEof\": true}", true).join();
    assertTrue(heard.next().startsWith("text {\"result\":"));
    assertEquals("text {}", heard.next());
    assertEquals("closed 1000", heard.next());
  }

  @Test
  void protobufIsAnsweredWithProtobuf() throws Exception {
    Heard heard = new Heard();
    WebSocket socket = open(heard);
    send(socket, ExecRequest.newBuilder().setStart(ExecStart.newBuilder().setName("t")).build());
    ByteString input = ByteString.copyFromUtf8("hello");
    send(socket, ExecRequest.newBuilder().setStdin(input).build());
    ExecResponse expected = ExecResponse.newBuilder().setStdout(input).build();
    assertEquals("binary " + expected, heard.next());
    socket.abort();
  }

  @Test
  void refusalOfTheServiceIsTheLastText() throws Exception {
    Heard heard = new Heard();
    WebSocket socket = open(heard);
    socket.sendText("{\"start\": {\"name\": \"nowhere\"}}", true).join();
    assertEquals(
        "text {\"error\":{\"code\":\"not_found\",\"message\":\"no task nowhere\"}}", heard.next());
    assertEquals("closed 1000", heard.next());
  }

  @Test
  void textThatIsNoRequestIsRefused() throws Exception {
    Heard heard = new Heard();
    WebSocket socket = open(heard);
    socket.sendText("{\"start\": 5", true).join();
    String end = heard.next();
    assertTrue(end.startsWith("text {\"error\":{\"code\":\"invalid_argument\""), end);
    assertEquals("closed 1000", heard.next());
  }

  @Test
  void clientThatClosesOrderlyWantsNoMore() throws Exception {
    WebSocket socket = open(new Heard());
    socket.sendText("{\"start\": {\"name\": \"jobs/1/tasks/0\"}}", true).join();
    assertEquals("start", served());
    socket.sendClose(WebSocket.NORMAL_CLOSURE, "").join();
    assertEquals("half closed", served());
  }

  @Test
  void clientThatVanishesIsNotTakenForOneThatSaysGoodbye() throws Exception {
    WebSocket socket = open(new Heard());
    socket.sendText("{\"start\": {\"name\": \"jobs/1/tasks/0\"}}", true).join();
    assertEquals("start", served());
    socket.abort();
    assertEquals("cancelled", served());
  }

  @Test
  void webPageOfAnotherOriginGetsNoWebSocket() throws Exception {
    assertEquals("HTTP/1.1 403 Forbidden", handshake(EXEC, "Origin: http://evil.example"));
    String own = "Origin: http://127.0.0.1:" + gateway.port();
    assertEquals("HTTP/1.1 101 Switching Protocols", handshake(EXEC, own));
  }

  @Test
  void methodWithoutTwoStreamsHasNoWebSocket() throws Exception {
    assertEquals("HTTP/1.1 404 Not Found", handshake("/orch.v1.TaskService/GetTask", "X-A: b"));
  }

  private static WebSocket open(Heard heard) {
    URI address = URI.create("ws://127.0.0.1:" + gateway.port() + EXEC);
    return client.newWebSocketBuilder().buildAsync(address, heard).join();
  }

  private static void send(WebSocket socket, ExecRequest request) {
    socket.sendBinary(ByteBuffer.wrap(request.toByteArray()), true).join();
  }

  private static String served() throws InterruptedException {
    return String.valueOf(SERVED.poll(20, TimeUnit.SECONDS));
  }

  /** Status line of the answer to a handshake. */
  private static String handshake(String path, String header) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), gateway.port())) {
      String request =
          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
              + "%s\r\n\r\n";
      socket
          .getOutputStream()
          .write(
              request.formatted(path, gateway.port(), header).getBytes(StandardCharsets.US_ASCII));
      StringBuilder line = new StringBuilder();
      for (int c = socket.getInputStream().read(); c >= 0 && c != '\r'; ) {
        line.append((char) c);
        c = socket.getInputStream().read();
      }
      return line.toString();
    }
  }

  /** What the client hears, a line each. */
  private static final class Heard implements WebSocket.Listener {
    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();

    String next() throws InterruptedException {
      return String.valueOf(lines.poll(20, TimeUnit.SECONDS));
    }

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
      lines.add("text " + data);
      socket.request(1);
      return null;
    }

    @Override
    public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean last) {
      try {
        lines.add("binary " + ExecResponse.parseFrom(data));
      } catch (IOException broken) {
        lines.add("binary, not an answer: " + broken);
      }
      socket.request(1);
      return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
      lines.add("closed " + code);
      return null;
    }
  }

  /** Gives input back as output, and a result at the end of input. */
  private static final class Echo extends TaskServiceGrpc.TaskServiceImplBase {
    @Override
    public StreamObserver<ExecRequest> exec(StreamObserver<ExecResponse> answers) {
      return new StreamObserver<>() {
        @Override
        public void onNext(ExecRequest request) {
          switch (request.getKindCase()) {
            case START -> {
              SERVED.add("start");
              if (request.getStart().getName().equals("nowhere")) {
                answers.onError(
                    Status.NOT_FOUND.withDescription("no task nowhere").asRuntimeException());
              }
            }
            case STDIN ->
                answers.onNext(ExecResponse.newBuilder().setStdout(request.getStdin()).build());
            case STDIN_EOF -> {
              answers.onNext(
                  ExecResponse.newBuilder().setResult(Result.newBuilder().setExitCode(7)).build());
              answers.onCompleted();
            }
            default -> throw new IllegalStateException(request.toString());
          }
        }

        @Override
        public void onError(Throwable gone) {
          SERVED.add("cancelled");
        }

        @Override
        public void onCompleted() {
          SERVED.add("half closed");
        }
      };
    }
  }
}

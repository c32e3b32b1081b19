package orch.controller.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.ByteString;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import orch.controller.port.Role;
import orch.v1.BackupChunk;
import orch.v1.Cluster;
import orch.v1.ClusterServiceGrpc;
import orch.v1.CreateBackupRequest;
import orch.v1.GetClusterRequest;
import orch.v1.GetVersionRequest;
import orch.v1.ListEventsRequest;
import orch.v1.ListEventsResponse;
import orch.v1.ListTokensRequest;
import orch.v1.ListTokensResponse;
import orch.v1.RevokeTokenRequest;
import orch.v1.Version;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The Connect protocol over a real server on loopback, as clients without a library speak it. */
@Timeout(60)
final class HttpGatewayTest {
  private static final String SERVICE = "/orch.v1.ClusterService/";
  private static final IdleController CONTROLLER = new IdleController();
  private static final Service SERVED = new Service();
  private static HttpGateway gateway;
  private static HttpClient client;

  @BeforeAll
  static void start() throws IOException {
    gateway =
        new HttpGateway(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            List.of(ServerInterceptors.intercept(SERVED.bindService(), new Greeting())),
            CONTROLLER);
    gateway.start();
    client = HttpClient.newHttpClient();
  }

  @AfterAll
  static void stop() {
    client.close();
    gateway.close();
  }

  // ---- unary

  @Test
  void unaryCallAnswersWithCanonicalJson() throws Exception {
    HttpResponse<String> answer = post("GetCluster", "{}");
    assertEquals(200, answer.statusCode());
    assertEquals("application/json", header(answer, "content-type"));
    assertEquals(
        "{\"clusterId\":\"c-1\",\"incarnation\":2,\"revision\":\"9007199254740993\"}",
        answer.body());
  }

  @Test
  void emptyBodyIsAnEmptyRequest() throws Exception {
    assertEquals(200, post("GetCluster", "").statusCode());
  }

  @Test
  void requestFieldsTakeBothJsonAndProtoNames() throws Exception {
    assertEquals(
        "{\"nextPageToken\":\"7/x\"}",
        post("ListEvents", "{\"pageSize\":7,\"page_token\":\"x\"}").body());
  }

  @Test
  void unaryCallSpeaksProtobufToo() throws Exception {
    HttpRequest request =
        request("ListEvents", "application/proto")
            .POST(
                HttpRequest.BodyPublishers.ofByteArray(
                    ListEventsRequest.newBuilder().setPageSize(3).build().toByteArray()))
            .build();
    HttpResponse<byte[]> answer = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
    assertEquals("application/proto", header(answer, "content-type"));
    assertEquals("3/", ListEventsResponse.parseFrom(answer.body()).getNextPageToken());
  }

  @Test
  void interceptorsSeeHeadersAndTheirMetadataComesBack() throws Exception {
    HttpRequest request =
        request("GetCluster", "application/json")
            .header("orch-user", "alice")
            .POST(HttpRequest.BodyPublishers.ofString("{}"))
            .build();
    HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
    assertEquals("hello alice", header(answer, "greeting"));
    assertEquals("bye alice", header(answer, "trailer-farewell"));
  }

  @Test
  void connectionIsKeptForTheNextCall() throws Exception {
    try (Socket socket = connect()) {
      for (int call = 0; call < 3; call++) {
        String body = "{}";
        socket
            .getOutputStream()
            .write(
                ("POST "
                        + SERVICE
                        + "GetCluster HTTP/1.1\r\nHost: localhost\r\n"
                        + "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n"
                        + body)
                    .getBytes(StandardCharsets.US_ASCII));
        String answer = readHeadAndBody(socket.getInputStream());
        assertTrue(answer.startsWith("HTTP/1.1 200"), answer);
        assertTrue(answer.contains("c-1"), answer);
      }
    }
  }

  // ---- errors

  @Test
  void errorCarriesCodeMessageAndDetails() throws Exception {
    HttpResponse<String> answer = post("RevokeToken", "{\"name\":\"ci\"}");
    assertEquals(409, answer.statusCode());
    assertEquals("application/json", header(answer, "content-type"));
    JsonObject error = JsonParser.parseString(answer.body()).getAsJsonObject();
    assertEquals("aborted", error.get("code").getAsString());
    assertEquals("token 'ci' changed — read it again", error.get("message").getAsString());
    JsonObject detail = error.getAsJsonArray("details").get(0).getAsJsonObject();
    assertEquals("google.rpc.ErrorInfo", detail.get("type").getAsString());
    ErrorInfo info =
        ErrorInfo.parseFrom(Base64.getDecoder().decode(detail.get("value").getAsString()));
    assertEquals("TOKEN_CHANGED", info.getReason());
    assertEquals("TOKEN_CHANGED", detail.getAsJsonObject("debug").get("reason").getAsString());
  }

  @Test
  void everyCodeHasTheHttpStatusOfTheProtocol() {
    assertEquals(new ConnectCode("canceled", 499), ConnectCode.of(io.grpc.Status.Code.CANCELLED));
    assertEquals(
        new ConnectCode("failed_precondition", 400),
        ConnectCode.of(io.grpc.Status.Code.FAILED_PRECONDITION));
    assertEquals(
        new ConnectCode("resource_exhausted", 429),
        ConnectCode.of(io.grpc.Status.Code.RESOURCE_EXHAUSTED));
    for (io.grpc.Status.Code code : io.grpc.Status.Code.values()) {
      if (code != io.grpc.Status.Code.OK) {
        assertTrue(ConnectCode.of(code).httpStatus() >= 400, code.name());
      }
    }
  }

  @Test
  void unknownFieldIsRefusedWithTheNearestRightName() throws Exception {
    HttpResponse<String> answer = post("ListEvents", "{\"pageSzie\":7}");
    assertEquals(400, answer.statusCode());
    JsonObject error = JsonParser.parseString(answer.body()).getAsJsonObject();
    assertEquals("invalid_argument", error.get("code").getAsString());
    assertEquals(
        "orch.v1.ListEventsRequest has no field 'pageSzie'; did you mean 'pageSize'?",
        error.get("message").getAsString());
    assertTrue(answer.body().contains("\"field\":\"pageSzie\""), answer.body());
  }

  @Test
  void unknownFieldThatResemblesNoneIsRefusedWithTheKnownNames() throws Exception {
    String body = post("ListEvents", "{\"colour\":7}").body();
    assertTrue(body.contains("it knows pageSize, pageToken"), body);
  }

  @Test
  void malformedJsonAndWrongTypesAreInvalid() throws Exception {
    for (String bad : List.of("{", "[]", "{\"pageSize\":\"many\"}", "{\"pageSize\":1}}")) {
      HttpResponse<String> answer = post("ListEvents", bad);
      assertEquals(400, answer.statusCode(), bad);
      assertTrue(answer.body().contains("\"invalid_argument\""), answer.body());
    }
  }

  @Test
  void bytesThatAreNotUtf8AreInvalid() throws Exception {
    HttpRequest request =
        request("ListEvents", "application/json")
            .POST(HttpRequest.BodyPublishers.ofByteArray(new byte[] {'"', (byte) 0xff, '"'}))
            .build();
    HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
    assertEquals(400, answer.statusCode());
    assertTrue(answer.body().contains("UTF-8"), answer.body());
  }

  @Test
  void unknownMethodIsNotFoundWithTheNearestRightName() throws Exception {
    HttpResponse<String> answer = post("GetClutser", "{}");
    assertEquals(404, answer.statusCode());
    assertTrue(answer.body().contains("\"unimplemented\""), answer.body());
    assertTrue(
        answer.body().contains("did you mean 'orch.v1.ClusterService/GetCluster'?"), answer.body());
  }

  @Test
  void methodThatNobodyImplementsIsUnimplemented() throws Exception {
    HttpResponse<String> answer = post("ListMembers", "{}");
    assertEquals(501, answer.statusCode());
    assertTrue(answer.body().contains("\"unimplemented\""), answer.body());
  }

  @Test
  void wrongContentTypeIsRefusedWithTheRightOnes() throws Exception {
    for (String type : List.of("text/plain", "application/connect+json", "application/xml")) {
      HttpResponse<String> answer = post("GetCluster", type, "{}");
      assertEquals(415, answer.statusCode(), type);
      assertTrue(header(answer, "accept-post").contains("application/json"));
    }
    assertEquals(415, post("CreateBackup", "application/json", "{}").statusCode());
    assertEquals(200, post("GetCluster", "application/json; charset=utf-8", "{}").statusCode());
  }

  @Test
  void otherHttpMethodsAreRefused() throws Exception {
    HttpRequest request = request("GetCluster", "application/json").GET().build();
    HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
    assertEquals(405, answer.statusCode());
    assertEquals("POST", header(answer, "allow"));
  }

  @Test
  void largeRequestIsTakenAndTooLargeOneRefused() throws Exception {
    String padding = " ".repeat(ConnectHandler.MAX_REQUEST_BYTES - 2);
    assertEquals(200, post("GetCluster", "{" + padding + "}").statusCode());
    HttpResponse<String> answer = post("GetCluster", "{" + padding + " }");
    assertEquals(429, answer.statusCode());
    assertTrue(answer.body().contains("resource_exhausted"), answer.body());
    assertEquals(404, post("GetClutser", padding).statusCode());
    assertEquals(200, post("GetCluster", "{}").statusCode(), "the connection is still good");
  }

  @Test
  void otherProtocolVersionAndCompressionAreRefused() throws Exception {
    HttpRequest version =
        request("GetCluster", "application/json")
            .header("Connect-Protocol-Version", "2")
            .POST(HttpRequest.BodyPublishers.ofString("{}"))
            .build();
    assertEquals(400, client.send(version, HttpResponse.BodyHandlers.ofString()).statusCode());
    HttpRequest compressed =
        request("GetCluster", "application/json")
            .header("Content-Encoding", "gzip")
            .POST(HttpRequest.BodyPublishers.ofString("{}"))
            .build();
    assertEquals(501, client.send(compressed, HttpResponse.BodyHandlers.ofString()).statusCode());
  }

  @Test
  void callThatTakesTooLongEndsAtTheClientsDeadline() throws Exception {
    HttpRequest request =
        request("ListTokens", "application/json")
            .header("Connect-Timeout-Ms", "30")
            .POST(HttpRequest.BodyPublishers.ofString("{}"))
            .build();
    HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
    assertEquals(504, answer.statusCode());
    assertTrue(answer.body().contains("deadline_exceeded"), answer.body());
    assertTrue(SERVED.abandoned.take(), "the service is told that nobody waits");
  }

  @Test
  void failureOfTheServiceIsInternalAndTellsNothingMore() throws Exception {
    HttpResponse<String> answer = post("GetVersion", "{}");
    assertEquals(500, answer.statusCode());
    assertTrue(answer.body().contains("\"internal\""), answer.body());
    assertFalse(answer.body().contains("secret"), answer.body());
  }

  // ---- streams

  @Test
  void streamAnswersInEnvelopesAndEndsWithOne() throws Exception {
    SERVED.backup =
        observer -> {
          observer.onNext(chunk("one"));
          observer.onNext(chunk("two"));
          observer.onCompleted();
        };
    HttpResponse<InputStream> answer = stream("{}");
    assertEquals(200, answer.statusCode());
    assertEquals("application/connect+json", header(answer, "content-type"));
    List<Envelope> envelopes = Envelope.all(answer.body());
    assertEquals(
        List.of(
            new Envelope(0, "{\"data\":\"b25l\"}"),
            new Envelope(0, "{\"data\":\"dHdv\"}"),
            new Envelope(2, "{\"metadata\":{\"farewell\":[\"bye null\"]}}")),
        envelopes);
  }

  @Test
  void streamCarriesItsErrorInTheLastEnvelope() throws Exception {
    SERVED.backup =
        observer -> {
          observer.onNext(chunk("one"));
          observer.onError(
              io.grpc.Status.ABORTED.withDescription("compacted").asRuntimeException());
        };
    List<Envelope> envelopes = Envelope.all(stream("{}").body());
    assertEquals(2, envelopes.size());
    assertEquals(2, envelopes.getLast().flags());
    JsonObject end = JsonParser.parseString(envelopes.getLast().text()).getAsJsonObject();
    assertEquals("aborted", end.getAsJsonObject("error").get("code").getAsString());
    assertEquals("compacted", end.getAsJsonObject("error").get("message").getAsString());
  }

  @Test
  void malformedEnvelopeIsRefusedInTheLastEnvelope() throws Exception {
    HttpRequest request =
        request("CreateBackup", "application/connect+json")
            .POST(HttpRequest.BodyPublishers.ofString("{}"))
            .build();
    HttpResponse<InputStream> answer =
        client.send(request, HttpResponse.BodyHandlers.ofInputStream());
    List<Envelope> envelopes = Envelope.all(answer.body());
    assertEquals(1, envelopes.size());
    assertTrue(envelopes.getFirst().text().contains("invalid_argument"));
  }

  @Test
  void streamArrivesAsItIsMade() throws Exception {
    CompletableFuture<ServerCallStreamObserver<BackupChunk>> opened = new CompletableFuture<>();
    SERVED.backup = opened::complete;
    // Until the first message nothing is sent, so the answer's head is awaited elsewhere.
    CompletableFuture<HttpResponse<InputStream>> answer =
        client.sendAsync(streamRequest("{}"), HttpResponse.BodyHandlers.ofInputStream());
    ServerCallStreamObserver<BackupChunk> observer = opened.get();
    observer.onNext(chunk("one"));
    DataInputStream in = new DataInputStream(answer.get().body());
    assertEquals(new Envelope(0, "{\"data\":\"b25l\"}"), Envelope.read(in));
    observer.onNext(chunk("two"));
    assertEquals(new Envelope(0, "{\"data\":\"dHdv\"}"), Envelope.read(in));
    observer.onCompleted();
    assertEquals(2, Envelope.read(in).flags());
  }

  @Test
  void clientThatHangsUpCancelsASilentStream() throws Exception {
    CompletableFuture<Void> cancelled = new CompletableFuture<>();
    CompletableFuture<Context> context = new CompletableFuture<>();
    CompletableFuture<ServerCallStreamObserver<BackupChunk>> opened = new CompletableFuture<>();
    SERVED.backup =
        observer -> {
          observer.setOnCancelHandler(() -> cancelled.complete(null));
          context.complete(Context.current());
          opened.complete(observer);
        };
    try (Socket socket = connect()) {
      socket.getOutputStream().write(rawStreamRequest());
      opened.get().onNext(chunk("one"));
      assertTrue(socket.getInputStream().read() >= 0);
    }
    cancelled.get(10, TimeUnit.SECONDS);
    assertTrue(context.get().isCancelled());
  }

  @Test
  void slowClientIsNotBufferedFor() throws Exception {
    AtomicInteger sent = new AtomicInteger();
    CompletableFuture<Void> blocked = new CompletableFuture<>();
    ByteString block = ByteString.copyFrom(new byte[16 * 1024]);
    int messages = 4_000;
    SERVED.backup =
        observer -> {
          Runnable fill =
              () -> {
                while (observer.isReady() && sent.get() < messages) {
                  observer.onNext(BackupChunk.newBuilder().setData(block).build());
                  if (sent.incrementAndGet() == messages) {
                    observer.onCompleted();
                  }
                }
                blocked.complete(null);
              };
          observer.setOnReadyHandler(fill);
        };
    try (Socket socket = connect()) {
      socket.getOutputStream().write(rawStreamRequest());
      blocked.get();
      int before = sent.get();
      assertTrue(
          before < messages, "64 MiB were taken from the service for a client that reads nothing");
      InputStream in = socket.getInputStream();
      byte[] buffer = new byte[1 << 16];
      long received = 0;
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        received += read;
      }
      assertEquals(messages, sent.get());
      assertTrue(received > (long) messages * block.size(), "everything arrives once it reads");
    }
  }

  // ---- what a browser may be made to send

  @Test
  void hostsThatAreNotThisMachineAreRefused() throws Exception {
    assertTrue(raw("Host: evil.example:7400\r\n").startsWith("HTTP/1.1 403"));
    assertTrue(
        raw("Host: localhost\r\nOrigin: http://evil.example\r\n").startsWith("HTTP/1.1 403"));
    for (String host : List.of("localhost", "LOCALHOST:7400", "127.0.0.1:7400", "[::1]:7400")) {
      assertTrue(raw("Host: " + host + "\r\n").startsWith("HTTP/1.1 200"), host);
    }
    assertTrue(
        raw("Host: localhost:7400\r\nOrigin: http://localhost:7400\r\n")
            .startsWith("HTTP/1.1 200"));
  }

  // ---- pages for machines

  @Test
  void pagesSayHowTheControllerIs() throws Exception {
    assertEquals("ok\n", get("/healthz").body());
    assertEquals(200, get("/readyz").statusCode());
    assertTrue(get("/").body().contains("orchctl"));
    CONTROLLER.become(Role.STANDBY);
    try {
      HttpResponse<String> standby = get("/readyz");
      assertEquals(200, standby.statusCode());
      assertTrue(standby.body().contains("c1 at 127.0.0.1:7400"), standby.body());
      assertTrue(get("/metrics").body().contains("\norch_leader 0\n"));
    } finally {
      CONTROLLER.become(Role.LEADER);
    }
    post("GetCluster", "{}");
    String metrics = get("/metrics").body();
    assertTrue(metrics.contains("\norch_revision 17\n"), metrics);
    assertTrue(metrics.contains("orch_http_calls_total{code=\"ok\"} "), metrics);
  }

  // ---- vocabulary

  private static HttpRequest.Builder request(String method, String type) {
    return HttpRequest.newBuilder(
            URI.create("http://localhost:" + gateway.port() + SERVICE + method))
        .version(HttpClient.Version.HTTP_1_1)
        .header("Content-Type", type);
  }

  private static HttpResponse<String> post(String method, String body) throws Exception {
    return post(method, "application/json", body);
  }

  private static HttpResponse<String> post(String method, String type, String body)
      throws Exception {
    return client.send(
        request(method, type).POST(HttpRequest.BodyPublishers.ofString(body)).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private static HttpResponse<String> get(String path) throws Exception {
    return client.send(
        HttpRequest.newBuilder(URI.create("http://localhost:" + gateway.port() + path)).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private static HttpResponse<InputStream> stream(String json) throws Exception {
    return client.send(streamRequest(json), HttpResponse.BodyHandlers.ofInputStream());
  }

  private static HttpRequest streamRequest(String json) {
    return request("CreateBackup", "application/connect+json")
        .POST(HttpRequest.BodyPublishers.ofByteArray(enveloped(json)))
        .build();
  }

  private static byte[] rawStreamRequest() throws IOException {
    byte[] body = enveloped("{}");
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(
        ("POST "
                + SERVICE
                + "CreateBackup HTTP/1.1\r\nHost: localhost\r\n"
                + "Content-Type: application/connect+json\r\nContent-Length: "
                + body.length
                + "\r\n\r\n")
            .getBytes(StandardCharsets.US_ASCII));
    out.write(body);
    return out.toByteArray();
  }

  private static byte[] enveloped(String json) {
    byte[] text = json.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(5 + text.length).put((byte) 0).putInt(text.length).put(text).array();
  }

  private static String raw(String headers) throws IOException {
    try (Socket socket = connect()) {
      socket
          .getOutputStream()
          .write(
              ("GET /healthz HTTP/1.1\r\n" + headers + "\r\n").getBytes(StandardCharsets.US_ASCII));
      return readHeadAndBody(socket.getInputStream());
    }
  }

  private static String readHeadAndBody(InputStream in) throws IOException {
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int next = in.read();
      if (next < 0) {
        throw new IOException("the connection ended after: " + head);
      }
      head.append((char) next);
    }
    String lower = head.toString().toLowerCase(java.util.Locale.ROOT);
    int at = lower.indexOf("content-length: ") + "content-length: ".length();
    int length = Integer.parseInt(lower.substring(at, lower.indexOf('\r', at)));
    return head + new String(in.readNBytes(length), StandardCharsets.UTF_8);
  }

  private static Socket connect() throws IOException {
    return new Socket(InetAddress.getLoopbackAddress(), gateway.port());
  }

  private static String header(HttpResponse<?> answer, String name) {
    return answer.headers().firstValue(name).orElse("");
  }

  private static BackupChunk chunk(String text) {
    return BackupChunk.newBuilder().setData(ByteString.copyFromUtf8(text)).build();
  }

  private record Envelope(int flags, String text) {
    static List<Envelope> all(InputStream body) throws IOException {
      DataInputStream in = new DataInputStream(body);
      List<Envelope> envelopes = new ArrayList<>();
      Envelope next;
      do {
        next = read(in);
        envelopes.add(next);
      } while (next.flags() == 0);
      assertEquals(-1, in.read(), "nothing follows the last envelope");
      return envelopes;
    }

    static Envelope read(DataInputStream in) throws IOException {
      int flags = in.read();
      byte[] text = in.readNBytes(in.readInt());
      return new Envelope(flags, new String(text, StandardCharsets.UTF_8));
    }
  }

  private interface Backup {
    void open(ServerCallStreamObserver<BackupChunk> observer);
  }

  private static final class Service extends ClusterServiceGrpc.ClusterServiceImplBase {
    private final BlockingQueue<Boolean> abandoned = new LinkedBlockingQueue<>();
    private volatile Backup backup = StreamObserver::onCompleted;

    @Override
    public void getCluster(GetClusterRequest request, StreamObserver<Cluster> observer) {
      observer.onNext(
          Cluster.newBuilder()
              .setClusterId("c-1")
              .setIncarnation(2)
              .setRevision(9007199254740993L)
              .build());
      observer.onCompleted();
    }

    @Override
    public void getVersion(GetVersionRequest request, StreamObserver<Version> observer) {
      throw new IllegalStateException("a secret");
    }

    @Override
    public void listEvents(ListEventsRequest request, StreamObserver<ListEventsResponse> observer) {
      observer.onNext(
          ListEventsResponse.newBuilder()
              .setNextPageToken(request.getPageSize() + "/" + request.getPageToken())
              .build());
      observer.onCompleted();
    }

    /** Never answers. */
    @Override
    public void listTokens(ListTokensRequest request, StreamObserver<ListTokensResponse> observer) {
      ((ServerCallStreamObserver<ListTokensResponse>) observer)
          .setOnCancelHandler(() -> abandoned.add(true));
    }

    @Override
    public void revokeToken(
        RevokeTokenRequest request, StreamObserver<com.google.protobuf.Empty> observer) {
      observer.onError(
          StatusProto.toStatusRuntimeException(
              com.google.rpc.Status.newBuilder()
                  .setCode(Code.ABORTED_VALUE)
                  .setMessage("token '" + request.getName() + "' changed — read it again")
                  .addDetails(
                      com.google.protobuf.Any.pack(
                          ErrorInfo.newBuilder()
                              .setReason("TOKEN_CHANGED")
                              .setDomain("orch")
                              .build()))
                  .build()));
    }

    @Override
    public void createBackup(CreateBackupRequest request, StreamObserver<BackupChunk> observer) {
      backup.open((ServerCallStreamObserver<BackupChunk>) observer);
    }
  }

  /** Greets the user in the answer's metadata. */
  private static final class Greeting implements ServerInterceptor {
    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
      String user = headers.get(key("orch-user"));
      return next.startCall(
          new io.grpc.ForwardingServerCall.SimpleForwardingServerCall<>(call) {
            @Override
            public void sendHeaders(Metadata answer) {
              if (user != null) {
                answer.put(key("greeting"), "hello " + user);
              }
              super.sendHeaders(answer);
            }

            @Override
            public void close(io.grpc.Status status, Metadata trailers) {
              if (status.isOk()) {
                trailers.put(key("farewell"), "bye " + user);
              }
              super.close(status, trailers);
            }
          },
          headers);
    }

    private static Metadata.Key<String> key(String name) {
      return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
    }
  }
}

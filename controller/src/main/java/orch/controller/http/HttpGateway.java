package orch.controller.http;

import io.grpc.Metadata;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import orch.controller.port.ControllerPort;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.eclipse.jetty.util.thread.ScheduledExecutorScheduler;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP server: the given gRPC services by the Connect protocol ({@code application/json} and
 * {@code application/proto}, server streams in its envelope), {@code /healthz}, {@code /readyz},
 * {@code /metrics}. Every call runs on a virtual thread of its own.
 */
public final class HttpGateway implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(HttpGateway.class);
  private static final int MAX_HEADER_BYTES = 16 * 1024;

  /** Of a connection between requests, and of a write that makes no progress. */
  private static final long IDLE_MILLIS = 30_000;

  /** Jetty's own threads: accepting, selecting, and what it runs on neither. */
  private static final int MAX_THREADS = 16;

  private static final int MIN_THREADS = 4;

  /** Calls get so long to end when the server stops. */
  private static final long STOP_MILLIS = 1_000;

  private final Server server;
  private final ServerConnector connector;
  private final ScheduledExecutorService timer;

  /**
   * Does not listen yet.
   *
   * @param services as given to the gRPC server, with their interceptors
   */
  public HttpGateway(
      InetSocketAddress listen, List<ServerServiceDefinition> services, ControllerPort controller) {
    timer =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("http-deadlines").factory());
    QueuedThreadPool threads = new QueuedThreadPool(MAX_THREADS, MIN_THREADS);
    threads.setName("http");
    threads.setDaemon(true);
    threads.setVirtualThreadsExecutor(
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("http-", 0).factory()));
    server = new Server(threads, new ScheduledExecutorScheduler("http-timer", true), null);
    HttpConfiguration http = new HttpConfiguration();
    http.setSendServerVersion(false);
    http.setRequestHeaderSize(MAX_HEADER_BYTES);
    connector = new ServerConnector(server, 1, 1, new HttpConnectionFactory(http));
    connector.setHost(listen.getAddress().getHostAddress());
    connector.setPort(listen.getPort());
    connector.setIdleTimeout(IDLE_MILLIS);
    server.addConnector(connector);
    server.setStopTimeout(STOP_MILLIS);
    StatusPages pages = new StatusPages(controller);
    server.setHandler(
        new Root(
            listen.getAddress().isLoopbackAddress(),
            pages,
            new ConnectHandler(Procedure.of(services), timer, pages::count),
            new WebSocketGate(server, timer, pages::count)));
  }

  /** Listens; fails with a sentence when it cannot. */
  public void start() throws IOException {
    try {
      server.start();
    } catch (IOException failure) {
      close();
      throw new IOException(
          "cannot listen for HTTP on "
              + connector.getHost()
              + ":"
              + connector.getPort()
              + ": "
              + (failure.getCause() == null ? failure : failure.getCause()).getMessage()
              + "; choose another address with --listen",
          failure);
    } catch (Exception failure) {
      close();
      throw new IOException("the HTTP server did not start: " + failure.getMessage(), failure);
    }
  }

  /** The port that it listens on. */
  public int port() {
    return connector.getLocalPort();
  }

  /** Ends every call and connection. */
  @Override
  public void close() {
    try {
      server.stop();
    } catch (Exception failure) {
      LOG.warn("the HTTP server did not stop cleanly", failure);
    }
    timer.shutdownNow();
    try {
      if (!timer.awaitTermination(STOP_MILLIS, TimeUnit.MILLISECONDS)) {
        LOG.warn("a deadline of an HTTP call does not end");
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static final class Root extends Handler.Abstract {
    private final boolean loopback;
    private final StatusPages pages;
    private final ConnectHandler connect;
    private final WebSocketGate webSockets;

    Root(boolean loopback, StatusPages pages, ConnectHandler connect, WebSocketGate webSockets) {
      this.webSockets = webSockets;
      this.loopback = loopback;
      this.pages = pages;
      this.connect = connect;
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) {
      try {
        if (!answer(request, response, callback)) {
          callback.succeeded();
        }
      } catch (IOException clientGone) {
        callback.failed(clientGone);
      } catch (RuntimeException bug) {
        LOG.error("{} failed", request.getHttpURI(), bug);
        fail(response);
        callback.succeeded();
      }
      return true;
    }

    private static void fail(Response response) {
      if (response.isCommitted()) {
        return;
      }
      try {
        UnaryResponder.error(
            response,
            500,
            Status.INTERNAL.withDescription("the controller failed; its log says more"),
            new Metadata());
      } catch (IOException clientGone) {
        LOG.debug("the client did not wait for the error", clientGone);
      }
    }

    /** Answers whether the callback was, or will be, completed. */
    private boolean answer(Request request, Response response, Callback callback)
        throws IOException {
      // A stream may be silent for long; what stalls a write is cut off by the write itself.
      request.addIdleTimeoutListener(_ -> false);
      String refusal =
          loopback
              ? HostGuard.refusal(
                  Request.getServerName(request),
                  request.getHeaders().get(HttpHeader.HOST),
                  request.getHeaders().get(HttpHeader.ORIGIN))
              : null;
      if (refusal != null) {
        response.getHeaders().put(HttpHeader.CONNECTION, "close");
        UnaryResponder.error(
            response, 403, Status.PERMISSION_DENIED.withDescription(refusal), new Metadata());
        return false;
      }
      String path = Request.getPathInContext(request);
      if (WebSocketGate.wanted(request)) {
        return webSocket(path, request, response, callback);
      }
      StatusPages.@Nullable Text page =
          switch (path) {
            case "/" -> StatusPages.hint();
            case "/healthz" -> StatusPages.health();
            case "/readyz" -> pages.ready();
            case "/metrics" -> pages.metrics();
            default -> null;
          };
      if (page == null) {
        connect.handle(path, request, response);
      } else {
        text(response, page);
      }
      return false;
    }

    private boolean webSocket(String path, Request request, Response response, Callback callback)
        throws IOException {
      String origin = request.getHeaders().get(HttpHeader.ORIGIN);
      if (HostGuard.crossesOrigins(origin, request.getHeaders().get(HttpHeader.HOST))) {
        refuse(
            response,
            403,
            Status.PERMISSION_DENIED.withDescription(
                "WebSockets of web pages from " + origin + " are refused"));
        return false;
      }
      Procedure procedure = connect.conversation(path);
      if (procedure == null) {
        refuse(
            response,
            404,
            Status.UNIMPLEMENTED.withDescription("there is no WebSocket at " + path));
        return false;
      }
      if (webSockets.upgrade(procedure, request, response, callback)) {
        return true;
      }
      refuse(
          response,
          400,
          Status.INVALID_ARGUMENT.withDescription("this is no WebSocket handshake (RFC 6455)"));
      return false;
    }

    private static void refuse(Response response, int httpStatus, Status status)
        throws IOException {
      response.getHeaders().put(HttpHeader.CONNECTION, "close");
      UnaryResponder.error(response, httpStatus, status, new Metadata());
    }

    private static void text(Response response, StatusPages.Text page) throws IOException {
      byte[] body = page.text().getBytes(StandardCharsets.UTF_8);
      response.setStatus(page.status());
      response.getHeaders().put(HttpHeader.CONTENT_TYPE, "text/plain; charset=utf-8");
      response.getHeaders().put(HttpHeader.CONTENT_LENGTH, body.length);
      Content.Sink.write(response, true, ByteBuffer.wrap(body));
    }
  }
}

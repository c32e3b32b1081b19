package orch.controller.http;

import com.google.gson.JsonObject;
import com.google.protobuf.Message;
import io.grpc.Attributes;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.SynchronizationContext;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.eclipse.jetty.websocket.api.Callback;
import org.eclipse.jetty.websocket.api.Session;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One call of a service method over a WebSocket. A message is taken from the client when the
 * service asks for one; the service is told to wait while more than {@link #READY_BYTES} are
 * unwritten.
 */
final class WebSocketCall extends ServerCall<Message, Message> {
  private static final Logger LOG = LoggerFactory.getLogger(WebSocketCall.class);
  private static final int READY_BYTES = 64 * 1024;

  /** A service that writes on without asking whether it may is cut off here. */
  private static final int MAX_PENDING_BYTES = 16 * 1024 * 1024;

  /** So often a client that may have vanished is written to. */
  private static final long PING_SECONDS = 15;

  private static final int NORMAL = 1000;

  private final Procedure procedure;
  private final Attributes attributes;
  private final @Nullable String authority;
  private final Session session;
  private final Consumer<Status.Code> ended;
  private final Context.CancellableContext context = Context.ROOT.withCancellation();
  private final ScheduledFuture<?> pings;
  private final AtomicLong pendingBytes = new AtomicLong();

  /** Everything below happens in it. */
  private final SynchronizationContext turns =
      new SynchronizationContext((thread, bug) -> failed(bug));

  private ServerCall.@Nullable Listener<Message> listener;
  private MessageCodec codec = MessageCodec.JSON;
  private int requested;
  private boolean demanded;
  private boolean wasUnready;
  private volatile boolean closed;
  private volatile boolean cancelled;

  WebSocketCall(
      Procedure procedure,
      Attributes attributes,
      @Nullable String authority,
      Session session,
      ScheduledExecutorService timer,
      Consumer<Status.Code> ended) {
    this.procedure = procedure;
    this.attributes = attributes;
    this.authority = authority;
    this.session = session;
    this.ended = ended;
    this.pings =
        timer.scheduleAtFixedRate(this::ping, PING_SECONDS, PING_SECONDS, TimeUnit.SECONDS);
  }

  void start(Metadata metadata) {
    turns.execute(() ->
        context.run(
            () -> listener = procedure.handler().getServerCallHandler().startCall(this, metadata)));
  }

  private void ping() {
    if (session.isOpen()) {
      session.sendPing(
          ByteBuffer.allocate(0), Callback.from(() -> {}, failure -> clientGone(false)));
    }
  }

  // ---- from the client

  void received(MessageCodec form, ByteBuffer bytes) {
    turns.execute(() -> {
      demanded = false;
      requested--;
      codec = form;
      ServerCall.Listener<Message> to = listener;
      if (to == null || closed || cancelled) {
        return;
      }
      Message message;
      try {
        message = form.decode(bytes, procedure.request());
      } catch (StatusException malformed) {
        Metadata trailers = malformed.getTrailers();
        finish(malformed.getStatus(), trailers == null ? new Metadata() : trailers);
        cancel();
        return;
      }
      context.run(() -> to.onMessage(message));
      demand();
    });
  }

  /**
   * @param orderly it said so, and wants no more
   */
  void clientGone(boolean orderly) {
    turns.execute(() -> {
      if (orderly && listener != null && !closed && !cancelled) {
        ServerCall.Listener<Message> to = listener;
        context.run(to::onHalfClose);
      }
      if (!closed) {
        ended.accept(Status.Code.CANCELLED);
      }
      cancel();
    });
  }

  private void cancel() {
    pings.cancel(false);
    if (cancelled) {
      return;
    }
    cancelled = true;
    ServerCall.Listener<Message> to = listener;
    if (to != null) {
      if (closed) {
        context.run(to::onComplete);
      } else {
        context.run(to::onCancel);
      }
    }
    context.cancel(null);
  }

  private void failed(Throwable bug) {
    LOG.error("{} failed", getMethodDescriptor().getFullMethodName(), bug);
    Status status = Status.INTERNAL.withDescription("the controller failed; its log says more");
    finish(status, new Metadata());
    cancel();
  }

  private void demand() {
    if (requested > 0 && !demanded && !cancelled) {
      demanded = true;
      session.demand();
    }
  }

  private void ready() {
    ServerCall.Listener<Message> to = listener;
    if (wasUnready && isReady() && to != null && !closed && !cancelled) {
      wasUnready = false;
      context.run(to::onReady);
    }
  }

  // ---- from the service, any thread

  @Override
  public void request(int numMessages) {
    turns.execute(() -> {
      requested += numMessages;
      demand();
    });
  }

  @Override
  public void sendHeaders(Metadata headers) {
    // The handshake is over; services send none that a client must have.
  }

  @Override
  public void sendMessage(Message message) {
    if (closed || cancelled) {
      return;
    }
    byte[] bytes = codec.encode(message);
    if (pendingBytes.addAndGet(bytes.length) > MAX_PENDING_BYTES) {
      turns.execute(() -> {
        finish(
            Status.RESOURCE_EXHAUSTED.withDescription(
                "the client reads more slowly than the answer grows; ask again"),
            new Metadata());
        cancel();
      });
      return;
    }
    Callback written =
        Callback.from(
            () -> {
              pendingBytes.addAndGet(-bytes.length);
              turns.execute(this::ready);
            },
            failure -> clientGone(false));
    if (codec == MessageCodec.PROTO) {
      session.sendBinary(ByteBuffer.wrap(bytes), written);
    } else {
      session.sendText(new String(bytes, StandardCharsets.UTF_8), written);
    }
  }

  @Override
  public boolean isReady() {
    boolean ready = pendingBytes.get() < READY_BYTES && !closed && !cancelled;
    if (!ready) {
      turns.execute(() -> {
        wasUnready = true;
        ready();
      });
    }
    return ready;
  }

  @Override
  public void close(Status status, Metadata trailers) {
    turns.execute(() -> {
      finish(status, trailers);
      cancel();
    });
  }

  private void finish(Status status, Metadata trailers) {
    if (closed || cancelled) {
      return;
    }
    closed = true;
    ended.accept(status.getCode());
    JsonObject end = new JsonObject();
    if (!status.isOk()) {
      end.add("error", ConnectError.toJson(status, trailers));
    }
    session.sendText(end.toString(), Callback.NOOP);
    session.close(NORMAL, "", Callback.NOOP);
  }

  @Override
  public boolean isCancelled() {
    return cancelled && !closed;
  }

  @Override
  public Attributes getAttributes() {
    return attributes;
  }

  @Override
  public @Nullable String getAuthority() {
    return authority;
  }

  @Override
  public MethodDescriptor<Message, Message> getMethodDescriptor() {
    return procedure.handler().getMethodDescriptor();
  }
}

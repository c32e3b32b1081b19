package orch.controller.http;

import com.google.protobuf.Message;
import io.grpc.Attributes;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One call of a service method with one request, without a network between: the caller's thread
 * runs {@link #run}, which calls the service and writes whatever it answers. The service may answer
 * from any thread; it is told to wait ({@link #isReady}) while more than {@link #READY_BYTES} are
 * unwritten.
 */
final class ConnectCall extends ServerCall<Message, Message> {
  /** As gRPC's transports have it. */
  static final int READY_BYTES = 32 * 1024;

  /** A service that writes on without asking whether it may is cut off here. */
  static final int MAX_PENDING_BYTES = 16 * 1024 * 1024;

  private static final Logger LOG = LoggerFactory.getLogger(ConnectCall.class);

  private final Procedure procedure;
  private final Attributes attributes;
  private final @Nullable String authority;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  // Everything below is guarded by the lock.
  private @Nullable Metadata headers;
  private final List<Message> pending = new ArrayList<>();
  private long pendingBytes;
  private boolean tellReady = true;
  private int requested;
  private @Nullable Status closed;
  private Metadata trailers = new Metadata();
  private @Nullable Status cancelled;

  ConnectCall(Procedure procedure, Attributes attributes, @Nullable String authority) {
    this.procedure = procedure;
    this.attributes = attributes;
    this.authority = authority;
  }

  /**
   * Calls the service and writes its answer; returns when the call has ended.
   *
   * @param context cancelled when the call ends
   * @return how it ended
   */
  Status run(Context.CancellableContext context, Metadata request, Message message, Responder out) {
    Context previous = context.attach();
    try {
      return converse(context, request, message, out);
    } finally {
      context.detach(previous);
      context.cancel(null);
    }
  }

  /** Ends the call from outside: the client went away, or its time is over. Any thread. */
  void cancel(Status status) {
    lock.lock();
    try {
      if (closed == null && cancelled == null) {
        cancelled = status;
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  private Status converse(
      Context.CancellableContext context, Metadata request, Message message, Responder out) {
    ServerCall.Listener<Message> listener = null;
    try {
      listener = procedure.handler().getServerCallHandler().startCall(this, request);
      boolean delivered = false;
      while (true) {
        Step step = next(!delivered);
        if (step.headers != null) {
          out.headers(step.headers);
        }
        if (!step.messages.isEmpty()) {
          out.messages(step.messages);
        }
        if (step.cancelled != null) {
          context.cancel(step.cancelled.asRuntimeException());
          listener.onCancel();
          if (step.cancelled.getCode() != Status.Code.CANCELLED) {
            out.end(step.cancelled, new Metadata());
          }
          return step.cancelled;
        }
        if (step.closed != null) {
          out.end(step.closed, step.trailers);
          listener.onComplete();
          return step.closed;
        }
        if (step.ready) {
          listener.onReady();
        }
        if (step.deliver) {
          delivered = true;
          listener.onMessage(message);
          listener.onHalfClose();
        }
      }
    } catch (IOException clientGone) {
      return abandon(context, listener, Status.CANCELLED.withCause(clientGone));
    } catch (RuntimeException bug) {
      LOG.error("{} failed", getMethodDescriptor().getFullMethodName(), bug);
      Status status =
          Status.INTERNAL.withDescription(
              "the controller failed at "
                  + getMethodDescriptor().getFullMethodName()
                  + "; its log says more");
      abandon(context, listener, status);
      try {
        out.end(status, new Metadata());
      } catch (IOException clientGone) {
        LOG.debug("the client did not wait for the error", clientGone);
      }
      return status;
    }
  }

  private Status abandon(
      Context.CancellableContext context,
      ServerCall.@Nullable Listener<Message> listener,
      Status status) {
    cancel(status);
    context.cancel(status.asRuntimeException());
    if (listener != null) {
      listener.onCancel();
    }
    return status;
  }

  /** What is to be done now; waits for it. */
  private Step next(boolean mayDeliver) {
    lock.lock();
    try {
      while (true) {
        // Only when everything is written, so that a step has either.
        boolean ready = tellReady && pending.isEmpty() && closed == null;
        boolean deliver = mayDeliver && requested > 0;
        if (!pending.isEmpty()
            || headers != null
            || closed != null
            || cancelled != null
            || ready
            || deliver) {
          // Never the list itself: the service goes on adding to it while the step is written.
          Step step =
              new Step(headers, List.copyOf(pending), closed, trailers, cancelled, ready, deliver);
          headers = null;
          tellReady &= !ready;
          pending.clear();
          pendingBytes = 0;
          return step;
        }
        changed.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
  }

  private record Step(
      @Nullable Metadata headers,
      List<Message> messages,
      @Nullable Status closed,
      Metadata trailers,
      @Nullable Status cancelled,
      boolean ready,
      boolean deliver) {}

  // ---- what the service calls

  @Override
  public void request(int numMessages) {
    lock.lock();
    try {
      requested += numMessages;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void sendHeaders(Metadata responseHeaders) {
    lock.lock();
    try {
      headers = responseHeaders;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void sendMessage(Message message) {
    int bytes = message.getSerializedSize();
    lock.lock();
    try {
      if (closed != null || cancelled != null) {
        return;
      }
      if (pendingBytes + bytes > MAX_PENDING_BYTES && !pending.isEmpty()) {
        cancelled =
            Status.RESOURCE_EXHAUSTED.withDescription(
                "the client reads more slowly than the answer grows; ask again");
      } else {
        pending.add(message);
        pendingBytes += bytes;
        tellReady |= pendingBytes >= READY_BYTES;
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean isReady() {
    lock.lock();
    try {
      boolean ready = pendingBytes < READY_BYTES && closed == null && cancelled == null;
      tellReady |= !ready;
      return ready;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close(Status status, Metadata responseTrailers) {
    lock.lock();
    try {
      if (closed == null) {
        closed = status;
        trailers = responseTrailers;
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean isCancelled() {
    lock.lock();
    try {
      return cancelled != null;
    } finally {
      lock.unlock();
    }
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

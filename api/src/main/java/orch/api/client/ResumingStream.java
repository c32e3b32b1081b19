package orch.api.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A stream of answers that goes on over failures of controllers: where it broke it is opened again,
 * and what was delivered is not delivered again. For one thread, but {@link #close} may be called
 * by any.
 *
 * @param <R> the messages
 */
public final class ResumingStream<R> implements AutoCloseable {
  /** Where a stream stands. */
  interface Position<Q, R> {
    /** The request that goes on from here. */
    Q request();

    /** A message came; what of it is new, null: nothing. */
    @Nullable R received(R message);
  }

  private final Opener<R> opener;
  private final Duration patience;
  private final Context.CancellableContext context = Context.current().withCancellation();
  private @Nullable Iterator<R> open;
  private int failures;
  private long failingSinceNanos;

  private interface Opener<R> {
    Iterator<R> open();

    @Nullable R received(R message);
  }

  <Q> ResumingStream(
      Channel channel,
      CallOptions options,
      MethodDescriptor<Q, R> method,
      Position<Q, R> position,
      Duration patience) {
    this.patience = patience;
    this.opener =
        new Opener<>() {
          @Override
          public Iterator<R> open() {
            return ClientCalls.blockingServerStreamingCall(
                channel, method, options, position.request());
          }

          @Override
          public @Nullable R received(R message) {
            return position.received(message);
          }
        };
  }

  /**
   * Waits for the next message; null: the stream has ended, as its request says.
   *
   * @throws StatusRuntimeException if a controller refuses for good (of a watch: reason COMPACTED,
   *     when it was away for so long that changes are missing: begin a new one without a token), or
   *     none answered for the client's patience, or with CANCELLED after {@link #close}
   */
  public @Nullable R next() throws InterruptedException {
    while (true) {
      StatusRuntimeException failure;
      Context previous = context.attach();
      try {
        Iterator<R> stream = open;
        if (stream == null) {
          stream = opener.open();
          open = stream;
        }
        if (!stream.hasNext()) {
          return null;
        }
        R fresh = opener.received(stream.next());
        failures = 0;
        if (fresh != null) {
          return fresh;
        }
        continue;
      } catch (StatusRuntimeException e) {
        failure = e;
      } finally {
        context.detach(previous);
      }
      open = null;
      pause(failure);
    }
  }

  /** Waits before another attempt, or throws. */
  private void pause(StatusRuntimeException failure) throws InterruptedException {
    if (context.isCancelled()) {
      throw Status.CANCELLED.withDescription("the stream was closed").asRuntimeException();
    }
    Refusal refusal = Refusal.of(failure.getStatus(), failure.getTrailers());
    if (failures++ == 0) {
      failingSinceNanos = System.nanoTime();
    }
    if (!refusal.passes() || System.nanoTime() - failingSinceNanos >= patience.toNanos()) {
      throw failure;
    }
    TimeUnit.NANOSECONDS.sleep(Controllers.pause(failures).toNanos());
  }

  /** Ends the stream; whoever waits for it gets an error with CANCELLED. */
  @Override
  public void close() {
    context.cancel(null);
  }
}

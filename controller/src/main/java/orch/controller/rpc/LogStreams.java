package orch.controller.rpc;

import com.google.rpc.Code;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import orch.agent.v1.LogBatch;
import orch.agent.v1.LogCredit;
import orch.v1.StreamLogsRequest;
import orch.v1.StreamLogsResponse;

/** Brings the streams that nodes open together with the clients that wait for them. */
final class LogStreams {
  /** Clients that read output at a time. */
  static final int MAX_CLIENTS = 256;

  private final Requests requests;
  private final Watches watches;
  private final AtomicInteger clients = new AtomicInteger();

  /** Unique in this process; starts high, so that a restarted controller is never mistaken. */
  private final AtomicLong numbers = new AtomicLong(System.currentTimeMillis() << 16);

  private final Map<Long, LogMerge> awaited = new ConcurrentHashMap<>();

  private final long patienceNanos;

  /**
   * @param patience with a node whose output is all that is missing, and which does not answer
   */
  LogStreams(Requests requests, Watches watches, Duration patience) {
    this.requests = requests;
    this.watches = watches;
    this.patienceNanos = patience.toNanos();
  }

  long patienceNanos() {
    return patienceNanos;
  }

  /** StreamLogs; to be called by the service method itself. */
  void stream(
      StreamLogsRequest request, Caller caller, ServerCallStreamObserver<StreamLogsResponse> out) {
    LogMerge merge;
    try {
      merge = new LogMerge(this, requests, watches, LogMerge.Query.of(request), caller);
    } catch (RuntimeException failure) {
      out.onError(Errors.of(failure));
      return;
    }
    if (clients.incrementAndGet() > MAX_CLIENTS) {
      clients.decrementAndGet();
      out.onError(
          Errors.error(
              Code.RESOURCE_EXHAUSTED,
              "TOO_MANY_LOG_STREAMS",
              MAX_CLIENTS + " clients read output already; end some and try again"));
      return;
    }
    Outlet.start("logs", out, merge::write, clients::decrementAndGet);
  }

  /** A new number, under which {@code merge} waits for a node's stream. */
  long await(LogMerge merge) {
    long number = numbers.incrementAndGet();
    awaited.put(number, merge);
    return number;
  }

  void forget(long number) {
    awaited.remove(number);
  }

  /** ServeLogs. */
  StreamObserver<LogBatch> serve(ServerCallStreamObserver<LogCredit> credits) {
    Serving serving = new Serving(credits);
    credits.setOnCancelHandler(serving::ended);
    return serving;
  }

  private final class Serving implements StreamObserver<LogBatch> {
    private final ServerCallStreamObserver<LogCredit> credits;
    private volatile long number;

    Serving(ServerCallStreamObserver<LogCredit> credits) {
      this.credits = credits;
    }

    @Override
    public void onNext(LogBatch batch) {
      if (number == 0) {
        number = batch.getStream();
        LogMerge merge = awaited.get(number);
        if (merge == null || !merge.opened(number, credits)) {
          number = -1;
          credits.onError(
              Errors.error(
                  Code.CANCELLED, "STREAM_CLOSED", "nobody waits for this output any more"));
          return;
        }
      }
      LogMerge merge = awaited.get(number);
      if (merge != null) {
        merge.received(number, batch);
      }
    }

    @Override
    public void onError(Throwable failure) {
      ended();
    }

    @Override
    public void onCompleted() {
      LogMerge merge = awaited.get(number);
      if (merge != null) {
        merge.completed(number);
      }
      if (number != -1) {
        LogMerge.close(credits);
      }
    }

    void ended() {
      LogMerge merge = awaited.get(number);
      if (merge != null) {
        merge.broken(number);
      }
    }
  }
}

package orch.agent.rpc;

import io.grpc.Channel;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.List;
import orch.agent.logs.LogSink;
import orch.agent.v1.AgentServiceGrpc;
import orch.agent.v1.LogBatch;
import orch.agent.v1.LogCredit;
import orch.api.convert.LinkConvert;
import orch.api.model.LogRecord;
import org.jspecify.annotations.Nullable;

/** One ServeLogs stream: records go out as long as the controller grants credit. */
final class GrpcLogSink implements LogSink, ClientResponseObserver<LogBatch, LogCredit> {
  private @Nullable ClientCallStreamObserver<LogBatch> stream;

  /** Bytes of data that may be sent; guarded by this. */
  private long credit;

  /** Guarded by this. */
  private boolean ended;

  private GrpcLogSink() {}

  static LogSink open(Channel channel, long number) {
    GrpcLogSink sink = new GrpcLogSink();
    AgentServiceGrpc.newStub(channel).serveLogs(sink);
    sink.next(LogBatch.newBuilder().setStream(number).build());
    return sink;
  }

  /** For a stream whose controller is gone already. */
  static LogSink gone() {
    GrpcLogSink sink = new GrpcLogSink();
    sink.ended = true;
    return sink;
  }

  @Override
  public boolean send(List<LogRecord> records) throws InterruptedException {
    LogBatch.Builder batch = LogBatch.newBuilder();
    long bytes = 0;
    for (LogRecord record : records) {
      batch.addRecords(LinkConvert.toMessage(record));
      bytes += record.data().size();
    }
    synchronized (this) {
      // A batch may overdraw the credit once, so that one of any size goes through.
      while (credit <= 0 && !ended) {
        wait();
      }
      if (ended) {
        return false;
      }
      credit -= bytes;
      next(batch.build());
      return true;
    }
  }

  @Override
  public synchronized void notice(String sentence) {
    next(LogBatch.newBuilder().addNotices(sentence).build());
  }

  @Override
  public synchronized void complete() {
    ClientCallStreamObserver<LogBatch> open = stream;
    if (!ended && open != null) {
      ended = true;
      open.onCompleted();
    }
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<LogBatch> requests) {
    stream = requests;
  }

  @Override
  public synchronized void onNext(LogCredit more) {
    credit += more.getBytes();
    notifyAll();
  }

  @Override
  public synchronized void onError(Throwable problem) {
    ended = true;
    notifyAll();
  }

  @Override
  public synchronized void onCompleted() {
    ended = true;
    notifyAll();
  }

  private void next(LogBatch batch) {
    ClientCallStreamObserver<LogBatch> open = stream;
    if (!ended && open != null) {
      open.onNext(batch);
    }
  }
}

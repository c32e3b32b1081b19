package orch.api.client;

import com.google.protobuf.Any;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import io.grpc.Server;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import orch.v1.GetJobRequest;
import orch.v1.Job;
import orch.v1.JobServiceGrpc;
import orch.v1.SignalTaskRequest;
import orch.v1.SignalTaskResponse;
import orch.v1.StreamLogsRequest;
import orch.v1.StreamLogsResponse;
import orch.v1.SubmitJobRequest;
import orch.v1.SubmitJobResponse;
import orch.v1.TaskServiceGrpc;
import orch.v1.WatchJobsRequest;
import orch.v1.WatchJobsResponse;

/** A controller on a free loopback port that keeps what it is asked and answers by a script. */
final class ScriptedController implements AutoCloseable {
  /** One answer; the last of the script is given again and again. */
  @FunctionalInterface
  interface Turn<R> {
    void answer(StreamObserver<R> observer);
  }

  final List<Object> asked = new CopyOnWriteArrayList<>();
  private final ConcurrentLinkedQueue<Turn<Object>> script = new ConcurrentLinkedQueue<>();
  private final Server server;

  ScriptedController() throws IOException {
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(new Jobs())
            .addService(new Tasks())
            .build()
            .start();
  }

  String address() {
    return "127.0.0.1:" + server.getPort();
  }

  @SuppressWarnings("unchecked") // Whoever writes the script knows what will be asked.
  <R> ScriptedController then(Turn<R> turn) {
    script.add((Turn<Object>) turn);
    return this;
  }

  ScriptedController thenJob(String name) {
    return this.<Job>then(observer -> {
      observer.onNext(Job.newBuilder().setJobName(name).build());
      observer.onCompleted();
    });
  }

  ScriptedController thenError(Code code, String reason, Map<String, String> metadata) {
    return then(observer -> observer.onError(error(code, reason, metadata)));
  }

  static StatusRuntimeException error(Code code, String reason, Map<String, String> metadata) {
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(code.getNumber())
            .setMessage("said " + reason)
            .addDetails(
                Any.pack(
                    ErrorInfo.newBuilder()
                        .setReason(reason)
                        .setDomain("orch")
                        .putAllMetadata(metadata)
                        .build()))
            .build());
  }

  /** The n-th request. */
  <Q> Q asked(int index, Class<Q> type) {
    return type.cast(asked.get(index));
  }

  @SuppressWarnings("unchecked")
  private <R> void turn(Object request, StreamObserver<R> observer) {
    asked.add(request);
    Turn<Object> turn = script.size() > 1 ? script.remove() : script.element();
    turn.answer((StreamObserver<Object>) observer);
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  private final class Jobs extends JobServiceGrpc.JobServiceImplBase {
    @Override
    public void getJob(GetJobRequest request, StreamObserver<Job> observer) {
      turn(request, observer);
    }

    @Override
    public void submitJob(SubmitJobRequest request, StreamObserver<SubmitJobResponse> observer) {
      turn(request, observer);
    }

    @Override
    public void watchJobs(WatchJobsRequest request, StreamObserver<WatchJobsResponse> observer) {
      turn(request, observer);
    }
  }

  private final class Tasks extends TaskServiceGrpc.TaskServiceImplBase {
    @Override
    public void signalTask(SignalTaskRequest request, StreamObserver<SignalTaskResponse> observer) {
      turn(request, observer);
    }

    @Override
    public void streamLogs(StreamLogsRequest request, StreamObserver<StreamLogsResponse> observer) {
      turn(request, observer);
    }
  }
}

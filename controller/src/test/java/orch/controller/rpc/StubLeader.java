package orch.controller.rpc;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import orch.controller.port.Member;
import orch.v1.GetJobRequest;
import orch.v1.Job;
import orch.v1.JobServiceGrpc;
import org.jspecify.annotations.Nullable;

/** A leader that never answers, and keeps what it was asked. */
final class StubLeader implements AutoCloseable {
  final CountDownLatch cancelled = new CountDownLatch(1);
  private final BlockingQueue<Asked> asked = new LinkedBlockingQueue<>();
  private final Server server;

  /** A call as it arrived. */
  record Asked(Metadata headers, @Nullable Deadline deadline) {}

  StubLeader() throws IOException {
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(ServerInterceptors.intercept(new Silent(), new Keeping()))
            .build()
            .start();
  }

  Member member() {
    return new Member("stub", true, 9, 0, "", "127.0.0.1:" + server.getPort(), "test", 1);
  }

  Asked next() throws InterruptedException {
    return asked.take();
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  private final class Silent extends JobServiceGrpc.JobServiceImplBase {
    @Override
    public void getJob(GetJobRequest request, StreamObserver<Job> observer) {
      ((ServerCallStreamObserver<Job>) observer).setOnCancelHandler(cancelled::countDown);
    }
  }

  private final class Keeping implements ServerInterceptor {
    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
      asked.add(new Asked(headers, Context.current().getDeadline()));
      return Contexts.interceptCall(Context.current(), call, headers, next);
    }
  }
}

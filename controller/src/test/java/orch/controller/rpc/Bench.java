package orch.controller.rpc;

import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import orch.v1.ClusterServiceGrpc;
import orch.v1.Job;
import orch.v1.JobServiceGrpc;
import orch.v1.JobSpec;
import orch.v1.NodeServiceGrpc;
import orch.v1.ParseSpecResponse;
import orch.v1.SubmitJobRequest;
import orch.v1.TaskServiceGrpc;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.function.Executable;

/** The real services over the real core, a real server on loopback, and a caller. */
final class Bench implements AutoCloseable {
  final InMemoryController controller = new InMemoryController();
  final GrpcServer server;
  private final ManagedChannel channel;

  Bench() throws IOException {
    this(GrpcServer.Bounds.DEFAULT);
  }

  Bench(GrpcServer.Bounds bounds) throws IOException {
    server =
        new GrpcServer(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            controller,
            new ColonDialect(),
            "1.2.3",
            7,
            bounds);
    server.start();
    channel = newChannel();
  }

  /** One spec a line: its name, a colon, its command. */
  private static final class ColonDialect implements SpecDialect {
    @Override
    public ParseSpecResponse parse(String fileName, String text) {
      ParseSpecResponse.Builder response = ParseSpecResponse.newBuilder();
      text.lines()
          .map(line -> line.split(":", 2))
          .forEach(parts ->
              response.addSpecs(JobSpec.newBuilder().setName(parts[0]).addCommand(parts[1])));
      return response.build();
    }

    @Override
    public String format(JobSpec spec) {
      return spec.getName() + ":" + spec.getCommand(0);
    }
  }

  ManagedChannel newChannel() {
    return NettyChannelBuilder.forAddress("127.0.0.1", server.port()).usePlaintext().build();
  }

  /** Everything below by this user, with further headers. */
  Channel as(String user, Map<String, String> headers) {
    Metadata metadata = new Metadata();
    new TreeMap<>(headers).forEach((name, value) -> metadata.put(key(name), value));
    metadata.put(key("orch-user"), user);
    return ClientInterceptors.intercept(
        channel, MetadataUtils.newAttachHeadersInterceptor(metadata));
  }

  private static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }

  Channel channel() {
    return channel;
  }

  JobServiceGrpc.JobServiceBlockingStub jobs() {
    return JobServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
  }

  TaskServiceGrpc.TaskServiceBlockingStub tasks() {
    return TaskServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
  }

  NodeServiceGrpc.NodeServiceBlockingStub nodes() {
    return NodeServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
  }

  ClusterServiceGrpc.ClusterServiceBlockingStub cluster() {
    return ClusterServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
  }

  Job submit(String name, int count) {
    return submit(spec(name, count));
  }

  Job submit(JobSpec spec) {
    return jobs().submitJob(SubmitJobRequest.newBuilder().setSpec(spec).build()).getJob();
  }

  static JobSpec spec(String name, int count) {
    return JobSpec.newBuilder().setName(name).addCommand("/bin/true").setCount(count).build();
  }

  FakeAgent agent(String name) {
    return new FakeAgent(this, name);
  }

  /** The error that a call must end with. */
  static Refused refused(Executable call) {
    return new Refused(assertThrows(StatusRuntimeException.class, call));
  }

  /** An error as clients read it. */
  record Refused(StatusRuntimeException error) {
    io.grpc.Status.Code code() {
      return error.getStatus().getCode();
    }

    String message() {
      return String.valueOf(error.getStatus().getDescription());
    }

    String reason() {
      return info().getReason();
    }

    ErrorInfo info() {
      return Objects.requireNonNull(detail(ErrorInfo.class), "no ErrorInfo in " + error);
    }

    List<String> fields() {
      BadRequest request = detail(BadRequest.class);
      return request == null
          ? List.of()
          : request.getFieldViolationsList().stream()
              .map(BadRequest.FieldViolation::getField)
              .toList();
    }

    <M extends com.google.protobuf.Message> @Nullable M detail(Class<M> type) {
      com.google.rpc.Status status = Objects.requireNonNull(StatusProto.fromThrowable(error));
      try {
        for (Any detail : status.getDetailsList()) {
          if (detail.is(type)) {
            return detail.unpack(type);
          }
        }
      } catch (InvalidProtocolBufferException e) {
        throw new AssertionError(e);
      }
      return null;
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
    server.close();
    controller.close();
  }
}

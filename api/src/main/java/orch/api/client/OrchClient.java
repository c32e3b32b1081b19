package orch.api.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.time.Duration;
import java.util.List;
import orch.v1.ClusterServiceGrpc;
import orch.v1.JobServiceGrpc;
import orch.v1.NodeServiceGrpc;
import orch.v1.StreamLogsRequest;
import orch.v1.StreamLogsResponse;
import orch.v1.TaskServiceGrpc;
import orch.v1.WatchJobsRequest;
import orch.v1.WatchJobsResponse;
import orch.v1.WatchNodesRequest;
import orch.v1.WatchNodesResponse;
import orch.v1.WatchTasksRequest;
import orch.v1.WatchTasksResponse;

/**
 * A client of a cluster of controllers, over gRPC. Any controller that is given will do: one that
 * does not answer is followed by the next, one that says who leads by the leader.
 *
 * <pre>{@code
 * try (OrchClient orch = OrchClient.of("host1:7401", "host2:7401", "host3:7401")) {
 *   Job job = orch.jobs().submitJob(SubmitJobRequest.newBuilder().setSpec(spec).build()).getJob();
 *   try (var logs = orch.logs(StreamLogsRequest.newBuilder()
 *       .setName(job.getName()).setFollow(true).build())) {
 *     for (var part = logs.next(); part != null; part = logs.next()) { ... }
 *   }
 * }
 * }</pre>
 *
 * <p>A call that a controller could not answer is repeated, with a random pause that grows from 0.1
 * to 5 s, for five minutes at most or until its deadline. Changes are given a request id where they
 * have none, so that one that is asked for twice is made once. When the time is over and a change
 * may have been made, the error (UNAVAILABLE) says {@code outcome unknown}. All other errors come
 * as the controller gave them, with a stable reason in their {@code google.rpc.ErrorInfo}.
 *
 * <p>May be used by any thread. Its connections are in plain text: meant for the loopback interface
 * and for networks that are secured otherwise.
 */
public final class OrchClient implements AutoCloseable {
  /** How long a call is repeated; controllers keep request ids for longer. */
  public static final Duration PATIENCE = Duration.ofMinutes(5);

  private final Controllers controllers;
  private final Channel channel;

  private OrchClient(Controllers controllers, Channel channel) {
    this.controllers = controllers;
    this.channel = channel;
  }

  /**
   * A client of the controllers at these addresses, {@code host:port} of their gRPC listeners. It
   * connects at the first call.
   */
  public static OrchClient of(String... addresses) {
    return of(List.of(addresses), PATIENCE);
  }

  static OrchClient of(List<String> addresses, Duration patience) {
    if (addresses.isEmpty()) {
      throw new IllegalArgumentException("name at least one controller, as host:port");
    }
    Controllers controllers = new Controllers(addresses, patience);
    return new OrchClient(controllers, new RepeatingChannel(controllers));
  }

  /** The same client, which says that it acts for this user of the machine. */
  public OrchClient as(String user) {
    Metadata headers = new Metadata();
    headers.put(Metadata.Key.of("orch-user", Metadata.ASCII_STRING_MARSHALLER), user);
    return new OrchClient(
        controllers,
        ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers)));
  }

  /** For stubs of another kind than the ones below; calls on it are repeated as well. */
  public Channel channel() {
    return channel;
  }

  public JobServiceGrpc.JobServiceBlockingStub jobs() {
    return JobServiceGrpc.newBlockingStub(channel);
  }

  public TaskServiceGrpc.TaskServiceBlockingStub tasks() {
    return TaskServiceGrpc.newBlockingStub(channel);
  }

  public NodeServiceGrpc.NodeServiceBlockingStub nodes() {
    return NodeServiceGrpc.newBlockingStub(channel);
  }

  public ClusterServiceGrpc.ClusterServiceBlockingStub cluster() {
    return ClusterServiceGrpc.newBlockingStub(channel);
  }

  /** Watches jobs; goes on by its token when a controller fails. */
  public ResumingStream<WatchJobsResponse> watch(WatchJobsRequest request) {
    return new ResumingStream<>(
        channel,
        CallOptions.DEFAULT,
        JobServiceGrpc.getWatchJobsMethod(),
        new WatchPosition<>(
            request,
            (asked, token) -> asked.toBuilder().setResumeToken(token).build(),
            WatchJobsResponse::getResumeToken),
        controllers.patience());
  }

  /** Watches tasks; goes on by its token when a controller fails. */
  public ResumingStream<WatchTasksResponse> watch(WatchTasksRequest request) {
    return new ResumingStream<>(
        channel,
        CallOptions.DEFAULT,
        TaskServiceGrpc.getWatchTasksMethod(),
        new WatchPosition<>(
            request,
            (asked, token) -> asked.toBuilder().setResumeToken(token).build(),
            WatchTasksResponse::getResumeToken),
        controllers.patience());
  }

  /** Watches nodes; goes on by its token when a controller fails. */
  public ResumingStream<WatchNodesResponse> watch(WatchNodesRequest request) {
    return new ResumingStream<>(
        channel,
        CallOptions.DEFAULT,
        NodeServiceGrpc.getWatchNodesMethod(),
        new WatchPosition<>(
            request,
            (asked, token) -> asked.toBuilder().setResumeToken(token).build(),
            WatchNodesResponse::getResumeToken),
        controllers.patience());
  }

  /** The output of tasks, each byte once and in order, whatever becomes of the controllers. */
  public ResumingStream<StreamLogsResponse> logs(StreamLogsRequest request) {
    return new ResumingStream<>(
        channel,
        CallOptions.DEFAULT,
        TaskServiceGrpc.getStreamLogsMethod(),
        new LogPosition(request),
        controllers.patience());
  }

  /** Ends every call. */
  @Override
  public void close() {
    controllers.close();
  }
}

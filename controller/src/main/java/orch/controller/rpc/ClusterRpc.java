package orch.controller.rpc;

import com.google.protobuf.Empty;
import com.google.protobuf.Message;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import orch.controller.core.Input;
import orch.controller.port.Member;
import orch.v1.BackupChunk;
import orch.v1.Cluster;
import orch.v1.ClusterServiceGrpc;
import orch.v1.CreateBackupRequest;
import orch.v1.CreateTokenRequest;
import orch.v1.GetClusterRequest;
import orch.v1.GetVersionRequest;
import orch.v1.ListEventsRequest;
import orch.v1.ListEventsResponse;
import orch.v1.ListMembersRequest;
import orch.v1.ListMembersResponse;
import orch.v1.ListTokensRequest;
import orch.v1.ListTokensResponse;
import orch.v1.MemberRole;
import orch.v1.ReleaseBrakeRequest;
import orch.v1.RevokeTokenRequest;
import orch.v1.Token;
import orch.v1.Version;
import orch.v1.WatchEventsRequest;
import orch.v1.WatchEventsResponse;

/** ClusterService. */
final class ClusterRpc extends ClusterServiceGrpc.ClusterServiceImplBase {
  private static final String NO_TOKENS =
      "there is no authentication, and the listeners stay on loopback";

  private final Requests requests;
  private final Events events;
  private final String version;
  private final int maxFormatLevel;

  /**
   * @param version of this build
   * @param maxFormatLevel newest format of the log that it reads
   */
  ClusterRpc(Requests requests, Events events, String version, int maxFormatLevel) {
    this.requests = requests;
    this.events = events;
    this.version = version;
    this.maxFormatLevel = maxFormatLevel;
  }

  @Override
  public void getCluster(GetClusterRequest request, StreamObserver<Cluster> observer) {
    Requests.answer(
        observer,
        () -> requests.read((view, revision) -> Messages.cluster(view.cluster(), revision)));
  }

  @Override
  public void releaseBrake(ReleaseBrakeRequest request, StreamObserver<Cluster> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () -> {
          if (!request.getVerified()) {
            throw Errors.invalid(
                "verified",
                "must be true: what still runs on the silent hosts would be started a second time,"
                    + " so make sure that they are dead");
          }
          return requests.submit(
              new Input.ReleaseBrake(Requests.meta(request, request.getRequestId(), caller)),
              (answer, view, revision) -> Messages.cluster(view.cluster(), revision));
        });
  }

  @Override
  public void getVersion(GetVersionRequest request, StreamObserver<Version> observer) {
    observer.onNext(
        Version.newBuilder().setVersion(version).setMaxFormatLevel(maxFormatLevel).build());
    observer.onCompleted();
  }

  @Override
  public void listMembers(
      ListMembersRequest request, StreamObserver<ListMembersResponse> observer) {
    Requests.answer(
        observer,
        () -> {
          // A deposed leader may not have said yet that it is one no more.
          long leading = -1;
          for (Member member : requests.port().members()) {
            leading = member.leader() ? Math.max(leading, member.epoch()) : leading;
          }
          ListMembersResponse.Builder members = ListMembersResponse.newBuilder();
          for (Member member : requests.port().members()) {
            members.addMembers(
                orch.v1.Member.newBuilder()
                    .setName(member.name())
                    .setRole(
                        member.leader() && member.epoch() == leading
                            ? MemberRole.MEMBER_ROLE_LEADER
                            : MemberRole.MEMBER_ROLE_STANDBY)
                    .setEpoch(member.epoch())
                    .setAppliedRevision(member.appliedRevision())
                    .setHttpAddress(member.httpAddress())
                    .setGrpcAddress(member.grpcAddress())
                    .setVersion(member.version())
                    .setMaxFormatLevel(member.maxFormatLevel()));
          }
          return CompletableFuture.completedFuture(members.build());
        });
  }

  @Override
  public void listEvents(ListEventsRequest request, StreamObserver<ListEventsResponse> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () -> {
          Message listing = request.toBuilder().clearPageToken().clearPageSize().build();
          // Before the page: what comes meanwhile is rather told twice than not at all.
          String token = events.token();
          return events
              .list(
                  request.getFilter(),
                  listing,
                  request.getPageToken(),
                  request.getPageSize(),
                  caller)
              .thenApply(page ->
                  ListEventsResponse.newBuilder()
                      .addAllEvents(page.events())
                      .setNextPageToken(page.next())
                      .setCompacted(page.compacted())
                      .setResumeToken(token)
                      .build());
        });
  }

  @Override
  public void watchEvents(
      WatchEventsRequest request, StreamObserver<WatchEventsResponse> observer) {
    CompletionStage<Events.Wanted> wanted;
    try {
      wanted = events.wanted(request.getFilter(), Caller.current());
    } catch (RuntimeException failure) {
      observer.onError(Errors.of(failure));
      return;
    }
    events.stream(
        (ServerCallStreamObserver<WatchEventsResponse>) observer, request.getResumeToken(), wanted);
  }

  @Override
  public void createBackup(CreateBackupRequest request, StreamObserver<BackupChunk> observer) {
    BackupStream.start(requests.port(), (ServerCallStreamObserver<BackupChunk>) observer);
  }

  @Override
  public StreamObserver<BackupChunk> restoreBackup(StreamObserver<Cluster> observer) {
    return Unserved.refuseStream(
        observer,
        "ClusterService.RestoreBackup",
        "stop every controller, then orch-controller restore FILE into an empty data directory or"
            + " an empty ZooKeeper path");
  }

  @Override
  public void createToken(CreateTokenRequest request, StreamObserver<Token> observer) {
    Unserved.refuse(observer, "ClusterService.CreateToken", NO_TOKENS);
  }

  @Override
  public void listTokens(ListTokensRequest request, StreamObserver<ListTokensResponse> observer) {
    Unserved.refuse(observer, "ClusterService.ListTokens", NO_TOKENS);
  }

  @Override
  public void revokeToken(RevokeTokenRequest request, StreamObserver<Empty> observer) {
    Unserved.refuse(observer, "ClusterService.RevokeToken", NO_TOKENS);
  }
}

package orch.controller.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import orch.api.model.NodeState;
import orch.api.model.Uid;
import orch.controller.core.Input;
import orch.controller.core.NodeView;
import orch.v1.AdoptNodeRequest;
import orch.v1.AdoptNodeResponse;
import orch.v1.CordonNodeRequest;
import orch.v1.DeclareNodeGoneRequest;
import orch.v1.DrainNodeRequest;
import orch.v1.GetNodeRequest;
import orch.v1.ListNodesRequest;
import orch.v1.ListNodesResponse;
import orch.v1.Node;
import orch.v1.NodeServiceGrpc;
import orch.v1.ReplaceNodeRequest;
import orch.v1.ResolveHeldAttemptRequest;
import orch.v1.UncordonNodeRequest;
import orch.v1.UpdateNodeLabelsRequest;
import orch.v1.WatchNodesRequest;
import orch.v1.WatchNodesResponse;
import org.jspecify.annotations.Nullable;

/** NodeService. */
final class NodeRpc extends NodeServiceGrpc.NodeServiceImplBase {
  private static final Duration LONGEST_DEADLINE = Duration.ofDays(365);

  private final Requests requests;
  private final Watches watches;
  private final LastHeard heard;

  NodeRpc(Requests requests, Watches watches, LastHeard heard) {
    this.requests = requests;
    this.watches = watches;
    this.heard = heard;
  }

  @Override
  public void getNode(GetNodeRequest request, StreamObserver<Node> observer) {
    Requests.answer(
        observer,
        () -> {
          String name = Names.node("name", request.getName());
          return requests
              .read((view, revision) -> new Requests.Seen<>(view.nodeNamed(name), revision))
              .thenApply(seen ->
                  heard.stamped(
                      Messages.node(
                          seen.value().orElseThrow(() -> notFound(name)), seen.revision())));
        });
  }

  @Override
  public void listNodes(ListNodesRequest request, StreamObserver<ListNodesResponse> observer) {
    Requests.answer(
        observer,
        () -> {
          int size = Requests.pageSize(request.getPageSize());
          ListNodesRequest same = request.toBuilder().clearPageToken().clearPageSize().build();
          String after = Tokens.next(same, request.getPageToken());
          List<NodeState> states =
              request.getStatesList().stream()
                  .map(state -> Messages.state("states", state))
                  .toList();
          return requests
              .read((view, revision) -> new Requests.Seen<>(view.nodes(), revision))
              .thenApply(seen -> page(seen, same, states, after, size));
        });
  }

  private ListNodesResponse page(
      Requests.Seen<List<NodeView>> seen,
      ListNodesRequest request,
      List<NodeState> states,
      @Nullable String after,
      int size) {
    ListNodesResponse.Builder page = ListNodesResponse.newBuilder();
    for (NodeView node : seen.value()) {
      boolean wanted =
          (after == null || node.name().compareTo(after) > 0)
              && (states.isEmpty() || states.contains(node.state()))
              && hasLabels(node, request.getLabelsMap());
      if (wanted && page.getNodesCount() == size) {
        String last = page.getNodes(size - 1).getName();
        return page.setNextPageToken(Tokens.page(request, last.substring(last.indexOf('/') + 1)))
            .build();
      }
      if (wanted) {
        page.addNodes(heard.stamped(Messages.node(node, seen.revision())));
      }
    }
    return page.build();
  }

  private static boolean hasLabels(NodeView node, Map<String, String> labels) {
    for (Map.Entry<String, String> label : labels.entrySet()) {
      String value = node.labels().get(label.getKey());
      if (value == null || !(label.getValue().isEmpty() || value.equals(label.getValue()))) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void watchNodes(WatchNodesRequest request, StreamObserver<WatchNodesResponse> observer) {
    watches.stream(
        (ServerCallStreamObserver<WatchNodesResponse>) observer,
        request.getResumeToken(),
        new NodeWatch(requests));
  }

  @Override
  public void cordonNode(CordonNodeRequest request, StreamObserver<Node> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () ->
            change(
                request.getName(),
                name ->
                    new Input.CordonNode(
                        Requests.meta(request, request.getRequestId(), caller),
                        name,
                        request.getReason())));
  }

  @Override
  public void uncordonNode(UncordonNodeRequest request, StreamObserver<Node> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () ->
            change(
                request.getName(),
                name ->
                    new Input.UncordonNode(
                        Requests.meta(request, request.getRequestId(), caller), name)));
  }

  @Override
  public void drainNode(DrainNodeRequest request, StreamObserver<Node> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () -> {
          Duration deadline =
              request.hasDeadline()
                  ? Duration.ofSeconds(
                      request.getDeadline().getSeconds(), request.getDeadline().getNanos())
                  : null;
          if (deadline != null
              && (deadline.isNegative() || deadline.compareTo(LONGEST_DEADLINE) > 0)) {
            throw Errors.invalid("deadline", "must be 0 s to a year");
          }
          return change(
              request.getName(),
              name ->
                  new Input.DrainNode(
                      Requests.meta(request, request.getRequestId(), caller), name, deadline));
        });
  }

  @Override
  public void updateNodeLabels(UpdateNodeLabelsRequest request, StreamObserver<Node> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () ->
            change(
                request.getName(),
                name ->
                    new Input.UpdateNodeLabels(
                        Requests.meta(request, request.getRequestId(), caller),
                        name,
                        new TreeMap<>(request.getSetMap()),
                        request.getRemoveList())));
  }

  @Override
  public void declareNodeGone(DeclareNodeGoneRequest request, StreamObserver<Node> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () ->
            change(
                request.getName(),
                name ->
                    new Input.DeclareNodeGone(
                        Requests.meta(request, request.getRequestId(), caller),
                        name,
                        request.getVerified())));
  }

  @Override
  public void replaceNode(ReplaceNodeRequest request, StreamObserver<Node> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () ->
            change(
                request.getName(),
                name ->
                    new Input.ReplaceNode(
                        Requests.meta(request, request.getRequestId(), caller),
                        name,
                        request.getNewUid(),
                        request.getVerified())));
  }

  @Override
  public void adoptNode(AdoptNodeRequest request, StreamObserver<AdoptNodeResponse> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () -> {
          String name = Names.node("name", request.getName());
          return requests.submit(
              new Input.AdoptNode(Requests.meta(request, request.getRequestId(), caller), name),
              (answer, view, revision) -> AdoptNodeResponse.getDefaultInstance());
        });
  }

  @Override
  public void resolveHeldAttempt(ResolveHeldAttemptRequest request, StreamObserver<Node> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () -> {
          Uid uid;
          try {
            uid = Uid.parse(request.getAttemptUid());
          } catch (IllegalArgumentException e) {
            throw Errors.invalid("attempt_uid", String.valueOf(e.getMessage()));
          }
          return change(
              request.getName(),
              name ->
                  new Input.ResolveHeld(
                      Requests.meta(request, request.getRequestId(), caller),
                      name,
                      uid,
                      request.getStop()));
        });
  }

  private CompletionStage<Node> change(String named, Function<String, Input.Request> input) {
    String name = Names.node("name", named);
    return requests
        .submit(
            input.apply(name),
            (answer, view, revision) -> new Requests.Seen<>(view.nodeNamed(name), revision))
        .thenApply(seen ->
            heard.stamped(
                Messages.node(seen.value().orElseThrow(() -> notFound(name)), seen.revision())));
  }

  private static RuntimeException notFound(String name) {
    return Errors.notFound(
        "node",
        "nodes/" + name,
        "there is no node '" + name + "'; orchctl node list shows what there is");
  }
}

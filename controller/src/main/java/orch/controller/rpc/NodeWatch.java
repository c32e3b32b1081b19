package orch.controller.rpc;

import java.util.ArrayList;
import java.util.List;
import orch.controller.core.NodeView;
import orch.v1.WatchNodesResponse;
import org.jspecify.annotations.Nullable;

/** All nodes. */
final class NodeWatch implements Watches.Watch<WatchNodesResponse> {
  private final Requests requests;

  NodeWatch(Requests requests) {
    this.requests = requests;
  }

  @Override
  public void begin(boolean resumed, Watches.Sink<WatchNodesResponse> out)
      throws InterruptedException {
    if (!resumed) {
      show(
          Watches.get(
              requests.read((view, revision) -> new Requests.Seen<>(view.nodes(), revision))),
          out);
    }
  }

  @Override
  public void changed(Touches.Merged touched, Watches.Sink<WatchNodesResponse> out)
      throws InterruptedException {
    if (touched.nodes().isEmpty()) {
      return;
    }
    show(
        Watches.get(
            requests.read((view, revision) -> {
              List<NodeView> nodes = new ArrayList<>();
              for (int number : touched.nodes()) {
                view.nodeNumbered(number).ifPresent(nodes::add);
              }
              return new Requests.Seen<>(nodes, revision);
            })),
        out);
  }

  @Override
  public boolean ended() {
    return false;
  }

  @Override
  public WatchNodesResponse stamped(@Nullable WatchNodesResponse event, String token) {
    return (event == null ? WatchNodesResponse.newBuilder() : event.toBuilder())
        .setResumeToken(token)
        .build();
  }

  private static void show(
      Requests.Seen<List<NodeView>> nodes, Watches.Sink<WatchNodesResponse> out)
      throws InterruptedException {
    for (NodeView node : nodes.value()) {
      out.event(
          WatchNodesResponse.newBuilder().setNode(Messages.node(node, nodes.revision())).build());
    }
  }
}

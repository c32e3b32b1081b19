package orch.controller.runtime;

import java.util.List;
import orch.api.model.AttemptState;
import orch.controller.core.Change;
import orch.controller.core.FleetBrake;
import orch.controller.core.NodeContact;
import orch.controller.core.NodeView;
import orch.controller.core.RefusedNode;
import orch.controller.core.StateView;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says in the leader's log what becomes of the fleet. */
final class FleetLog {
  private static final Logger LOG = LoggerFactory.getLogger(FleetLog.class);

  private FleetLog() {}

  static void tell(List<Change> changes, StateView state) {
    for (Change change : changes) {
      if (change instanceof Change.NodeContactChanged(int node, NodeContact contact, String why)) {
        switch (contact) {
          case UP -> LOG.info("Node {} answers", name(node, state));
          case UNREACHABLE -> LOG.warn("Node {} is unreachable: {}", name(node, state), why);
          case GONE -> LOG.warn("Node {} is gone: {}", name(node, state), why);
        }
      } else if (change instanceof Change.FleetBrakeChanged(FleetBrake brake, String why)) {
        switch (brake) {
          case OFF -> LOG.info("Silent nodes may be given up again: {}", why);
          case ON -> LOG.warn("Nothing is given up as lost: {}", why);
          case RELEASED -> LOG.warn("Silent nodes may be given up, over half though: {}", why);
        }
      } else if (change instanceof Change.NodeRefused(RefusedNode node)) {
        LOG.warn(
            "An agent was refused ({}, uid {}): {}", node.reason(), node.uid(), node.message());
      } else if (change instanceof Change.NodeReplaced(int node, String uid, String why)) {
        LOG.warn("Node {} is gone, uid {} may have its name: {}", name(node, state), uid, why);
      } else if (change instanceof Change.NodeAdmitted admitted) {
        LOG.warn(
            "The node with uid {} of cluster {} may join", admitted.uid(), admitted.clusterId());
      } else if (change instanceof Change.AttemptsEnded ended) {
        for (Change.Ended each : ended.attempts()) {
          if (each.state() == AttemptState.LOST) {
            LOG.warn(
                "Attempt {} of job {} is lost: {}",
                each.attempt().uid(),
                each.attempt().jobNumber(),
                each.reason());
          }
        }
      }
    }
  }

  private static String name(int node, StateView state) {
    return state.nodeNumbered(node).map(NodeView::name).orElse("number " + node);
  }
}

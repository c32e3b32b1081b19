package orch.controller.core;

import java.util.Map;
import java.util.SortedMap;
import java.util.regex.Pattern;
import orch.api.model.AgentMessage;
import orch.api.model.NodeDescription;
import org.jspecify.annotations.Nullable;

/** Whether an agent may open a session. */
final class HelloRules {
  private static final int PROTOCOL = 1;
  private static final Pattern NAME =
      Pattern.compile("[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?");
  static final int MAX_ID_LENGTH = 128;

  /** It belongs to another cluster. */
  static final String FOREIGN = "FOREIGN_CLUSTER";

  /** Another node has its name. */
  static final String TAKEN = "NODE_NAME_TAKEN";

  /** Another agent with its uid lives. */
  static final String DOUBLED = "NODE_DOUBLED";

  /** Its data directory was made on another machine. */
  static final String CLONED = "NODE_CLONED";

  /** An operator gave its name to another machine. */
  static final String REPLACED = "NODE_REPLACED";

  private HelloRules() {}

  /**
   * It has obeyed a newer leader. A deposed leader cannot commit that it heard so: if it is told,
   * the log went back.
   */
  static final String NEWER = "NEWER_EPOCH";

  /** Whether an operator has to decide what becomes of a node that is refused so. */
  static boolean forOperators(Rejection why) {
    return switch (why.reason()) {
      case FOREIGN, TAKEN, DOUBLED, CLONED, REPLACED, NEWER -> true;
      default -> false;
    };
  }

  static @Nullable Rejection refusal(State state, AgentMessage.Hello hello, boolean doubled) {
    NodeDescription node = hello.node();
    Rejection wrong = malformed(hello);
    if (wrong != null) {
      return wrong;
    }
    boolean foreign = !hello.clusterId().isEmpty() && !hello.clusterId().equals(state.clusterId);
    if (foreign && !hello.clusterId().equals(state.admitted.get(node.uid()))) {
      return refused(
          FOREIGN,
          "node "
              + node.name()
              + " belongs to cluster "
              + Limits.cut(hello.clusterId(), MAX_ID_LENGTH)
              + ", this is "
              + state.clusterId
              + "; take it in with: orchctl node adopt "
              + node.name());
    }
    if (!foreign
        && !hello.clusterId().isEmpty()
        && (hello.incarnation() > state.incarnation
            || (hello.incarnation() == state.incarnation && hello.epoch() > state.epoch))) {
      return refused(
          NEWER,
          "node "
              + node.name()
              + " has obeyed a newer leader than this one: this one is deposed, or ZooKeeper's data"
              + " was put back to an older state; if so, take a backup and restore it with"
              + " orch-controller restore");
    }
    Rejection identity = identity(state, node, doubled);
    if (identity != null) {
      return identity;
    }
    Node sameUid = state.nodesByUid.get(node.uid());
    if (sameUid == null && state.nodes.size() >= Limits.MAX_NODES) {
      return new Rejection(
          RejectionCode.RESOURCE_EXHAUSTED,
          "TOO_MANY_NODES",
          "",
          "the cluster has " + Limits.MAX_NODES + " nodes, which is its limit");
    }
    return null;
  }

  private static @Nullable Rejection identity(State state, NodeDescription node, boolean doubled) {
    Node sameUid = state.nodesByUid.get(node.uid());
    if (sameUid != null && !sameUid.description.machineId().equals(node.machineId())) {
      return refused(
          CLONED,
          "the agent's data directory was made on another machine: node "
              + sameUid.name()
              + " has the same uid; give this agent a data directory of its own");
    }
    if (doubled) {
      return refused(
          DOUBLED,
          "another agent with the uid of node "
              + node.name()
              + " is connected: two hosts or two agents use copies of one data directory; stop one"
              + " and give it a data directory of its own (if this host was just rebooted it is let"
              + " in within seconds)");
    }
    if (sameUid != null && !sameUid.heir.isEmpty() && sameUid.name().equals(node.name())) {
      return refused(
          REPLACED,
          "node "
              + node.name()
              + " was replaced by another machine; start this agent under another name, then what"
              + " was started anew elsewhere is stopped on it");
    }
    Node sameName = state.nodesByName.get(node.name());
    boolean taken =
        sameName != null
            && sameName != sameUid
            && !(sameName.contact == NodeContact.GONE
                && sameName.live.size() == 0
                && (sameName.heir.isEmpty() || sameName.heir.equals(node.uid())));
    return taken
        ? refused(
            TAKEN,
            "another node is named "
                + node.name()
                + "; start the agent under another name, or if this machine takes the place of the"
                + " other: orchctl node replace "
                + node.name())
        : null;
  }

  private static @Nullable Rejection malformed(AgentMessage.Hello hello) {
    NodeDescription node = hello.node();
    if (hello.protocolVersion() != PROTOCOL) {
      return refused(
          "PROTOCOL_VERSION",
          "the agent speaks version "
              + hello.protocolVersion()
              + " of the protocol, this controller version "
              + PROTOCOL
              + "; upgrade the older one");
    }
    if (!NAME.matcher(node.name()).matches()) {
      return refused(
          "BAD_NODE_NAME",
          "'"
              + Limits.cut(node.name())
              + "' is no node name: at most 63 letters, digits, '.', '_' and '-'");
    }
    boolean tooLarge =
        node.uid().isEmpty()
            || node.uid().length() > MAX_ID_LENGTH
            || node.machineId().length() > MAX_ID_LENGTH
            || node.bootId().length() > MAX_ID_LENGTH
            || node.agentVersion().length() > MAX_ID_LENGTH
            || node.user().length() > MAX_ID_LENGTH
            || node.labels().size() > Limits.MAX_NODE_LABELS
            || node.attributes().size() > Limits.MAX_NODE_ATTRIBUTES
            || node.missingLimits().size() > Limits.MAX_NODE_LABELS
            || node.capacity().devices().size() > Limits.MAX_NODE_LABELS
            || longText(node.labels())
            || longText(node.attributes())
            || node.missingLimits().stream().anyMatch(text -> text.length() > MAX_ID_LENGTH)
            || node.capacity().devices().keySet().stream()
                .anyMatch(text -> text.length() > MAX_ID_LENGTH);
    return tooLarge
        ? refused(
            "BAD_NODE_DESCRIPTION",
            "node "
                + node.name()
                + " describes itself with no uid, or with more than "
                + Limits.MAX_NODE_ATTRIBUTES
                + " attributes or "
                + Limits.MAX_NODE_LABELS
                + " labels, or with too long ones")
        : null;
  }

  private static boolean longText(SortedMap<String, String> map) {
    for (Map.Entry<String, String> entry : map.entrySet()) {
      if (entry.getKey().length() > Limits.MAX_LABEL_LENGTH
          || entry.getValue().length() > Limits.MAX_ATTRIBUTE_LENGTH) {
        return true;
      }
    }
    return false;
  }

  private static Rejection refused(String reason, String message) {
    return new Rejection(RejectionCode.FAILED_PRECONDITION, reason, "", message);
  }
}

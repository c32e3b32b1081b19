package orch.controller.core;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Handles what operators ask of nodes. */
final class NodeRequests {
  private static final Pattern KEY =
      Pattern.compile("[A-Za-z0-9]([A-Za-z0-9_./-]{0,61}[A-Za-z0-9])?");
  private static final Pattern VALUE = Pattern.compile("[A-Za-z0-9_.:/@+~-]{0,63}");

  private final State state;
  private final NodeWork work;
  private final RefusedNodes refusals;

  NodeRequests(State state, NodeWork work, RefusedNodes refusals) {
    this.state = state;
    this.work = work;
    this.refusals = refusals;
  }

  Answer cordon(Draft draft, Input.CordonNode input) {
    return on(
        input.nodeName(),
        node -> {
          String reason = input.reason().isBlank() ? "cordoned" : input.reason().strip();
          move(draft, node, AvailabilityEvent.CORDON, null, Limits.cut(reason));
          return new Answer.Node(node.uid());
        });
  }

  Answer uncordon(Draft draft, Input.UncordonNode input) {
    return on(
        input.nodeName(),
        node -> {
          move(draft, node, AvailabilityEvent.UNCORDON, null, "");
          return new Answer.Node(node.uid());
        });
  }

  Answer drain(Draft draft, Input.DrainNode input) {
    return on(
        input.nodeName(),
        node -> {
          Duration deadline = input.deadline();
          // The log holds milliseconds: what is more would be known to this leader alone.
          move(
              draft,
              node,
              AvailabilityEvent.DRAIN,
              deadline == null ? null : deadline.truncatedTo(ChronoUnit.MILLIS),
              "drained");
          work.look(node);
          return new Answer.Node(node.uid());
        });
  }

  private static void move(
      Draft draft, Node node, AvailabilityEvent event, @Nullable Duration grace, String reason) {
    if (Tables.AVAILABILITY.moves(node.availability, event)) {
      NodeAvailability next = Tables.AVAILABILITY.move(node.availability, event, node.name());
      draft.emit(new Change.NodeAvailabilityChanged(node.number, next, grace, reason));
    }
  }

  Answer labels(Draft draft, Input.UpdateNodeLabels input) {
    return on(
        input.nodeName(),
        node -> {
          for (Map.Entry<String, String> label : input.set().entrySet()) {
            if (!KEY.matcher(label.getKey()).matches()
                || !VALUE.matcher(label.getValue()).matches()) {
              return Decider.rejected(
                  RejectionCode.INVALID_ARGUMENT,
                  "BAD_LABEL",
                  "set",
                  "'"
                      + Limits.cut(label.getKey() + "=" + label.getValue())
                      + "' is no label: key and value have at most 63 letters, digits and"
                      + " '_', '.', '-', '/' (in a value also ':', '@', '+', '~')");
            }
          }
          TreeMap<String, String> labels = new TreeMap<>(node.labels);
          labels.putAll(input.set());
          input.remove().forEach(labels::remove);
          if (labels.size() > Limits.MAX_NODE_LABELS) {
            return Decider.rejected(
                RejectionCode.INVALID_ARGUMENT,
                "TOO_MANY_LABELS",
                "set",
                "a node has at most " + Limits.MAX_NODE_LABELS + " labels of operators");
          }
          if (!labels.equals(node.labels)) {
            draft.emit(new Change.NodeLabelled(node.number, labels));
          }
          return new Answer.Node(node.uid());
        });
  }

  Answer gone(Draft draft, Input.DeclareNodeGone input) {
    if (!input.verified()) {
      return Decider.rejected(
          RejectionCode.INVALID_ARGUMENT,
          "NOT_VERIFIED",
          "verified",
          "a node is declared gone only by who has verified that its host is dead:"
              + " tasks that still run there would be started a second time");
    }
    return on(
        input.nodeName(),
        node -> {
          if (node.contact == NodeContact.UP) {
            return Decider.rejected(
                RejectionCode.FAILED_PRECONDITION,
                "NODE_ANSWERS",
                "name",
                "node " + node.name() + " answers, so it is not gone; drain it instead");
          }
          if (Tables.CONTACT.moves(node.contact, ContactEvent.DECLARED_GONE)) {
            draft.emit(
                new Change.NodeContactChanged(
                    node.number,
                    NodeContact.GONE,
                    Limits.cut("declared gone by " + input.meta().principal())));
            work.look(node);
          }
          return new Answer.Node(node.uid());
        });
  }

  Answer replace(Draft draft, Input.ReplaceNode input) {
    return on(
        input.nodeName(),
        node -> {
          RefusedNode heir = refusals.newest(node.name(), HelloRules.TAKEN);
          String uid = input.newUid().isEmpty() && heir != null ? heir.uid() : input.newUid();
          Rejection why = mayReplace(node, uid, input.verified());
          if (why != null) {
            return new Answer.Rejected(why);
          }
          draft.emit(
              new Change.NodeReplaced(
                  node.number,
                  uid,
                  Limits.cut("replaced by uid " + uid + ", said " + input.meta().principal())));
          work.look(node);
          return new Answer.Node(node.uid());
        });
  }

  private static @Nullable Rejection mayReplace(Node node, String newUid, boolean verified) {
    if (newUid.isEmpty()) {
      return new Rejection(
          RejectionCode.FAILED_PRECONDITION,
          "NO_SUCCESSOR",
          "new_uid",
          "no other machine has asked for the name "
              + node.name()
              + "; start its agent first, or give the uid that may have the name");
    }
    if (newUid.equals(node.uid()) || newUid.length() > HelloRules.MAX_ID_LENGTH) {
      return new Rejection(
          RejectionCode.INVALID_ARGUMENT,
          "BAD_UID",
          "new_uid",
          "this is no other node's uid; it stands in the agent's log and in orchctl cluster"
              + " status");
    }
    if (node.contact == NodeContact.UP) {
      return new Rejection(
          RejectionCode.FAILED_PRECONDITION,
          "NODE_ANSWERS",
          "name",
          "node " + node.name() + " answers, so it is not to be replaced; stop its agent first");
    }
    if (!verified && node.live.size() > 0) {
      return new Rejection(
          RejectionCode.FAILED_PRECONDITION,
          "NOT_VERIFIED",
          "verified",
          Sentences.count(node.live.size(), "attempt")
              + " may run on the old host still and would run twice; make sure that it is dead,"
              + " then say so");
    }
    return null;
  }

  Answer adopt(Draft draft, Input.AdoptNode input) {
    RefusedNode node = refusals.newest(input.nodeName(), HelloRules.FOREIGN);
    if (node == null) {
      return Decider.rejected(
          RejectionCode.NOT_FOUND,
          "NOTHING_TO_ADOPT",
          "name",
          "no node named '"
              + Limits.cut(input.nodeName())
              + "' of another cluster has asked to join; start its agent against this controller"
              + " first");
    }
    if (!node.clusterId().equals(state.admitted.get(node.uid()))) {
      draft.emit(
          new Change.NodeAdmitted(
              node.uid(),
              node.clusterId(),
              Math.max(state.incarnation, Math.addExact(node.incarnation(), 1))));
    }
    return new Answer.Done();
  }

  private Answer on(String name, Function<Node, Answer> action) {
    Node node = state.nodesByName.get(name);
    return node == null
        ? Decider.rejected(
            RejectionCode.NOT_FOUND,
            "NODE_NOT_FOUND",
            "name",
            "there is no node named '" + Limits.cut(name) + "'")
        : action.apply(node);
  }
}

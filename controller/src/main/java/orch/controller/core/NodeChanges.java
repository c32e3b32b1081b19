package orch.controller.core;

import orch.controller.scheduler.Demand;

/** Applies changes of nodes. */
final class NodeChanges {
  private final State state;

  NodeChanges(State state) {
    this.state = state;
  }

  void registered(Change.NodeRegistered of) {
    if (of.node() != state.nodes.size()) {
      throw new InvariantError("the next node is number " + state.nodes.size());
    }
    if (state.nodesByUid.containsKey(of.description().uid())) {
      throw new InvariantError("node uid " + of.description().uid() + " is registered");
    }
    Node node = new Node(of.node(), state.fleet.add(), of.description(), state.nowNanos);
    node.generation = state.freeze.generation();
    state.nodes.add(node);
    state.nodesByUid.put(node.uid(), node);
    takeName(node);
    describe(node);
  }

  void updated(Change.NodeUpdated of) {
    Node node = state.nodeOf(of.node());
    if (!node.uid().equals(of.description().uid())) {
      throw new InvariantError("node " + of.node() + " has the uid " + node.uid());
    }
    boolean rebooted = !node.description.bootId().equals(of.description().bootId());
    state.nodesByName.remove(node.name(), node);
    if (!node.name().equals(of.description().name())) {
      node.heir = "";
    }
    node.description = of.description();
    takeName(node);
    if (rebooted) {
      node.bootSequence = state.nextSequence;
      node.settled = node.live.size() == 0;
    }
    describe(node);
  }

  /** Another node may have had the name, and has it no more. */
  private void takeName(Node node) {
    Node other = state.nodesByName.get(node.name());
    if (other != null) {
      state.freeze.open(other);
    }
    state.nodesByName.put(node.name(), node);
  }

  void settled(Change.NodeSettled of) {
    state.nodeOf(of.node()).settled = true;
  }

  void contact(Change.NodeContactChanged of) {
    Node node = state.nodeOf(of.node());
    node.contact = of.contact();
    node.contactReason = of.reason();
    node.contactNanos = state.nowNanos;
    state.fleet.close(node.slot, node.closedFor());
  }

  void replaced(Change.NodeReplaced of) {
    Node node = state.nodeOf(of.node());
    node.contact = NodeContact.GONE;
    node.contactReason = of.reason();
    node.contactNanos = state.nowNanos;
    node.heir = of.newUid();
    state.fleet.close(node.slot, node.closedFor());
  }

  void refused(Change.NodeRefused of) {
    String key = of.node().key();
    if (!state.refused.containsKey(key) && state.refused.size() == Limits.MAX_REFUSED_NODES) {
      state.refused.pollFirstEntry();
    }
    state.refused.put(key, of.node());
  }

  void admitted(Change.NodeAdmitted of) {
    if (state.admitted.size() == Limits.MAX_ADMITTED_NODES) {
      state.admitted.pollFirstEntry();
    }
    state.admitted.put(of.uid(), of.clusterId());
    if (of.incarnation() > state.incarnation) {
      state.incarnation = of.incarnation();
      state.terms.add(new State.Term(state.incarnation, state.epoch));
    }
  }

  void availability(Change.NodeAvailabilityChanged of) {
    Node node = state.nodeOf(of.node());
    node.availability = of.availability();
    node.availabilityReason = of.reason();
    node.drainGrace = of.grace();
    state.fleet.close(node.slot, node.closedFor());
  }

  void labelled(Change.NodeLabelled of) {
    Node node = state.nodeOf(of.node());
    node.labels = of.labels();
    describe(node);
  }

  void describe(Node node) {
    state.fleet.describe(
        node.slot,
        node.name(),
        Demand.traits(node.name(), node.description.attributes(), node.allLabels()),
        node.description.capacity());
    state.fleet.close(node.slot, node.closedFor());
  }
}

package orch.controller.core;

import java.time.Duration;
import java.util.SortedMap;
import java.util.TreeMap;
import orch.api.model.NodeDescription;
import org.jspecify.annotations.Nullable;

/** A node without its attempts, as a checkpoint has it. */
final class NodePart {
  int number;
  @Nullable NodeDescription description;
  final SortedMap<String, String> labels = new TreeMap<>();
  NodeContact contact = NodeContact.UP;
  String contactReason = "";
  long contactNanos;
  NodeAvailability availability = NodeAvailability.READY;
  String availabilityReason = "";
  @Nullable Duration drainGrace;
  long registerNanos;
  long bootSequence;
  boolean settled;

  /** Whether its name is its own, and not taken over by another. */
  boolean named;

  String heir = "";

  static PartWriter encode(Node node, boolean named, PartCodec codec) {
    PartWriter to = new PartWriter();
    to.number(1, node.number);
    to.bytes(2, codec.description(node.description));
    node.labels.forEach((key, value) -> {
      PartWriter label = new PartWriter();
      label.text(1, key);
      label.text(2, value);
      to.part(3, label);
    });
    to.name(4, node.contact);
    to.text(5, node.contactReason);
    to.number(6, node.contactNanos);
    to.name(7, node.availability);
    to.text(8, node.availabilityReason);
    if (node.drainGrace != null) {
      to.present(9, node.drainGrace.toNanos());
    }
    to.number(10, node.registerNanos);
    to.number(11, node.bootSequence);
    to.flag(12, node.settled);
    to.flag(13, named);
    to.text(14, node.heir);
    return to;
  }

  static NodePart decode(PartReader from, PartCodec codec) {
    NodePart to = new NodePart();
    while (from.next()) {
      switch (from.field()) {
        case 1 -> to.number = from.integer();
        case 2 -> to.description = codec.description(from.bytes());
        case 3 -> to.label(from.part("a label"));
        case 4 -> to.contact = from.name(NodeContact.class);
        case 5 -> to.contactReason = from.text();
        case 6 -> to.contactNanos = from.number();
        case 7 -> to.availability = from.name(NodeAvailability.class);
        case 8 -> to.availabilityReason = from.text();
        case 9 -> to.drainGrace = Duration.ofNanos(from.number());
        case 10 -> to.registerNanos = from.number();
        case 11 -> to.bootSequence = from.number();
        case 12 -> to.settled = from.flag();
        case 13 -> to.named = from.flag();
        case 14 -> to.heir = from.text();
        default -> throw from.unknown();
      }
    }
    return to;
  }

  private void label(PartReader from) {
    String key = "";
    String value = "";
    while (from.next()) {
      switch (from.field()) {
        case 1 -> key = from.text();
        case 2 -> value = from.text();
        default -> throw from.unknown();
      }
    }
    labels.put(key, value);
  }

  /** Adds the node to the state, without its attempts. */
  void addTo(State state, PartReader from) {
    NodeDescription known = description;
    if (known == null || number != state.nodes.size()) {
      throw from.damaged("node " + number + " comes after " + state.nodes.size() + " others");
    }
    Node node = new Node(number, state.fleet.add(), known, registerNanos);
    node.labels = labels;
    node.contact = contact;
    node.contactReason = contactReason;
    node.contactNanos = contactNanos;
    node.availability = availability;
    node.availabilityReason = availabilityReason;
    node.drainGrace = drainGrace;
    node.bootSequence = bootSequence;
    node.settled = settled;
    node.heir = heir;
    state.nodes.add(node);
    state.nodesByUid.put(node.uid(), node);
    if (named) {
      state.nodesByName.put(node.name(), node);
    }
  }
}

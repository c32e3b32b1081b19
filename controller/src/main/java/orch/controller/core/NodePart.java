package orch.controller.core;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import orch.api.model.NodeDescription;
import orch.api.model.Uid;
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
  boolean reconciled = true;
  int foreignBelow;
  final List<HeldAttempt> held = new ArrayList<>(0);

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
    to.flag(15, !node.reconciled);
    for (HeldAttempt attempt : node.held.values()) {
      to.part(16, held(attempt));
    }
    to.number(17, node.foreignBelow);
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
        case 15 -> to.reconciled = !from.flag();
        case 16 -> to.held.add(held(from.part("a held attempt")));
        case 17 -> to.foreignBelow = from.integer();
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

  private static PartWriter held(HeldAttempt of) {
    PartWriter to = new PartWriter();
    to.part(1, Parts.uid(of.uid()));
    to.part(2, Parts.uid(of.jobUid()));
    to.number(3, of.jobNumber());
    to.number(4, of.index());
    to.number(5, of.attempt());
    to.number(6, of.startNanos());
    to.number(7, of.sinceNanos());
    to.flag(8, of.stopping());
    return to;
  }

  private static HeldAttempt held(PartReader from) {
    Uid uid = new Uid(1, 1, 1);
    Uid jobUid = uid;
    long[] numbers = new long[9];
    while (from.next()) {
      switch (from.field()) {
        case 1 -> uid = Parts.uid(from.part("a uid"));
        case 2 -> jobUid = Parts.uid(from.part("a uid"));
        case 3, 4, 5, 6, 7, 8 -> numbers[from.field()] = from.number();
        default -> throw from.unknown();
      }
    }
    return new HeldAttempt(
        uid,
        jobUid,
        numbers[3],
        (int) numbers[4],
        (int) numbers[5],
        numbers[6],
        numbers[7],
        numbers[8] != 0);
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
    node.reconciled = reconciled;
    node.foreignBelow = foreignBelow;
    held.forEach(attempt -> node.held.put(attempt.uid(), attempt));
    state.nodes.add(node);
    state.nodesByUid.put(node.uid(), node);
    if (named) {
      state.nodesByName.put(node.name(), node);
    }
  }
}

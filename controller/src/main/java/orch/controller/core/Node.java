package orch.controller.core;

import java.time.Duration;
import java.util.SortedMap;
import java.util.TreeMap;
import orch.api.model.AttemptState;
import orch.api.model.InventoryHash;
import orch.api.model.NodeDescription;
import orch.api.model.NodeState;
import orch.api.model.Uid;
import orch.controller.scheduler.NodeSlot;
import org.jspecify.annotations.Nullable;

/** A node in the state; only {@link State#apply} alters it. */
final class Node {
  final int number;
  final NodeSlot slot;
  final long registerNanos;
  final LiveAttempts live = new LiveAttempts();
  NodeDescription description;
  SortedMap<String, String> labels = new TreeMap<>();
  NodeContact contact = NodeContact.UP;
  String contactReason = "";
  long contactNanos;

  /** Uid that an operator gave its name to; empty: none. */
  String heir = "";

  NodeAvailability availability = NodeAvailability.READY;
  String availabilityReason = "";
  @Nullable Duration drainGrace;

  /** Attempts with a lower sequence were placed for an older boot. */
  long bootSequence;

  /** Whether what became of the attempts of older boots is known. */
  boolean settled = true;

  /** Whether it has said all that it runs since the state was restored from a backup. */
  boolean reconciled = true;

  /** It came from another cluster with attempts of incarnations below this one; 0: it did not. */
  int foreignBelow;

  /** What it runs and the state does not know. */
  final TreeMap<Uid, HeldAttempt> held = new TreeMap<>();

  /** Of its newest change; see {@link Freeze}. */
  int generation;

  Node(int number, NodeSlot slot, NodeDescription description, long nanos) {
    this.number = number;
    this.slot = slot;
    this.description = description;
    this.registerNanos = nanos;
    this.contactNanos = nanos;
  }

  /** Whether the attempt is of the cluster that the node came from, though its uid may be ours. */
  boolean isForeign(Uid attempt) {
    return attempt.incarnation() < foreignBelow;
  }

  String uid() {
    return description.uid();
  }

  String name() {
    return description.name();
  }

  NodeState state() {
    return switch (contact) {
      case GONE -> NodeState.GONE;
      case UNREACHABLE -> NodeState.UNREACHABLE;
      case UP ->
          switch (availability) {
            case READY -> NodeState.READY;
            case CORDONED -> NodeState.CORDONED;
            case DRAINING -> NodeState.DRAINING;
          };
    };
  }

  String reason() {
    return contact == NodeContact.UP ? availabilityReason : contactReason;
  }

  /** Why it takes nothing new, one word; empty: it does. */
  String closedFor() {
    return switch (state()) {
      case READY -> "";
      case CORDONED -> "cordoned";
      case DRAINING -> "draining";
      case UNREACHABLE -> "unreachable";
      case GONE -> "gone";
    };
  }

  /** The agent's labels, and the operators', which hide them. */
  SortedMap<String, String> allLabels() {
    TreeMap<String, String> all = new TreeMap<>(description.labels());
    all.putAll(labels);
    return all;
  }

  /** Whether an attempt was placed for the present boot. */
  boolean ofThisBoot(long sequence) {
    return sequence >= bootSequence;
  }

  InventoryHash inventory(State state) {
    InventoryHash hash = new InventoryHash();
    live.each((job, ordinal, _) -> {
      AttemptState attempt = job.tasks.attemptState(ordinal);
      if (attempt != null) {
        hash.add(state.uidOf(job, ordinal), attempt);
      }
      return true;
    });
    return hash;
  }

  void write(CanonicalWriter to) {
    to.number(number);
    to.record(description);
    to.textMap(labels);
    to.name(contact);
    to.text(contactReason);
    to.number(contactNanos);
    to.text(heir);
    to.name(availability);
    to.text(availabilityReason);
    to.text(drainGrace == null ? null : drainGrace.toString());
    to.number(registerNanos);
    to.number(bootSequence);
    to.flag(settled);
    if (!reconciled) {
      to.flag(false);
    }
    if (foreignBelow != 0) {
      to.number(foreignBelow);
    }
    held.values().forEach(to::record);
    to.number(slot.cpuMillis());
    to.number(slot.memoryBytes());
    to.number(slot.attempts());
    to.number(live.size());
    live.each((job, ordinal, sequence) -> {
      to.number(job.number);
      to.number(ordinal);
      to.number(sequence);
      return true;
    });
  }
}

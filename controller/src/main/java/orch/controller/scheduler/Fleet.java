package orch.controller.scheduler;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import orch.api.model.NodeCapacity;
import org.jspecify.annotations.Nullable;

/**
 * All nodes, and which of them may have got room since when: a class of tasks that fitted nowhere
 * at stamp S needs to look only at the nodes that changed after S. An index by free capacity for
 * large fleets can stand behind the same methods.
 */
public final class Fleet {
  private final List<NodeSlot> slots = new ArrayList<>();
  private long stamp;
  private long traitsStamp;
  private @Nullable NodeSlot newest;

  /** Adds the next node; numbers rise from 0. */
  public NodeSlot add() {
    NodeSlot slot = new NodeSlot(slots.size());
    slots.add(slot);
    return slot;
  }

  public NodeSlot slot(int number) {
    return slots.get(number);
  }

  public int size() {
    return slots.size();
  }

  /** Rises with every change that may make room anywhere. */
  public long stamp() {
    return stamp;
  }

  /** Rises with every change of labels, attributes or names. */
  long traitsStamp() {
    return traitsStamp;
  }

  /** Sets what the node is and offers. */
  public void describe(
      NodeSlot slot, String name, SortedMap<String, String> traits, NodeCapacity capacity) {
    slot.describe(name, traits, capacity);
    traitsStamp++;
    changed(slot);
  }

  /**
   * Opens or closes a node.
   *
   * @param why it takes nothing new, one word; empty: it does
   */
  public void close(NodeSlot slot, String why) {
    slot.close(why);
    changed(slot);
  }

  public void reserve(NodeSlot slot, Need need, List<Integer> ports) {
    slot.reserve(need, ports, 1);
  }

  public void release(NodeSlot slot, Need need, List<Integer> ports) {
    slot.reserve(need, ports, -1);
    changed(slot);
  }

  List<NodeSlot> slots() {
    return slots;
  }

  /** The nodes that changed after {@code since}; all of them for -1. */
  List<NodeSlot> changedSince(long since) {
    if (since < 0) {
      return slots;
    }
    List<NodeSlot> result = new ArrayList<>();
    for (NodeSlot slot = newest; slot != null && slot.changedAt > since; slot = slot.older) {
      result.add(slot);
    }
    return result;
  }

  private void changed(NodeSlot slot) {
    slot.changedAt = ++stamp;
    if (newest == slot) {
      return;
    }
    unlink(slot);
    slot.older = newest;
    if (newest != null) {
      newest.newer = slot;
    }
    newest = slot;
  }

  private static void unlink(NodeSlot slot) {
    NodeSlot newer = slot.newer;
    NodeSlot older = slot.older;
    if (newer != null) {
      newer.older = older;
    }
    if (older != null) {
      older.newer = newer;
    }
    slot.newer = null;
    slot.older = null;
  }
}

package orch.controller.scheduler;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Says why a task has no place: the first reason of each node, counted. */
public final class Refusals {
  private Refusals() {}

  /**
   * A reason.
   *
   * @param kind stable word: cordoned, draining, unreachable, gone, pool, constraint, attempts,
   *     cpu, memory, device, port, spread, license
   * @param detail what exactly, for people; empty: the kind says it
   * @param nodes how many nodes refuse for it; 0: it is no matter of nodes
   */
  public record Refusal(String kind, String detail, int nodes) {}

  /** The reasons, those of most nodes first; nodes that would take the task are left out. */
  public static List<Refusal> of(Fleet fleet, Ask ask) {
    List<Refusal> refusals = new ArrayList<>();
    for (String license : ask.demand().licenses()) {
      refusals.add(new Refusal("license", "this cluster has no license " + license, 0));
    }
    TreeMap<String, Refusal> byDetail = new TreeMap<>();
    for (NodeSlot slot : fleet.slots()) {
      Refusal one = first(slot, ask);
      if (one != null) {
        byDetail.merge(
            one.kind() + '\0' + one.detail(),
            one,
            (a, b) -> new Refusal(a.kind(), a.detail(), a.nodes() + b.nodes()));
      }
    }
    List<Refusal> counted = new ArrayList<>(byDetail.values());
    counted.sort((a, b) -> Integer.compare(b.nodes(), a.nodes()));
    refusals.addAll(counted);
    return refusals;
  }

  private static @Nullable Refusal first(NodeSlot slot, Ask ask) {
    Demand demand = ask.demand();
    Need need = demand.need().withMemory(ask.memoryBytes());
    if (!slot.open()) {
      return new Refusal(slot.closedFor(), "", 1);
    }
    if (!slot.pool().equals(demand.pool())) {
      return new Refusal("pool", "not in pool " + demand.pool(), 1);
    }
    for (Constraint constraint : demand.constraints()) {
      if (!constraint.holds(slot.traits())) {
        return new Refusal("constraint", constraint.toString(), 1);
      }
    }
    if (demand.everyNode() && ask.present().containsKey(slot.number())) {
      return new Refusal("spread", "has its task already", 1);
    }
    return lacking(slot, need);
  }

  private static @Nullable Refusal lacking(NodeSlot slot, Need need) {
    if (slot.capacity().attempts() - slot.attempts() < 1) {
      return new Refusal("attempts", "at its limit of tasks", 1);
    }
    if (slot.capacity().cpuMillis() - slot.cpuMillis() < need.cpuMillis()) {
      boolean ever = slot.capacity().cpuMillis() >= need.cpuMillis();
      return new Refusal("cpu", ever ? "" : "too small altogether", 1);
    }
    if (slot.capacity().memoryBytes() - slot.memoryBytes() < need.memoryBytes()) {
      boolean ever = slot.capacity().memoryBytes() >= need.memoryBytes();
      return new Refusal("memory", ever ? "" : "too small altogether", 1);
    }
    for (Map.Entry<String, Integer> device : need.devices().entrySet()) {
      if (slot.freeDevices(device.getKey()) < device.getValue()) {
        return new Refusal("device", device.getKey(), 1);
      }
    }
    return slot.freePorts() < need.ports() ? new Refusal("port", "", 1) : null;
  }
}

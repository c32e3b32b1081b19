package orch.controller.scheduler;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import orch.api.model.PlacementStrategy;

/** Finds places: the same fleet and the same ask give the same plan. */
public final class Scheduler {
  private Scheduler() {}

  /** A node with room, and how much of it the plan takes. */
  private static final class Candidate {
    final NodeSlot slot;
    final int liking;
    int room;
    int taken;
    int nextPort = NodeSlot.FIRST_PORT;

    Candidate(NodeSlot slot, int liking, int room) {
      this.slot = slot;
      this.liking = liking;
      this.room = room;
    }
  }

  /**
   * Places for as many tasks as have one, in order; fewer than {@code ask.count()} when the others
   * fit nowhere now.
   */
  public static List<Assignment> plan(Fleet fleet, Ask ask) {
    Demand demand = ask.demand();
    if (!demand.licenses().isEmpty()) {
      return List.of();
    }
    Need need = demand.need().withMemory(ask.memoryBytes());
    List<Candidate> candidates = candidates(fleet, ask, need);
    if (candidates.isEmpty()) {
      return List.of();
    }
    if (!demand.spread().isEmpty()) {
      return spread(candidates, ask, need);
    }
    return demand.strategy() == PlacementStrategy.SPREAD
        ? emptiestFirst(candidates, ask, need)
        : fullestFirst(candidates, ask, need);
  }

  private static List<Candidate> candidates(Fleet fleet, Ask ask, Need need) {
    Demand demand = ask.demand();
    List<Candidate> candidates = new ArrayList<>();
    for (NodeSlot slot : fleet.changedSince(ask.since())) {
      if (!slot.open() || !demand.matching(fleet).get(slot.number())) {
        continue;
      }
      int room = slot.room(need, ask.count());
      if (demand.everyNode()) {
        room = ask.present().containsKey(slot.number()) ? 0 : Math.min(room, 1);
      }
      if (room > 0) {
        int liking = demand.prefers() ? demand.liking(slot) : 0;
        candidates.add(new Candidate(slot, liking, room));
      }
    }
    return candidates;
  }

  /** Liked ones first, the one to avoid last of all. */
  private static Comparator<Candidate> liked(Ask ask) {
    return Comparator.<Candidate>comparingInt(c -> c.slot.number() == ask.avoid() ? 1 : 0)
        .thenComparingInt(c -> -c.liking);
  }

  private static Comparator<Candidate> byFullness(Need need, Ask ask) {
    return liked(ask)
        .thenComparing(
            Comparator.comparingDouble((Candidate c) -> c.slot.fullness(0, need)).reversed())
        .thenComparingInt(c -> c.slot.number());
  }

  /** Binpack: a node is filled before the next is begun. */
  private static List<Assignment> fullestFirst(List<Candidate> candidates, Ask ask, Need need) {
    if (candidates.size() > 1) {
      candidates.sort(byFullness(need, ask));
    }
    List<Assignment> plan = new ArrayList<>(ask.count());
    for (Candidate candidate : candidates) {
      while (candidate.taken < candidate.room && plan.size() < ask.count()) {
        plan.add(take(candidate, need));
      }
    }
    return plan;
  }

  private static List<Assignment> emptiestFirst(List<Candidate> candidates, Ask ask, Need need) {
    PriorityQueue<Candidate> queue =
        new PriorityQueue<>(
            liked(ask)
                .thenComparing(Comparator.comparingDouble(c -> c.slot.fullness(c.taken, need)))
                .thenComparingInt(c -> c.slot.number()));
    queue.addAll(candidates);
    List<Assignment> plan = new ArrayList<>(ask.count());
    while (plan.size() < ask.count()) {
      Candidate candidate = queue.poll();
      if (candidate == null) {
        break;
      }
      plan.add(take(candidate, need));
      if (candidate.taken < candidate.room) {
        queue.add(candidate);
      }
    }
    return plan;
  }

  /** Each task goes where the fewest of the job's tasks share its values of the attributes. */
  private static List<Assignment> spread(List<Candidate> candidates, Ask ask, Need need) {
    Map<List<String>, Group> groups = new LinkedHashMap<>();
    candidates.sort(
        ask.demand().strategy() == PlacementStrategy.SPREAD
            ? liked(ask)
                .thenComparing(Comparator.comparingDouble(c -> c.slot.fullness(0, need)))
                .thenComparingInt(c -> c.slot.number())
            : byFullness(need, ask));
    for (Candidate candidate : candidates) {
      List<String> values = new ArrayList<>();
      for (String key : ask.demand().spread()) {
        values.add(candidate.slot.traits().getOrDefault(key, ""));
      }
      Group group = groups.computeIfAbsent(values, _ -> new Group(groups.size()));
      group.candidates.add(candidate);
      group.tasks += ask.present().getOrDefault(candidate.slot.number(), 0);
    }
    PriorityQueue<Group> queue =
        new PriorityQueue<>(
            Comparator.<Group>comparingInt(g -> g.tasks).thenComparingInt(g -> g.order));
    queue.addAll(groups.values());
    List<Assignment> plan = new ArrayList<>(ask.count());
    while (plan.size() < ask.count()) {
      Group group = queue.poll();
      if (group == null) {
        break;
      }
      Candidate candidate = group.candidates.get(group.next);
      plan.add(take(candidate, need));
      group.tasks++;
      if (candidate.taken == candidate.room) {
        group.next++;
      }
      if (group.next < group.candidates.size()) {
        queue.add(group);
      }
    }
    return plan;
  }

  /** Nodes with the same values of the attributes over which a job spreads. */
  private static final class Group {
    final int order;
    final List<Candidate> candidates = new ArrayList<>();
    int next;
    int tasks;

    Group(int order) {
      this.order = order;
    }
  }

  private static Assignment take(Candidate candidate, Need need) {
    candidate.taken++;
    if (need.ports() == 0) {
      return new Assignment(candidate.slot.number(), List.of());
    }
    List<Integer> ports = new ArrayList<>(need.ports());
    for (int i = 0; i < need.ports(); i++) {
      int port = candidate.slot.nextPort(candidate.nextPort);
      ports.add(port);
      candidate.nextPort = port + 1;
    }
    return new Assignment(candidate.slot.number(), ports);
  }

  /**
   * A place on one node, for a restart where the attempt before it ran; empty when it does not take
   * the task now.
   */
  public static List<Assignment> on(Fleet fleet, int node, Demand demand, long memoryBytes) {
    NodeSlot slot = fleet.slot(node);
    Need need = demand.need().withMemory(memoryBytes);
    if (!slot.open() || !demand.matching(fleet).get(node) || slot.room(need, 1) == 0) {
      return List.of();
    }
    return List.of(take(new Candidate(slot, 0, 1), need));
  }
}

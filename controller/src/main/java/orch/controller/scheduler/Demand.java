package orch.controller.scheduler;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import orch.api.model.Affinity;
import orch.api.model.Execution;
import orch.api.model.JobSpec;
import orch.api.model.Placement;
import orch.api.model.PlacementStrategy;

/**
 * A class of equal tasks: one version of one job's spec. It remembers which nodes meet its
 * constraints as long as no node's traits change.
 */
public final class Demand {
  /** Trait that every node has. */
  public static final String NODE_NAME = "node.name";

  private final Need need;
  private final List<Constraint> constraints = new ArrayList<>();
  private final List<Preference> preferences = new ArrayList<>();
  private final List<String> spread;
  private final PlacementStrategy strategy;
  private final String pool;
  private final boolean everyNode;
  private final List<String> licenses;

  private final BitSet matching = new BitSet();
  private long matchedAt = -1;

  private record Preference(Constraint constraint, int weight) {}

  private Demand(JobSpec spec) {
    Placement placement = spec.placement();
    need = Need.of(spec.resources(), 0);
    for (String text : placement.constraints()) {
      constraints.add(Constraint.parse(text));
    }
    for (String key : nodeKeys(spec.execution())) {
      constraints.add(Constraint.exists(key));
    }
    for (Affinity affinity : placement.affinity()) {
      preferences.add(new Preference(Constraint.parse(affinity.expression()), affinity.weight()));
    }
    spread = placement.spread();
    strategy = placement.strategy();
    pool = placement.pool().isEmpty() ? NodeSlot.DEFAULT_POOL : placement.pool();
    everyNode = placement.everyNode();
    licenses = List.copyOf(spec.resources().licenses().keySet());
  }

  /**
   * Reads a spec.
   *
   * @throws IllegalArgumentException for a constraint that cannot be read
   */
  public static Demand of(JobSpec spec) {
    return new Demand(spec);
  }

  Need need() {
    return need;
  }

  List<String> spread() {
    return spread;
  }

  PlacementStrategy strategy() {
    return strategy;
  }

  /** At most one task a node. */
  public boolean everyNode() {
    return everyNode;
  }

  String pool() {
    return pool;
  }

  /** Licences that are asked for. No cluster has any yet, so such a task waits, and says why. */
  List<String> licenses() {
    return licenses;
  }

  List<Constraint> constraints() {
    return constraints;
  }

  /** Numbers of the nodes that are of the pool and meet every constraint. */
  BitSet matching(Fleet fleet) {
    if (matchedAt != fleet.traitsStamp()) {
      matching.clear();
      for (NodeSlot slot : fleet.slots()) {
        if (matches(slot)) {
          matching.set(slot.number());
        }
      }
      matchedAt = fleet.traitsStamp();
    }
    return matching;
  }

  /** How many nodes that are not gone match: the size of a job with one task on every node. */
  public int countMatching(Fleet fleet) {
    int count = 0;
    for (NodeSlot slot : fleet.slots()) {
      if (!slot.closedFor().equals("gone") && matching(fleet).get(slot.number())) {
        count++;
      }
    }
    return count;
  }

  private boolean matches(NodeSlot slot) {
    if (!slot.pool().equals(pool)) {
      return false;
    }
    for (Constraint constraint : constraints) {
      if (!constraint.holds(slot.traits())) {
        return false;
      }
    }
    return true;
  }

  /** Sum of the weights of the preferences that hold. */
  int liking(NodeSlot slot) {
    int sum = 0;
    for (Preference preference : preferences) {
      if (preference.constraint().holds(slot.traits())) {
        sum += preference.weight();
      }
    }
    return sum;
  }

  boolean prefers() {
    return !preferences.isEmpty();
  }

  /** Keys K of every {@code ${node.K}} in command, environment and paths. */
  private static SortedSet<String> nodeKeys(Execution execution) {
    TreeSet<String> keys = new TreeSet<>();
    execution.command().forEach(text -> addNodeKeys(text, keys));
    execution.env().values().forEach(text -> addNodeKeys(text, keys));
    for (String path :
        List.of(
            execution.stdin(),
            execution.stdout(),
            execution.stderr(),
            execution.workingDirectory())) {
      addNodeKeys(path, keys);
    }
    return keys;
  }

  private static void addNodeKeys(String text, SortedSet<String> keys) {
    String opening = "${node.";
    for (int at = text.indexOf(opening); at >= 0; at = text.indexOf(opening, at + 1)) {
      int end = text.indexOf('}', at);
      boolean literal = at > 0 && text.charAt(at - 1) == '$';
      if (end > 0 && !literal) {
        String key = text.substring(at + opening.length(), end);
        keys.add(key.equals("name") ? NODE_NAME : key);
      }
    }
  }

  /** The traits of a node: labels hide attributes of the same key. */
  public static SortedMap<String, String> traits(
      String name, SortedMap<String, String> attributes, SortedMap<String, String> labels) {
    TreeMap<String, String> traits = new TreeMap<>(attributes);
    traits.putAll(labels);
    traits.put(NODE_NAME, name);
    return traits;
  }
}

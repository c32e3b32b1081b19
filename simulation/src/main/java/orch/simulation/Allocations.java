package orch.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import orch.api.model.Constraint;
import orch.controller.core.Change;
import orch.controller.core.NodeContact;
import orch.controller.core.NodeView;

/**
 * What attempts hold of nodes, added up anew: never more than a node truly has (invariant 10), and
 * all of it given back (invariant 16). Checks too that a placement heeds the job's constraints.
 */
final class Allocations implements Ledger.AttemptReader {
  private final CommittedLog log;
  private final Map<String, SimulatedNode> hosts = new TreeMap<>();
  private final Map<Integer, Held> held = new TreeMap<>();

  private static final class Held {
    long cpuMillis;
    long memoryBytes;
    int attempts;
    final TreeSet<Integer> ports = new TreeSet<>();
  }

  Allocations(CommittedLog log, List<SimulatedNode> nodes) {
    this.log = log;
    nodes.forEach(node -> hosts.put(node.uid(), node));
  }

  @Override
  public void placed(Ledger.BookedAttempt attempt) {
    NodeView node = node(attempt.node);
    SimulatedNode host = hosts.get(node.uid());
    if (host == null) {
      throw new Violation(10, attempt + " was placed on a node that does not exist");
    }
    Held of = held.computeIfAbsent(attempt.node, _ -> new Held());
    of.cpuMillis += attempt.spec.resources().cpuMillis();
    of.memoryBytes += attempt.memoryBytes;
    of.attempts++;
    for (int port : attempt.ports) {
      if (!of.ports.add(port)) {
        throw new Violation(10, "port " + port + " of " + host.name() + " was given twice");
      }
    }
    if (of.cpuMillis > host.capacity().cpuMillis()
        || of.memoryBytes > host.capacity().memoryBytes()
        || of.attempts > host.capacity().attempts()) {
      throw new Violation(
          10,
          attempt
              + " takes more than "
              + host.name()
              + " has: "
              + of.cpuMillis
              + " m cpu, "
              + of.memoryBytes
              + " bytes, "
              + of.attempts
              + " attempts");
    }
    if (node.contact() != NodeContact.UP) {
      throw new Violation(10, attempt + " was placed on " + node.name() + ", which is silent");
    }
    aloneOfItsJob(attempt, host);
    for (String constraint : attempt.spec.placement().constraints()) {
      if (!Constraint.parse(constraint).matches(node.labels())) {
        throw new Violation(
            10, attempt + " was placed on " + node.name() + " against " + constraint);
      }
    }
  }

  /** Of a job that runs once on every node there are no two on one. */
  private static void aloneOfItsJob(Ledger.BookedAttempt attempt, SimulatedNode host) {
    if (!attempt.spec.placement().everyNode()) {
      return;
    }
    for (Ledger.BookedTask task : attempt.job.tasks.values()) {
      Ledger.BookedAttempt other = task.newest;
      if (other != null
          && other != attempt
          && other.live()
          && other.node == attempt.node
          && other.spec.placement().everyNode()) {
        throw new Violation(10, attempt + " was placed on " + host.name() + " beside " + other);
      }
    }
  }

  @Override
  public void ended(Ledger.BookedAttempt attempt, Change.Ended end) {
    Held of = held.get(attempt.node);
    if (of == null) {
      throw new Violation(16, attempt + " gives back what it never had");
    }
    of.cpuMillis -= attempt.spec.resources().cpuMillis();
    of.memoryBytes -= attempt.memoryBytes;
    of.attempts--;
    of.ports.removeAll(new ArrayList<>(attempt.ports));
  }

  /** Compares with what the state says; of the size of the fleet. */
  void check() {
    for (NodeView node : log.state().nodes()) {
      Held of = held.getOrDefault(node.number(), new Held());
      if (of.cpuMillis != node.allocated().cpuMillis()
          || of.memoryBytes != node.allocated().memoryBytes()
          || of.attempts != node.attempts()) {
        throw new Violation(
            16,
            node.name()
                + " holds "
                + node.allocated()
                + " for "
                + node.attempts()
                + " attempts; by the log it is "
                + of.cpuMillis
                + " m cpu, "
                + of.memoryBytes
                + " bytes for "
                + of.attempts);
      }
    }
  }

  private NodeView node(int number) {
    return log.state()
        .nodeNumbered(number)
        .orElseThrow(() -> new Violation(10, "no node " + number));
  }
}

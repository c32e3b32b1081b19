package orch.api.model;

import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A node as its agent describes it.
 *
 * @param uid random, kept in the agent's data directory, bound to the machine id
 * @param bootId the kernel's boot id
 * @param labels from the agent's flags
 * @param attributes found by the agent: kernel, arch, cpus, ...
 * @param missingLimits limits that the host cannot enforce
 * @param user login name of the agent's own user
 */
public record NodeDescription(
    String uid,
    String name,
    String machineId,
    String bootId,
    String agentVersion,
    SortedMap<String, String> labels,
    SortedMap<String, String> attributes,
    NodeCapacity capacity,
    List<String> missingLimits,
    String user) {
  public NodeDescription {
    labels = Collections.unmodifiableSortedMap(new TreeMap<>(labels));
    attributes = Collections.unmodifiableSortedMap(new TreeMap<>(attributes));
    missingLimits = List.copyOf(missingLimits);
  }
}

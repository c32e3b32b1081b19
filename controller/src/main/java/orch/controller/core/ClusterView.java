package orch.controller.core;

import java.util.List;
import java.util.SortedMap;
import orch.api.model.JobState;
import orch.api.model.NodeState;

/**
 * The cluster as it stands.
 *
 * @param clusterId empty before the first leader
 * @param epoch of the newest leader; 0 before the first
 * @param nodes by state, gone ones included
 * @param jobs by state, finished ones included
 * @param tasks of live jobs
 * @param warnings what an operator should know, a sentence each
 */
public record ClusterView(
    String clusterId,
    int incarnation,
    long epoch,
    String leader,
    int formatLevel,
    SortedMap<NodeState, Integer> nodes,
    SortedMap<JobState, Long> jobs,
    TaskCounts tasks,
    long cpuMillis,
    long cpuAllocatedMillis,
    long memoryBytes,
    long memoryAllocatedBytes,
    long createNanos,
    List<String> warnings) {}

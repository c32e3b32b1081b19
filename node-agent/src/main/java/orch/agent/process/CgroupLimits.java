package orch.agent.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import orch.agent.cgroup.CpuTopology;
import orch.agent.process.StartRequest.Limit;
import orch.api.model.DesiredAttempt;
import orch.api.model.IoLimits;
import orch.api.model.Resources;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/**
 * What a job's resources mean in the files of its leaf cgroup, in the order in which they are
 * written. A limit that this host cannot enforce is a refusal, unless the agent is told otherwise.
 *
 * <p>Belongs to the thread that prepares starts.
 */
final class CgroupLimits {
  /** For a job that says nothing: enough for any server, too little for a fork bomb. */
  static final int DEFAULT_PIDS = 16_384;

  private static final int WEIGHT_MAX = 10_000;
  private static final int MILLIS_A_WEIGHT = 10;
  private static final int PERIOD_MICROS = 100_000;

  private final @Nullable Path cgroup;
  private final Supplier<List<String>> missing;
  private final boolean allowMissing;
  private final CpuTopology topology;
  private final IoFiles disks;

  /** NUMA nodes of attempts that this agent prepared and that may have no leaf yet. */
  private final Map<Uid, Integer> chosen = new TreeMap<>();

  /**
   * Limits of one host.
   *
   * @param cgroup below which the leaves are made; null: none
   * @param missing limits that cannot be enforced: memory, cpu, pids, io, cpuset
   */
  CgroupLimits(
      @Nullable Path cgroup,
      Supplier<List<String>> missing,
      boolean allowMissing,
      CpuTopology topology,
      IoFiles disks) {
    this.cgroup = cgroup;
    this.missing = missing;
    this.allowMissing = allowMissing;
    this.topology = topology;
    this.disks = disks;
  }

  /** Files and values for one attempt. */
  List<Limit> of(Resources of, DesiredAttempt order, String task) throws StartRefusedException {
    List<Limit> limits = new ArrayList<>();
    List<String> lacking = missing.get();
    cpus(limits, of, order.uid(), task, lacking);
    memory(
        limits,
        of,
        order.memoryBytes() > 0 ? order.memoryBytes() : of.memoryBytes(),
        task,
        lacking);
    if (of.pids() > 0 && enforced("pids", task, lacking)) {
      limits.add(new Limit("pids.max", Long.toString(of.pids())));
    } else if (of.pids() == 0 && !lacking.contains("pids")) {
      limits.add(new Limit("pids.max", Integer.toString(DEFAULT_PIDS)));
    }
    if (!of.io().equals(IoLimits.NONE) && enforced("io", task, lacking)) {
      limits.addAll(disks.limits(of.io(), task));
    }
    return limits;
  }

  /** The attempt is over. */
  void forget(Uid uid) {
    synchronized (chosen) {
      chosen.remove(uid);
    }
  }

  private void cpus(List<Limit> limits, Resources of, Uid uid, String task, List<String> lacking)
      throws StartRefusedException {
    if (!of.cpuset().isEmpty() && enforced("cpuset", task, lacking)) {
      cpuset(limits, of.cpuset(), uid, task);
    }
    if (of.cpuMaxMillis() > 0 && enforced("cpu", task, lacking)) {
      // Thousandths of a CPU, in microseconds of each period.
      long quota = of.cpuMaxMillis() * (PERIOD_MICROS / 1_000);
      limits.add(new Limit("cpu.max", quota + " " + PERIOD_MICROS));
    }
    if (!lacking.contains("cpu")) {
      long weight = Math.max(1, Math.min(WEIGHT_MAX, of.cpuMillis() / MILLIS_A_WEIGHT));
      limits.add(new Limit("cpu.weight", Long.toString(weight)));
    }
  }

  private void cpuset(List<Limit> limits, String cpuset, Uid uid, String task)
      throws StartRefusedException {
    if (cpuset.equals(Resources.NUMA)) {
      if (topology.nodes().isEmpty()) {
        throw refused(task, "this host has no NUMA nodes; name its CPUs, or leave cpuset out");
      }
      int node = numaNode(uid);
      limits.add(new Limit("cpuset.cpus", String.valueOf(topology.nodes().get(node))));
      limits.add(new Limit("cpuset.mems", Integer.toString(node)));
      return;
    }
    BitSet wanted = CpuTopology.cpus(cpuset);
    BitSet absent = (BitSet) wanted.clone();
    absent.andNot(topology.all());
    if (!absent.isEmpty() && !topology.nodes().isEmpty()) {
      // The kernel would run it on the others without a word.
      throw refused(
          task,
          "this host has no CPU " + absent.nextSetBit(0) + "; name others, or choose another node");
    }
    limits.add(new Limit("cpuset.cpus", cpuset));
  }

  /** The node with the fewest attempts a CPU; of equal ones the first. */
  private int numaNode(Uid uid) {
    Map<Integer, Integer> bound = new TreeMap<>();
    synchronized (chosen) {
      for (int node : chosen.values()) {
        bound.merge(node, 1, Integer::sum);
      }
      leavesOfEarlierAgents(bound);
      int best = -1;
      double least = Double.MAX_VALUE;
      for (Map.Entry<Integer, String> node : topology.nodes().entrySet()) {
        double load =
            (double) bound.getOrDefault(node.getKey(), 0)
                / CpuTopology.cpus(node.getValue()).cardinality();
        if (load < least) {
          least = load;
          best = node.getKey();
        }
      }
      chosen.put(uid, best);
      return best;
    }
  }

  private void leavesOfEarlierAgents(Map<Integer, Integer> bound) {
    if (cgroup == null) {
      return;
    }
    try (var leaves = Files.newDirectoryStream(cgroup, "t-*")) {
      for (Path leaf : leaves) {
        Path file = leaf.resolve("cpuset.mems");
        String mems = Files.exists(file) ? Files.readString(file).strip() : "";
        if (mems.matches("[0-9]{1,4}") && !isChosen(String.valueOf(leaf.getFileName()))) {
          bound.merge(Integer.parseInt(mems), 1, Integer::sum);
        }
      }
    } catch (IOException gone) {
      // A leaf that went meanwhile counts for nothing.
    }
  }

  private boolean isChosen(String leaf) {
    for (Uid uid : chosen.keySet()) {
      if (leaf.equals(
          String.format("t-%08x%08x%016x", uid.incarnation(), uid.epoch(), uid.sequence()))) {
        return true;
      }
    }
    return false;
  }

  private void memory(List<Limit> limits, Resources of, long max, String task, List<String> lacking)
      throws StartRefusedException {
    if (of.memoryLowBytes() > 0 && enforced("memory", task, lacking)) {
      limits.add(new Limit("memory.low", Long.toString(of.memoryLowBytes())));
    }
    if (of.memoryHighBytes() > 0 && enforced("memory", task, lacking)) {
      limits.add(new Limit("memory.high", Long.toString(of.memoryHighBytes())));
    }
    if (max > 0 && enforced("memory", task, lacking)) {
      limits.add(new Limit("memory.max", Long.toString(max)));
      limits.add(new Limit("memory.oom.group", "1"));
    }
    Long swap = of.swapBytes();
    if (swap != null && enforced("memory", task, lacking)) {
      limits.add(new Limit("memory.swap.max", Long.toString(swap)));
    } else if (swap == null && max > 0 && !lacking.contains("memory") && has("memory.swap.max")) {
      limits.add(new Limit("memory.swap.max", "0"));
    }
  }

  private boolean has(String file) {
    return cgroup != null && Files.exists(cgroup.resolve(file));
  }

  private boolean enforced(String limit, String task, List<String> lacking)
      throws StartRefusedException {
    if (!lacking.contains(limit)) {
      return true;
    }
    if (allowMissing) {
      return false;
    }
    throw refused(
        task,
        "this host cannot enforce "
            + (limit.equals("io") ? "an " : "a ")
            + limit
            + " limit; leave it out, choose another node, or start the agent with"
            + " --allow-missing-limits");
  }

  private static StartRefusedException refused(String task, String why) {
    return new StartRefusedException("limit", 0, "cannot start " + task + ": limit: " + why);
  }
}

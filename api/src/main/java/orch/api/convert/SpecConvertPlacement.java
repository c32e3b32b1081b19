package orch.api.convert;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import orch.api.model.Affinity;
import orch.api.model.Constraint;
import orch.api.model.IoLimits;
import orch.api.model.MemoryPressureAction;
import orch.api.model.MemoryPressurePolicy;
import orch.api.model.Placement;
import orch.api.model.PlacementStrategy;
import orch.api.model.Quantity;
import orch.api.model.Resources;
import orch.api.model.Template;

/** The part of the gate that reads what a task needs and where it may run. */
final class SpecConvertPlacement {
  /** Less holds no process; a plain number was meant in another unit. */
  private static final long LEAST_MEMORY = 1 << 20;

  private static final int MAX_ENTRIES = 100;

  private static final int MAX_PORTS = 16;

  private static final int DEFAULT_AFFINITY_WEIGHT = 50;

  private static final Pattern PORT_NAME = Pattern.compile("[a-z](?:[a-z0-9_-]{0,30}[a-z0-9])?");

  private static final Pattern CPUSET =
      Pattern.compile("[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?){0,255}");

  private static final Pattern COUNTED_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._/-]{0,62}");

  private static final Pattern FACT = Pattern.compile("[A-Za-z0-9._/-]{1,63}");

  private SpecConvertPlacement() {}

  static Resources resources(orch.v1.Resources proto, SpecConvertProblems problems) {
    cpu(proto, problems);
    memory(proto, problems);
    problems.range("resources.pids", proto.getPids(), 0, Long.MAX_VALUE);
    List<String> ports = proto.getPortsList();
    problems.atMost("resources.ports", ports.size(), MAX_PORTS);
    problems.distinct(
        "resources.ports", ports.stream().map(port -> port.replace('-', '_')).toList(), "port");
    for (int i = 0; i < ports.size(); i++) {
      problems.matches(
          "resources.ports[" + i + "]",
          ports.get(i),
          PORT_NAME,
          ports.get(i).matches("[0-9]+")
              ? "is a number; ports are asked for by name, and the number is in ORCH_PORT_<NAME>"
                  + " and ${port.name}"
              : "is no name of a port: lower-case letters, digits, '-' and '_', first a letter");
    }
    return new Resources(
        proto.getCpuMillis() == 0 ? Resources.DEFAULT_CPU_MILLIS : proto.getCpuMillis(),
        proto.getCpuMaxMillis(),
        proto.getMemoryBytes(),
        proto.getMemoryHighBytes(),
        proto.hasSwapBytes() ? proto.getSwapBytes() : null,
        proto.getPids(),
        io(proto.getIo(), problems),
        ports,
        counted("resources.devices", proto.getDevicesMap(), problems),
        counted("resources.licenses", proto.getLicensesMap(), problems),
        proto.getMemoryLowBytes(),
        cpuset(proto.getCpuset(), problems),
        memoryPressure(proto, problems));
  }

  private static String cpuset(String cpuset, SpecConvertProblems problems) {
    if (cpuset.isEmpty() || cpuset.equals(Resources.NUMA)) {
      return cpuset;
    }
    problems.matches(
        "resources.cpuset", cpuset, CPUSET, "is neither a list of CPUs such as 0-3,8 nor numa");
    return cpuset;
  }

  private static MemoryPressurePolicy memoryPressure(
      orch.v1.Resources proto, SpecConvertProblems problems) {
    String path = "resources.memoryPressure";
    orch.v1.MemoryPressurePolicy policy = proto.getMemoryPressure();
    MemoryPressureAction action =
        problems.constant(path + ".action", policy.getAction(), MemoryPressureAction.NONE);
    if (policy.getSignal() != 0) {
      problems.signal(path + ".signal", policy.getSignal(), 0);
    }
    int threshold =
        policy.getThresholdPercent() == 0
            ? MemoryPressurePolicy.DEFAULT_THRESHOLD_PERCENT
            : policy.getThresholdPercent();
    return new MemoryPressurePolicy(
        action, policy.getSignal(), problems.range(path + ".threshold", threshold, 10, 99));
  }

  private static void cpu(orch.v1.Resources proto, SpecConvertProblems problems) {
    long cpu = proto.getCpuMillis();
    long max = proto.getCpuMaxMillis();
    if (cpu < 0) {
      problems.add("resources.cpu", "must be more than 0, not " + cpu + "m");
    }
    if (max < 0) {
      problems.add("resources.cpuMax", "must be more than 0, not " + max + "m");
    }
    long reserved = cpu == 0 ? Resources.DEFAULT_CPU_MILLIS : cpu;
    if (max > 0 && max < reserved) {
      problems.add(
          "resources.cpuMax",
          "the cap ("
              + Quantity.formatCpu(max)
              + ") is less than the reservation resources.cpu ("
              + Quantity.formatCpu(reserved)
              + (cpu == 0 ? ", the default" : "")
              + ")");
    }
  }

  private static void memory(orch.v1.Resources proto, SpecConvertProblems problems) {
    long memory = proto.getMemoryBytes();
    long high = proto.getMemoryHighBytes();
    enoughMemory("resources.memory", memory, problems);
    enoughMemory("resources.memoryHigh", high, problems);
    if (memory > 0 && high > memory) {
      problems.add(
          "resources.memoryHigh",
          "throttling would begin ("
              + Quantity.formatBytes(high)
              + ") above the limit resources.memory ("
              + Quantity.formatBytes(memory)
              + ")");
    }
    long low = proto.getMemoryLowBytes();
    enoughMemory("resources.memoryLow", low, problems);
    if (memory > 0 && low > memory) {
      problems.add(
          "resources.memoryLow",
          "more would be protected ("
              + Quantity.formatBytes(low)
              + ") than the limit resources.memory allows ("
              + Quantity.formatBytes(memory)
              + ")");
    }
    if (proto.hasSwapBytes()) {
      problems.notNegativeBytes("resources.swap", proto.getSwapBytes());
    }
  }

  private static void enoughMemory(String path, long bytes, SpecConvertProblems problems) {
    if (bytes < 0) {
      problems.notNegativeBytes(path, bytes);
    } else if (bytes > 0 && bytes < LEAST_MEMORY) {
      problems.add(
          path,
          Quantity.formatBytes(bytes)
              + " is "
              + SpecConvertProblems.grouped(bytes)
              + " bytes, too little for any process; at least 1Mi"
              + (bytes < 1 << 16 ? "; did you mean " + bytes + "Mi?" : ""));
    }
  }

  private static IoLimits io(orch.v1.IoLimits proto, SpecConvertProblems problems) {
    int weight = proto.getWeight() == 0 ? IoLimits.NONE.weight() : proto.getWeight();
    return new IoLimits(
        problems.range("resources.io.weight", weight, 1, 10_000),
        rate("resources.io.readBandwidth", proto.getReadBytesPerSecond(), problems),
        rate("resources.io.writeBandwidth", proto.getWriteBytesPerSecond(), problems),
        rate("resources.io.readOperations", proto.getReadOperationsPerSecond(), problems),
        rate("resources.io.writeOperations", proto.getWriteOperationsPerSecond(), problems));
  }

  private static long rate(String path, long value, SpecConvertProblems problems) {
    return problems.range(path, value, 0, Long.MAX_VALUE);
  }

  private static SortedMap<String, Integer> counted(
      String field, Map<String, Integer> amounts, SpecConvertProblems problems) {
    SortedMap<String, Integer> sorted = new TreeMap<>(amounts);
    problems.atMost(field, sorted.size(), MAX_ENTRIES);
    for (Map.Entry<String, Integer> amount : sorted.entrySet()) {
      String path = field + "." + SpecConvertProblems.shortened(amount.getKey());
      problems.matches(
          path,
          amount.getKey(),
          COUNTED_NAME,
          "is no name: letters, digits and any of . _ / -, at most 63");
      problems.range(path, amount.getValue(), 1, Integer.MAX_VALUE);
    }
    return sorted;
  }

  static Placement placement(orch.v1.JobSpec job, SpecConvertProblems problems) {
    orch.v1.Placement proto = job.getPlacement();
    problems.atMost("placement.constraints", proto.getConstraintsCount(), MAX_ENTRIES);
    problems.atMost("placement.affinity", proto.getAffinityCount(), MAX_ENTRIES);
    problems.atMost("placement.spread", proto.getSpreadCount(), MAX_ENTRIES);
    for (int i = 0; i < proto.getConstraintsCount(); i++) {
      expression("placement.constraints[" + i + "]", proto.getConstraints(i), problems);
    }
    List<Affinity> affinity = new ArrayList<>();
    for (int i = 0; i < proto.getAffinityCount(); i++) {
      String path = "placement.affinity[" + i + "]";
      orch.v1.Affinity preference = proto.getAffinity(i);
      expression(path + ".expression", preference.getExpression(), problems);
      int weight = preference.getWeight() == 0 ? DEFAULT_AFFINITY_WEIGHT : preference.getWeight();
      problems.range(path + ".weight", weight, -100, 100);
      affinity.add(new Affinity(preference.getExpression(), weight));
    }
    problems.distinct("placement.spread", proto.getSpreadList(), "attribute");
    for (int i = 0; i < proto.getSpreadCount(); i++) {
      problems.matches(
          "placement.spread[" + i + "]",
          proto.getSpread(i),
          FACT,
          "is no name of a node attribute, such as rack");
    }
    String pool = proto.getPool().isEmpty() ? Placement.DEFAULT.pool() : proto.getPool();
    problems.matches(
        "placement.pool",
        pool,
        SpecConvert.NAME,
        "is no name of a pool: "
            + "lower-case letters, digits, '-' and '.', first a letter, at most 63");
    return new Placement(
        withImplied(job, proto.getConstraintsList()),
        affinity,
        proto.getSpreadList(),
        problems.constant("placement.strategy", proto.getStrategy(), PlacementStrategy.BINPACK),
        proto.getEveryNode(),
        pool);
  }

  /** A text with {@code ${node.rack}} needs a node that has a rack. */
  private static List<String> withImplied(orch.v1.JobSpec job, List<String> constraints) {
    SortedSet<String> implied = new TreeSet<>();
    texts(job).forEach(text -> implied.addAll(Template.impliedConstraints(text)));
    List<String> all = new ArrayList<>(constraints);
    for (String fact : implied) {
      if (!all.contains(fact)) {
        all.add(fact);
      }
    }
    return all;
  }

  private static List<String> texts(orch.v1.JobSpec job) {
    List<String> texts = new ArrayList<>(job.getCommandList());
    texts.addAll(new TreeMap<>(job.getEnvMap()).values());
    texts.addAll(
        List.of(job.getStdin(), job.getStdout(), job.getStderr(), job.getWorkingDirectory()));
    texts.addAll(job.getStop().getPreStopList());
    for (orch.v1.HealthCheck check :
        List.of(
            job.getHealth().getStartup(),
            job.getHealth().getReadiness(),
            job.getHealth().getLiveness())) {
      texts.addAll(check.getExec().getCommandList());
    }
    return texts;
  }

  private static void expression(String path, String text, SpecConvertProblems problems) {
    try {
      Constraint.parse(text);
    } catch (IllegalArgumentException e) {
      problems.add(path, String.valueOf(e.getMessage()));
    }
  }
}

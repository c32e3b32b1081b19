package orch.agent.process;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Limits that the leaves of a launcher cannot have. */
final class MissingLimits {
  /** Limits by the launcher's capability. */
  private static final SortedMap<String, Long> LIMITS =
      new TreeMap<>(
          Map.of(
              "memory", Protocol.CAP_MEMORY,
              "cpu", Protocol.CAP_CPU,
              "pids", Protocol.CAP_PIDS,
              "io", Protocol.CAP_IO,
              "cpuset", Protocol.CAP_CPUSET));

  private MissingLimits() {}

  /** Those of {@code unmountable}, and those whose controller the launcher does not have. */
  static List<String> of(long capabilities, List<String> unmountable) {
    List<String> missing = new ArrayList<>(unmountable);
    LIMITS.forEach((name, capability) -> {
      if ((capabilities & capability) == 0 && !missing.contains(name)) {
        missing.add(name);
      }
    });
    return missing;
  }
}

package orch.agent.cgroup;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The NUMA nodes of a host with their CPUs, as {@code /sys/devices/system/node} has them.
 *
 * @param nodes CPU lists such as {@code 0-3,8} by number of the node; nodes without CPUs are left
 *     out
 */
public record CpuTopology(SortedMap<Integer, String> nodes) {
  private static final int MAX_CPU = 65_535;

  public CpuTopology {
    nodes = Collections.unmodifiableSortedMap(new TreeMap<>(nodes));
  }

  /** Reads it; a kernel without NUMA has no nodes. */
  public static CpuTopology read(Path sysNodes) throws IOException {
    SortedMap<Integer, String> nodes = new TreeMap<>();
    if (Files.isDirectory(sysNodes)) {
      try (DirectoryStream<Path> each = Files.newDirectoryStream(sysNodes, "node[0-9]*")) {
        for (Path node : each) {
          int number = Integer.parseInt(String.valueOf(node.getFileName()).substring(4));
          String cpus =
              Files.readString(node.resolve("cpulist"), StandardCharsets.US_ASCII).strip();
          if (!cpus.isEmpty()) {
            nodes.put(number, cpus);
          }
        }
      }
    }
    return new CpuTopology(nodes);
  }

  /** CPUs of all nodes; empty: none is known. */
  public BitSet all() {
    BitSet all = new BitSet();
    nodes.values().forEach(list -> all.or(cpus(list)));
    return all;
  }

  /** The numbers of a list such as {@code 0-3,8}; throws IllegalArgumentException if it is none. */
  public static BitSet cpus(String list) {
    BitSet cpus = new BitSet();
    for (String part : list.split(",", -1)) {
      int dash = part.indexOf('-');
      int first = Integer.parseInt(dash < 0 ? part : part.substring(0, dash));
      int last = dash < 0 ? first : Integer.parseInt(part.substring(dash + 1));
      if (first < 0 || last < first || last > MAX_CPU) {
        throw new IllegalArgumentException("'" + part + "' is no range of CPUs");
      }
      cpus.set(first, last + 1);
    }
    return cpus;
  }
}

package orch.controller.scheduler;

import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import orch.api.model.NodeCapacity;
import org.jspecify.annotations.Nullable;

/**
 * A node as the scheduler sees it: what it is, what it offers, and what is reserved of it. The
 * state keeps the figures as it applies changes; the scheduler only reads them.
 */
public final class NodeSlot {
  /** Ports that are given to tasks: below the kernel's ephemeral range. */
  public static final int FIRST_PORT = 20_000;

  public static final int LAST_PORT = 31_999;

  /** Label that puts a node into another pool. */
  public static final String POOL = "pool";

  public static final String DEFAULT_POOL = "default";

  private final int number;
  private String name = "";
  private SortedMap<String, String> traits = new TreeMap<>();
  private NodeCapacity capacity = new NodeCapacity(0, 0, 0, new TreeMap<>());
  private String closedFor = "";

  private long cpuMillis;
  private long memoryBytes;
  private int attempts;
  private final TreeMap<String, Integer> devices = new TreeMap<>();
  private final BitSet ports = new BitSet();

  // The fleet's list in order of the last change that may make room.
  long changedAt;
  @Nullable NodeSlot older;
  @Nullable NodeSlot newer;

  NodeSlot(int number) {
    this.number = number;
  }

  public int number() {
    return number;
  }

  public String name() {
    return name;
  }

  /** Labels, attributes and {@code node.name} together. */
  public SortedMap<String, String> traits() {
    return traits;
  }

  public NodeCapacity capacity() {
    return capacity;
  }

  public long cpuMillis() {
    return cpuMillis;
  }

  public long memoryBytes() {
    return memoryBytes;
  }

  public int attempts() {
    return attempts;
  }

  /** What is reserved. */
  public NodeCapacity allocated() {
    return new NodeCapacity(cpuMillis, memoryBytes, attempts, devices);
  }

  /** Whether it takes anything new. */
  public boolean open() {
    return closedFor.isEmpty();
  }

  /** Why it takes nothing new: cordoned, draining, unreachable, gone; empty: it does. */
  public String closedFor() {
    return closedFor;
  }

  public String pool() {
    return traits.getOrDefault(POOL, DEFAULT_POOL);
  }

  void describe(String newName, SortedMap<String, String> newTraits, NodeCapacity newCapacity) {
    name = newName;
    traits = newTraits;
    capacity = newCapacity;
  }

  void close(String why) {
    closedFor = why;
  }

  void reserve(Need need, List<Integer> portNumbers, int sign) {
    cpuMillis += sign * need.cpuMillis();
    memoryBytes += sign * need.memoryBytes();
    attempts += sign;
    for (Map.Entry<String, Integer> device : need.devices().entrySet()) {
      int now = devices.getOrDefault(device.getKey(), 0) + sign * device.getValue();
      if (now == 0) {
        devices.remove(device.getKey());
      } else {
        devices.put(device.getKey(), now);
      }
    }
    for (int port : portNumbers) {
      ports.set(port - FIRST_PORT, sign > 0);
    }
  }

  /** How many more tasks of this need fit, at most {@code most}. */
  int room(Need need, int most) {
    long room = Math.min(most, capacity.attempts() - attempts);
    room = Math.min(room, share(capacity.cpuMillis() - cpuMillis, need.cpuMillis()));
    room = Math.min(room, share(capacity.memoryBytes() - memoryBytes, need.memoryBytes()));
    for (Map.Entry<String, Integer> device : need.devices().entrySet()) {
      room = Math.min(room, share(freeDevices(device.getKey()), device.getValue()));
    }
    if (need.ports() > 0) {
      room = Math.min(room, freePorts() / need.ports());
    }
    return (int) Math.max(room, 0);
  }

  int freeDevices(String device) {
    return capacity.devices().getOrDefault(device, 0) - devices.getOrDefault(device, 0);
  }

  int freePorts() {
    return LAST_PORT - FIRST_PORT + 1 - ports.cardinality();
  }

  /** The lowest free port from {@code from} on; the caller has seen that there is one. */
  int nextPort(int from) {
    return FIRST_PORT + ports.nextClearBit(from - FIRST_PORT);
  }

  /** Share of the scarcer of CPU and memory that is reserved, 0 to 1. */
  double fullness(int moreTasks, Need need) {
    return Math.max(
        ratio(cpuMillis + moreTasks * need.cpuMillis(), capacity.cpuMillis()),
        ratio(memoryBytes + moreTasks * need.memoryBytes(), capacity.memoryBytes()));
  }

  private static double ratio(long part, long whole) {
    return whole <= 0 ? 0 : (double) part / whole;
  }

  private static long share(long free, long each) {
    return each == 0 ? Long.MAX_VALUE : free / each;
  }

  /** Whether what is reserved is within what is offered (invariant 10). */
  public boolean withinCapacity() {
    for (Map.Entry<String, Integer> device : devices.entrySet()) {
      if (device.getValue() > capacity.devices().getOrDefault(device.getKey(), 0)) {
        return false;
      }
    }
    return cpuMillis <= capacity.cpuMillis()
        && memoryBytes <= capacity.memoryBytes()
        && attempts <= capacity.attempts();
  }

  /** Whether nothing is reserved (invariant 16). */
  public boolean empty() {
    return cpuMillis == 0
        && memoryBytes == 0
        && attempts == 0
        && devices.isEmpty()
        && ports.isEmpty();
  }
}

package orch.agent.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.TreeMap;
import orch.agent.cgroup.CpuTopology;
import orch.api.model.DesiredAttempt;
import orch.api.model.IoLimits;
import orch.api.model.Resources;
import orch.api.model.StageTimes;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written into a leaf cgroup, file by file. */
final class CgroupLimitsTest {
  @TempDir private Path directory;
  private Path cgroup = Path.of("");
  private Path blocks = Path.of("");
  private CpuTopology topology = new CpuTopology(new TreeMap<>());
  private List<String> missing = List.of();
  private boolean allowMissing;
  private long sequence;

  @BeforeEach
  void host() throws IOException {
    cgroup = Files.createDirectory(directory.resolve("cgroup"));
    blocks = Files.createDirectory(directory.resolve("block"));
    device("vdb", "254:16");
    device("vda", "254:0");
    device("loop0", "7:0");
    device("sr0", "11:0");
    device("zram0", "252:0");
    Path nodes = Files.createDirectory(directory.resolve("node"));
    node(nodes, 0, "0-3");
    node(nodes, 1, "4-7,12");
    node(nodes, 2, "");
    topology = CpuTopology.read(nodes);
  }

  private void device(String name, String number) throws IOException {
    Files.writeString(Files.createDirectory(blocks.resolve(name)).resolve("dev"), number + "\n");
  }

  private static void node(Path nodes, int number, String cpus) throws IOException {
    Path node = Files.createDirectory(nodes.resolve("node" + number));
    Files.writeString(node.resolve("cpulist"), cpus + "\n");
  }

  private CgroupLimits limits() {
    return new CgroupLimits(cgroup, () -> missing, allowMissing, topology, new IoFiles(blocks));
  }

  private DesiredAttempt order(long memory) {
    Uid uid = new Uid(1, 1, ++sequence);
    return new DesiredAttempt(
        uid,
        uid,
        1,
        2,
        1,
        "boot",
        null,
        Duration.ZERO,
        new TreeMap<>(),
        1,
        "",
        "",
        memory,
        StageTimes.NONE);
  }

  private List<String> written(Resources of) throws StartRefusedException {
    return written(limits(), of, order(0));
  }

  private static List<String> written(CgroupLimits limits, Resources of, DesiredAttempt order)
      throws StartRefusedException {
    return limits.of(of, order, "web/2@1").stream()
        .map(limit -> limit.file() + " " + limit.value())
        .toList();
  }

  private static Resources resources(
      long cpu,
      long cpuMax,
      long memory,
      long high,
      long low,
      @Nullable Long swap,
      long pids,
      IoLimits io,
      String cpuset) {
    return new Resources(
        cpu,
        cpuMax,
        memory,
        high,
        swap,
        pids,
        io,
        List.of(),
        new TreeMap<>(),
        new TreeMap<>(),
        low,
        cpuset);
  }

  private static Resources memory(long memory, @Nullable Long swap) {
    return resources(100, 0, memory, 0, 0, swap, 0, IoLimits.NONE, "");
  }

  private static Resources cpuset(String cpuset) {
    return resources(100, 0, 0, 0, 0, null, 0, IoLimits.NONE, cpuset);
  }

  private static Resources io(IoLimits io) {
    return resources(100, 0, 0, 0, 0, null, 0, io, "");
  }

  private void refused(Resources of, String sentence) {
    StartRefusedException e = assertThrows(StartRefusedException.class, () -> written(of));
    assertEquals("cannot start web/2@1: limit: " + sentence, e.getMessage());
    assertEquals("limit", e.failure().stage());
  }

  @Test
  void aTaskThatSaysNothingHasAWeightAndEnoughProcesses() throws StartRefusedException {
    assertEquals(List.of("cpu.weight 10", "pids.max 16384"), written(Resources.DEFAULT));
  }

  @Test
  void everyLimitIsWrittenAndTheProtectionsComeFirst() throws Exception {
    Files.createFile(cgroup.resolve("memory.swap.max"));
    assertEquals(
        List.of(
            "cpuset.cpus 0-1,6",
            "cpu.max 250000 100000",
            "cpu.weight 150",
            "memory.low 1000",
            "memory.high 2000",
            "memory.max 3000",
            "memory.oom.group 1",
            "memory.swap.max 500",
            "pids.max 64",
            "io.weight default 200",
            "io.max 254:0 rbps=5 wbps=6 riops=7 wiops=8",
            "io.max 254:16 rbps=5 wbps=6 riops=7 wiops=8"),
        written(
            resources(
                1_500,
                2_500,
                3_000,
                2_000,
                1_000,
                500L,
                64,
                new IoLimits(200, 5, 6, 7, 8),
                "0-1,6")));
  }

  @Test
  void theWeightStaysWithinWhatTheKernelTakes() throws StartRefusedException {
    assertEquals(
        "cpu.weight 1", written(resources(1, 0, 0, 0, 0, null, 0, IoLimits.NONE, "")).getFirst());
    assertEquals(
        "cpu.weight 10000",
        written(resources(640_000, 0, 0, 0, 0, null, 0, IoLimits.NONE, "")).getFirst());
  }

  @Test
  void limitedMemoryMeansNoSwapWhereThereIsSwapAccounting() throws Exception {
    assertEquals(
        List.of("cpu.weight 10", "memory.max 99", "memory.oom.group 1", "pids.max 16384"),
        written(memory(99, null)));
    Files.createFile(cgroup.resolve("memory.swap.max"));
    assertEquals(
        List.of(
            "cpu.weight 10",
            "memory.max 99",
            "memory.oom.group 1",
            "memory.swap.max 0",
            "pids.max 16384"),
        written(memory(99, null)));
    assertEquals(
        List.of("cpu.weight 10", "memory.swap.max 7", "pids.max 16384"), written(memory(0, 7L)));
    assertEquals(List.of("cpu.weight 10", "pids.max 16384"), written(memory(0, null)));
  }

  @Test
  void aRetryWithMoreMemoryHasWhatItsOrderSays() throws StartRefusedException {
    assertEquals("memory.max 150", written(limits(), memory(100, null), order(150)).get(1));
  }

  @Test
  void whatTheHostCannotEnforceIsRefusedOnlyWhereItIsAskedFor() throws StartRefusedException {
    missing = List.of("memory", "cpu", "pids", "io", "cpuset");
    assertEquals(List.of(), written(Resources.DEFAULT));
    String rest =
        " limit; leave it out, choose another node, or start the agent with --allow-missing-limits";
    refused(memory(99, null), "this host cannot enforce a memory" + rest);
    refused(memory(0, 0L), "this host cannot enforce a memory" + rest);
    refused(cpuset("0"), "this host cannot enforce a cpuset" + rest);
    refused(io(new IoLimits(7, 0, 0, 0, 0)), "this host cannot enforce an io" + rest);
    refused(
        resources(100, 500, 0, 0, 0, null, 0, IoLimits.NONE, ""),
        "this host cannot enforce a cpu" + rest);
    refused(
        resources(100, 0, 0, 0, 0, null, 9, IoLimits.NONE, ""),
        "this host cannot enforce a pids" + rest);
    refused(
        resources(100, 0, 0, 0, 5, null, 0, IoLimits.NONE, ""),
        "this host cannot enforce a memory" + rest);
    allowMissing = true;
    assertEquals(
        List.of(), written(resources(1, 2, 3, 2, 1, 5L, 6, new IoLimits(7, 8, 9, 10, 11), "0")));
  }

  @Test
  void theNumaNodeWithTheFewestSuchTasksACpuIsTaken() throws Exception {
    CgroupLimits limits = limits();
    DesiredAttempt first = order(0);
    assertEquals(
        List.of("cpuset.cpus 0-3", "cpuset.mems 0"),
        written(limits, cpuset("numa"), first).subList(0, 2));
    assertEquals("cpuset.mems 1", written(limits, cpuset("numa"), order(0)).get(1));
    // Four CPUs against five.
    assertEquals("cpuset.mems 1", written(limits, cpuset("numa"), order(0)).get(1));
    assertEquals("cpuset.mems 0", written(limits, cpuset("numa"), order(0)).get(1));
    limits.forget(first.uid());
    assertEquals("cpuset.mems 0", written(limits, cpuset("numa"), order(0)).get(1));
  }

  @Test
  void tasksThatAnEarlierAgentBoundAreCounted() throws Exception {
    Path leaf = Files.createDirectory(cgroup.resolve("t-00000001000000010000000000009999"));
    Files.writeString(leaf.resolve("cpuset.mems"), "0\n");
    assertEquals("cpuset.mems 1", written(cpuset("numa")).get(1));
  }

  @Test
  void aCpuThatTheHostDoesNotHaveIsRefused() throws Exception {
    refused(cpuset("0-9"), "this host has no CPU 8; name others, or choose another node");
    topology = new CpuTopology(new TreeMap<>());
    refused(cpuset("numa"), "this host has no NUMA nodes; name its CPUs, or leave cpuset out");
    assertEquals("cpuset.cpus 0-9", written(cpuset("0-9")).getFirst());
  }

  @Test
  void aRateOnAHostWithoutDisksIsRefused() throws Exception {
    for (String disk : List.of("vda", "vdb")) {
      Files.delete(blocks.resolve(disk).resolve("dev"));
      Files.delete(blocks.resolve(disk));
    }
    refused(
        io(new IoLimits(100, 1, 0, 0, 0)),
        "this host has no disk to limit; leave the rates of io out, or choose another node");
  }
}

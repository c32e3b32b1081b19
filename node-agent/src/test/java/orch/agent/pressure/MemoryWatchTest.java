package orch.agent.pressure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import orch.agent.cgroup.CgroupRoot;
import orch.agent.core.KnownAttempt;
import orch.agent.linux.JnaLinux;
import orch.agent.linux.Linux;
import orch.api.model.JobSpec;
import orch.api.model.MemoryPressureAction;
import orch.api.model.MemoryPressurePolicy;
import orch.api.model.Resources;
import orch.api.model.SpecDefinition;
import orch.api.model.TaskSet;
import orch.api.model.Uid;
import orch.api.seam.Clock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real files and FIFOs, in a directory that looks like a cgroup. */
@Timeout(60)
class MemoryWatchTest {
  private static final Uid A = new Uid(1, 1, 10);
  private static final Uid B = new Uid(1, 1, 11);
  private static final Uid C = new Uid(1, 1, 12);
  private static final long MB = 1 << 20;

  @TempDir Path directory;
  private final Linux linux = new JnaLinux();
  private final BlockingQueue<String> told = new LinkedBlockingQueue<>();
  private MemoryWatch watch;
  private PressureFifos fifos;
  private int settled;

  private final class RealClock implements Clock {
    @Override
    public Instant now() {
      return Instant.now();
    }

    @Override
    public long bootNanos() {
      return linux.bootNanos();
    }
  }

  @BeforeEach
  void start() throws IOException {
    Files.createDirectories(directory.resolve("proc"));
    Files.createDirectories(directory.resolve("cgroup"));
    host(50);
    fifos = new PressureFifos(linux, directory.resolve("m"));
    watch =
        new MemoryWatch(
            linux,
            directory.resolve("cgroup"),
            directory.resolve("proc"),
            fifos,
            new RealClock(),
            Runnable::run);
    watch.begin(
        new MemoryWatch.Listener() {
          @Override
          public void signal(Uid uid, int signal) {
            told.add("signal " + signal + " to " + uid.sequence());
          }

          @Override
          public void evict(Uid uid, String reason, SortedMap<String, Long> figures) {
            told.add("evict " + uid.sequence() + ": " + reason);
          }

          @Override
          public void happened(
              Uid uid, String type, String message, SortedMap<String, Long> figures) {
            told.add(type + " " + uid.sequence() + " " + figures.containsKey("memory_bytes"));
          }

          @Override
          public void frozen(Uid uid, boolean frozen) {
            told.add((frozen ? "stands " : "moves ") + uid.sequence());
          }
        });
  }

  @AfterEach
  void stop() {
    watch.close();
  }

  private void host(int percent) throws IOException {
    Files.writeString(
        directory.resolve("proc/meminfo"),
        "MemTotal:       1000000 kB\nMemFree:  1 kB\nMemAvailable:   "
            + percent * 10_000
            + " kB\n");
  }

  private Path leaf(Uid uid) {
    return directory.resolve("cgroup/t-" + String.format("%08x%08x%016x", 1, 1, uid.sequence()));
  }

  private void leaf(Uid uid, long current, int max, int kills) throws IOException {
    Path leaf = Files.createDirectories(leaf(uid));
    Files.writeString(leaf.resolve("memory.current"), current + "\n");
    Files.writeString(
        leaf.resolve("memory.events"),
        "low 0\nhigh 0\nmax " + max + "\noom 0\noom_kill " + kills + "\noom_group_kill 0\n");
    for (String file : List.of("memory.high", "cgroup.freeze")) {
      if (!Files.exists(leaf.resolve(file))) {
        Files.writeString(leaf.resolve(file), "max\n");
      }
    }
  }

  private void runs(Uid uid, MemoryPressureAction action, int signal, long limit) {
    JobSpec spec =
        JobSpec.batch("web", TaskSet.count(1), List.of("x"))
            .withResources(
                new Resources(
                    100,
                    0,
                    limit,
                    0,
                    null,
                    0,
                    Resources.DEFAULT.io(),
                    List.of(),
                    new TreeMap<>(),
                    new TreeMap<>(),
                    0,
                    "",
                    new MemoryPressurePolicy(action, signal, 90)));
    watch.running(
        new KnownAttempt(
            uid,
            uid,
            42,
            "default",
            "web",
            0,
            1,
            "",
            "",
            false,
            Duration.ofDays(1),
            Duration.ZERO,
            50,
            false,
            false),
        new SpecDefinition(uid, 1, spec, "default", "web", 42, "", "", 1),
        limit);
  }

  private String next() throws InterruptedException {
    String next = told.poll(10, TimeUnit.SECONDS);
    if (next == null) {
      throw new AssertionError("nothing was told in time");
    }
    return next;
  }

  private static String content(Path file) throws IOException {
    return Files.readString(file).strip();
  }

  private static void awaitContent(Path file, String content) throws Exception {
    for (int i = 0; i < 1_000; i++) {
      if (content(file).equals(content)) {
        return;
      }
      TimeUnit.MILLISECONDS.sleep(10);
    }
    assertEquals(content, content(file));
  }

  @Test
  void aTaskNearItsLimitIsToldThroughItsFifo() throws Exception {
    leaf(A, 95 * MB, 0, 0);
    Path path = Path.of(fifos.make(A, null));
    // A reader's open waits for the agent, which opens it when the task runs.
    CompletableFuture<String> line =
        CompletableFuture.supplyAsync(() -> {
          try (BufferedReader reader = Files.newBufferedReader(path)) {
            return String.valueOf(reader.readLine());
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
    runs(A, MemoryPressureAction.NOTIFY, 0, 100 * MB);
    assertEquals("MEMORY_SHORT 10 true", next());
    assertEquals(
        "memory_bytes=99614720 memory_limit_bytes=104857600 priority=50",
        line.get(10, TimeUnit.SECONDS));
  }

  @Test
  void aSignalIsSentWhereTheJobNamesOne() throws Exception {
    leaf(A, 95 * MB, 0, 0);
    runs(A, MemoryPressureAction.NOTIFY, 12, 100 * MB);
    assertEquals("signal 12 to 10", next());
    assertEquals("MEMORY_SHORT 10 true", next());
  }

  @Test
  void aTripwireIsLaidAndAnEvictionIsAskedFor() throws Exception {
    leaf(A, 10 * MB, 0, 0);
    runs(A, MemoryPressureAction.EVICT, 12, 100 * MB);
    awaitContent(leaf(A).resolve("memory.high"), Long.toString(100 * MB / 100 * 90));
    leaf(A, 99 * MB, 3, 0);
    assertEquals("signal 12 to 10", next());
    assertEquals("MEMORY_SHORT 10 true", next());
    String evicted = next();
    while (!evicted.startsWith("evict")) {
      evicted = next();
    }
    assertEquals("evict 10: evicted: memory pressure: it uses 99 % of its memory limit", evicted);
  }

  @Test
  void aShortHostFreezesAndThaws() throws Exception {
    leaf(A, 10 * MB, 0, 0);
    leaf(B, 20 * MB, 0, 0);
    runs(A, MemoryPressureAction.FREEZE, 12, 0);
    runs(B, MemoryPressureAction.FREEZE, 12, 0);
    host(5);
    awaitContent(leaf(A).resolve("cgroup.freeze"), "1");
    host(60);
    awaitContent(leaf(A).resolve("cgroup.freeze"), "0");
  }

  /** All that was asked for before is done, and it has looked at everything since. */
  private void settle() throws Exception {
    for (int i = 0; i < 2; i++) {
      Uid next = new Uid(1, 1, 100 + settled++);
      leaf(next, 10 * MB, 0, 0);
      Files.writeString(leaf(next).resolve("memory.high"), "0");
      runs(next, MemoryPressureAction.NOTIFY, 0, 100 * MB);
      awaitContent(leaf(next).resolve("memory.high"), "max");
      watch.ended(next);
    }
  }

  @Test
  void whatIsSuspendedIsNotThawedWhenTheHostHasRoomAndWhatIsStoppedIsNotFrozen() throws Exception {
    for (Uid each : List.of(A, B)) {
      leaf(each, each.sequence() * MB, 0, 0);
      runs(each, MemoryPressureAction.FREEZE, 12, 0);
    }
    host(5);
    awaitContent(leaf(A).resolve("cgroup.freeze"), "1");
    watch.suspended(A, true);
    host(60);
    settle();
    assertEquals("1", content(leaf(A).resolve("cgroup.freeze")));
    watch.suspended(A, false);
    watch.stopping(A);
    settle();
    Files.writeString(leaf(A).resolve("cgroup.freeze"), "0");
    leaf(C, C.sequence() * MB, 0, 0);
    runs(C, MemoryPressureAction.FREEZE, 12, 0); // So that B is not the last one that runs.
    host(5);
    awaitContent(leaf(B).resolve("cgroup.freeze"), "1");
    settle();
    assertEquals("0", content(leaf(A).resolve("cgroup.freeze")));
  }

  @Test
  void processesThatTheKernelKillsAreToldOfTasksThatOnlyHaveALimit() throws Exception {
    leaf(A, 10 * MB, 0, 1);
    runs(A, MemoryPressureAction.NONE, 0, 100 * MB);
    String heard = null;
    // What it sees first is where it counts from.
    for (int kills = 2; heard == null && kills < 100; kills++) {
      leaf(A, 10 * MB, 0, kills);
      heard = told.poll(500, TimeUnit.MILLISECONDS);
    }
    assertEquals("OOM_KILL 10 true", heard);
    assertEquals("max", content(leaf(A).resolve("memory.high")));
  }

  /**
   * The kernel's own trigger. Memory cannot be made short here without harm, so the leaf's file of
   * memory stalls is that of processor stalls of a cgroup with more busy loops than processors.
   */
  @Test
  void aStallThatTheKernelTellsOfIsShortOfMemoryToo() throws Exception {
    CgroupRoot root =
        CgroupRoot.prepare(
            Path.of("/proc/self/mounts"), "orch-stall-" + ProcessHandle.current().pid());
    assumeTrue(root.directory() != null, "no cgroups that this user may make");
    Path busy = Objects.requireNonNull(root.directory());
    List<Process> loops = new ArrayList<>();
    try {
      Path stalls = busy.resolve("cpu.pressure");
      assumeTrue(Files.isWritable(stalls), "this kernel has no PSI for cgroups");
      leaf(A, 10 * MB, 0, 0);
      Files.createSymbolicLink(leaf(A).resolve("memory.pressure"), stalls);
      runs(A, MemoryPressureAction.NOTIFY, 12, 100 * MB);
      String loop = "echo $$ > " + busy.resolve("cgroup.procs") + " && while :; do :; done";
      for (int i = 0; i < 2 * Runtime.getRuntime().availableProcessors(); i++) {
        loops.add(new ProcessBuilder("/bin/sh", "-c", loop).start());
      }
      assertEquals("signal 12 to 10", next());
      assertEquals("MEMORY_SHORT 10 true", next());
    } finally {
      loops.forEach(Process::destroyForcibly);
      for (Process loop : loops) {
        loop.waitFor();
      }
      CgroupRoot.removeAll(busy);
    }
  }

  @Test
  void aLeafThatGoesAwayBreaksNothing() throws Exception {
    leaf(A, 10 * MB, 0, 0);
    leaf(B, 95 * MB, 0, 0);
    runs(A, MemoryPressureAction.EVICT, 12, 100 * MB);
    awaitContent(leaf(A).resolve("memory.high"), Long.toString(100 * MB / 100 * 90));
    for (String file : List.of("memory.current", "memory.events", "memory.high", "cgroup.freeze")) {
      Files.delete(leaf(A).resolve(file));
    }
    Files.delete(leaf(A));
    runs(B, MemoryPressureAction.NOTIFY, 12, 100 * MB);
    assertEquals("signal 12 to 11", next());
    watch.ended(A);
    watch.ended(B);
  }
}

package orch.agent.pressure;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.stream.Stream;
import orch.agent.core.KnownAttempt;
import orch.agent.core.MemoryFigures;
import orch.agent.core.MemoryGuard;
import orch.agent.core.MemoryStep;
import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;
import orch.agent.process.TaskWatch;
import orch.api.model.MemoryPressureAction;
import orch.api.model.Resources;
import orch.api.model.SpecDefinition;
import orch.api.model.Uid;
import orch.api.seam.Clock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches the memory of the tasks that have a limit or a policy, and of the host, on a thread of
 * its own: woken by memory.events and PSI triggers (cgroup v2 and Documentation/accounting/psi.rst
 * of the kernel), and looking by itself now and then, more often when memory is short. Where the
 * host has no such files there is nothing to do.
 */
public final class MemoryWatch implements TaskWatch, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(MemoryWatch.class);

  /**
   * Stalls of 150 ms within a second, in the kernel's own notation in microseconds; and what those
   * may ask for who lack CAP_SYS_RESOURCE, whose windows must be multiples of two seconds.
   */
  private static final List<byte[]> TRIGGERS =
      Stream.of("some 150000 1000000\0", "some 300000 2000000\0")
          .map(text -> text.getBytes(StandardCharsets.US_ASCII))
          .toList();

  private static final int EVENTS = 64;
  private static final int CALM_MILLIS = 200;
  private static final int PRESSED_MILLIS = 50;
  private static final int ROOM = 8_192;

  private final Linux linux;
  private final @Nullable Path cgroup;
  private final Path proc;
  private final PressureFifos fifos;
  private final Clock clock;
  private final Executor loop;
  private final int epoll;
  private final int wake;
  private final Thread thread;
  private final byte[] buffer = new byte[ROOM];

  /** Guarded by itself. */
  private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();

  private volatile @Nullable Listener listener;
  private volatile boolean closed;

  // Of the thread alone.
  private final MemoryGuard guard = new MemoryGuard();
  private final TreeMap<Uid, Leaf> leaves = new TreeMap<>();
  private final Map<Integer, Leaf> byFd = new HashMap<>();
  private int memoryInfo = -1;
  private int hostTrigger = -1;

  /** Called on the loop. */
  public interface Listener {
    void signal(Uid uid, int signal);

    /** Who hears it tells of it too, unless the task is being stopped already. */
    void evict(Uid uid, String reason, SortedMap<String, Long> figures);

    void happened(Uid uid, String type, String message, SortedMap<String, Long> figures);

    /** It was made to stand still, or goes on. */
    void frozen(Uid uid, boolean frozen);
  }

  /** Files of one attempt's leaf cgroup; -1: not there. */
  private static final class Leaf {
    final Uid uid;
    final Path directory;
    int current = -1;
    int events = -1;
    int trigger = -1;
    int fifo = -1;

    Leaf(Uid uid, Path directory) {
      this.uid = uid;
      this.directory = directory;
    }
  }

  /**
   * Nothing is watched before {@link #begin}.
   *
   * @param cgroup the agent's subtree; null: there is none
   * @param proc {@code /proc}
   */
  public MemoryWatch(
      Linux linux,
      @Nullable Path cgroup,
      Path proc,
      PressureFifos fifos,
      Clock clock,
      Executor loop)
      throws LinuxException {
    this.linux = linux;
    this.cgroup = cgroup;
    this.proc = proc;
    this.fifos = fifos;
    this.clock = clock;
    this.loop = loop;
    this.epoll = linux.epollCreate();
    this.wake = linux.eventFd();
    linux.epollAdd(epoll, wake, Linux.IN);
    this.thread = Thread.ofPlatform().name("memory").daemon().unstarted(this::run);
  }

  /** Starts the thread. */
  public void begin(Listener heard) {
    listener = heard;
    thread.start();
  }

  @Override
  public void found(List<KnownAttempt> alive) {}

  @Override
  public void running(KnownAttempt attempt, SpecDefinition definition, long memoryBytes) {
    Resources resources = definition.spec().resources();
    // Its leaf has the limits of the spec; what an agent before this one did to it stays.
    MemoryGuard.Task task =
        new MemoryGuard.Task(
            attempt.uid(),
            resources.memoryPressure(),
            definition.spec().priority(),
            memoryBytes,
            resources.memoryHighBytes(),
            false);
    later(() -> add(task));
  }

  @Override
  public void suspended(Uid uid, boolean frozen) {
    later(() -> {
      Leaf leaf = leaves.get(uid);
      if (leaf != null) {
        if (guard.suspended(uid, frozen, clock.bootNanos())) {
          tellLoop(heard -> heard.frozen(uid, false));
        }
        if (frozen) {
          // It may have been thawed here after its shim had frozen it.
          boolean _ = write(leaf, "cgroup.freeze", "1");
        }
      }
    });
  }

  @Override
  public void stopping(Uid uid) {
    later(() -> {
      Leaf leaf = leaves.get(uid);
      if (leaf != null && guard.stopping(uid)) {
        // It may have been frozen here after its shim had thawed it.
        boolean _ = write(leaf, "cgroup.freeze", "0");
        tellLoop(heard -> heard.frozen(uid, false));
      }
    });
  }

  @Override
  public void ended(Uid uid) {
    later(() -> remove(uid));
  }

  private void later(Runnable task) {
    synchronized (tasks) {
      tasks.add(task);
    }
    try {
      linux.eventSignal(wake);
    } catch (LinuxException e) {
      log.warn("cannot wake the thread that watches memory: {}", e.toString());
    }
  }

  @Override
  public void close() {
    closed = true;
    if (listener == null) {
      return;
    }
    try {
      linux.eventSignal(wake);
      thread.join();
    } catch (LinuxException e) {
      log.warn("cannot wake the thread that watches memory: {}", e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  // ---- on the thread

  private void run() {
    try {
      while (!closed) {
        List<Linux.Ready> ready = linux.epollWait(epoll, EVENTS, pause());
        if (closed) {
          return;
        }
        Set<Integer> fired = new HashSet<>();
        for (Linux.Ready each : ready) {
          if (each.fd() == wake) {
            linux.eventClear(wake);
          } else if ((each.events() & Linux.PRI) != 0) {
            fired.add(each.fd());
          }
        }
        runTasks();
        if (!leaves.isEmpty()) {
          look(fired);
        }
      }
    } catch (LinuxException e) {
      log.error("memory is not watched any more", e);
    }
  }

  private int pause() {
    return guard.isEmpty() ? -1 : guard.isPressed() ? PRESSED_MILLIS : CALM_MILLIS;
  }

  private void runTasks() {
    while (true) {
      Runnable next;
      synchronized (tasks) {
        next = tasks.poll();
      }
      if (next == null) {
        return;
      }
      next.run();
    }
  }

  private void add(MemoryGuard.Task task) {
    Path root = cgroup;
    if (root == null || leaves.containsKey(task.uid())) {
      return;
    }
    Uid uid = task.uid();
    Leaf leaf =
        new Leaf(
            uid,
            root.resolve(
                String.format("t-%08x%08x%016x", uid.incarnation(), uid.epoch(), uid.sequence())));
    leaf.current = open(leaf.directory.resolve("memory.current"), Linux.READ_ONLY);
    leaf.events = open(leaf.directory.resolve("memory.events"), Linux.READ_ONLY);
    boolean acts = task.policy().action() != MemoryPressureAction.NONE;
    if (leaf.current < 0 && !acts) {
      // No memory controller, and nobody wants to know more.
      close(leaf);
      return;
    }
    leaves.put(uid, leaf);
    if (leaf.events >= 0) {
      watch(leaf.events, leaf);
    }
    if (acts) {
      leaf.trigger = trigger(leaf.directory.resolve("memory.pressure"));
      if (leaf.trigger >= 0) {
        watch(leaf.trigger, leaf);
      }
      if (Files.exists(fifos.path(uid))) {
        leaf.fifo = open(fifos.path(uid), Linux.READ_WRITE | Linux.NON_BLOCKING);
      }
      hostToo();
    }
    boolean frozen = acts && isFrozen(leaf);
    MemoryGuard.Task found =
        new MemoryGuard.Task(
            uid, task.policy(), task.priority(), task.limitBytes(), task.highBytes(), frozen);
    if (frozen) {
      tellLoop(heard -> heard.frozen(uid, true));
    }
    long high = guard.watch(found, clock.bootNanos());
    if (acts) {
      write(leaf, "memory.high", high(high));
    }
  }

  private static boolean isFrozen(Leaf leaf) {
    try {
      return Files.readString(leaf.directory.resolve("cgroup.freeze")).strip().equals("1");
    } catch (IOException e) {
      return false;
    }
  }

  private static String high(long bytes) {
    return bytes == MemoryGuard.UNLIMITED ? "max" : Long.toString(bytes);
  }

  /** Once there is a task that something may be done to. */
  private void hostToo() {
    if (memoryInfo >= 0) {
      return;
    }
    memoryInfo = open(proc.resolve("meminfo"), Linux.READ_ONLY);
    hostTrigger = trigger(proc.resolve("pressure/memory"));
    if (hostTrigger >= 0) {
      watch(hostTrigger, null);
    }
  }

  private int open(Path path, int flags) {
    try {
      return linux.open(path.toString(), flags);
    } catch (LinuxException e) {
      log.debug("not watched: {}", e.getMessage());
      return -1;
    }
  }

  private int trigger(Path path) {
    int fd = open(path, Linux.READ_WRITE | Linux.NON_BLOCKING);
    if (fd < 0) {
      return -1;
    }
    for (byte[] trigger : TRIGGERS) {
      try {
        boolean _ = linux.write(fd, trigger);
        return fd;
      } catch (LinuxException e) {
        log.debug("no PSI trigger on {}: {}", path, e.getMessage());
      }
    }
    linux.close(fd);
    return -1;
  }

  private void watch(int fd, @Nullable Leaf leaf) {
    try {
      linux.epollAdd(epoll, fd, Linux.PRI);
      if (leaf != null) {
        byFd.put(fd, leaf);
      }
    } catch (LinuxException e) {
      log.debug("descriptor {} is not watched: {}", fd, e.getMessage());
    }
  }

  private void remove(Uid uid) {
    Leaf leaf = leaves.remove(uid);
    if (leaf != null) {
      guard.forget(uid);
      close(leaf);
    }
    try {
      fifos.remove(uid);
    } catch (IOException e) {
      log.warn("cannot remove a FIFO: {}", e.toString());
    }
  }

  private void close(Leaf leaf) {
    for (int fd : new int[] {leaf.current, leaf.events, leaf.trigger, leaf.fifo}) {
      if (fd >= 0) {
        byFd.remove(fd);
        linux.close(fd);
      }
    }
  }

  private void look(Set<Integer> fired) throws LinuxException {
    List<MemoryFigures.Usage> usages = new ArrayList<>();
    for (Leaf leaf : leaves.values()) {
      SortedMap<String, Long> events =
          leaf.events < 0 ? new TreeMap<>() : CgroupFile.flat(buffer, read(leaf.events));
      usages.add(
          new MemoryFigures.Usage(
              leaf.uid,
              leaf.current < 0 ? 0 : CgroupFile.number(buffer, read(leaf.current)),
              events.getOrDefault("high", 0L),
              events.getOrDefault("max", 0L),
              events.getOrDefault("oom_kill", 0L),
              leaf.trigger >= 0 && fired.contains(leaf.trigger)));
    }
    long total = 0;
    long available = 0;
    if (memoryInfo >= 0) {
      int length = read(memoryInfo);
      total = CgroupFile.memory(buffer, length, "MemTotal");
      available = CgroupFile.memory(buffer, length, "MemAvailable");
    }
    MemoryFigures figures =
        new MemoryFigures(
            total, available, hostTrigger >= 0 && fired.contains(hostTrigger), usages);
    for (MemoryStep step : guard.look(figures, clock.bootNanos())) {
      obey(step);
    }
  }

  /** 0 when the leaf is gone: its end is on its way. */
  private int read(int fd) {
    try {
      return linux.readAtStart(fd, buffer);
    } catch (LinuxException gone) {
      log.debug("cannot read: {}", gone.getMessage());
      return 0;
    }
  }

  private void obey(MemoryStep step) throws LinuxException {
    Leaf leaf = leaves.get(step.uid());
    if (leaf == null) {
      return;
    }
    switch (step) {
      case MemoryStep.Notify of -> {
        tell(leaf, of);
        happened(step, "MEMORY_SHORT");
      }
      case MemoryStep.SetHigh of -> {
        if (write(leaf, "memory.high", high(of.highBytes()))) {
          happened(step, of.lowered() ? "THROTTLED" : "UNTHROTTLED");
        }
      }
      case MemoryStep.Freeze of -> {
        if (write(leaf, "cgroup.freeze", "1")) {
          tellLoop(heard -> heard.frozen(of.uid(), true));
          happened(step, "FROZEN");
        }
      }
      case MemoryStep.Thaw of -> {
        if (write(leaf, "cgroup.freeze", "0")) {
          tellLoop(heard -> heard.frozen(of.uid(), false));
          happened(step, "THAWED");
        }
      }
      case MemoryStep.Evict of -> {
        tellLoop(heard -> heard.evict(of.uid(), of.why(), of.figures()));
      }
      case MemoryStep.Killed of -> happened(step, "OOM_KILL");
    }
  }

  private void tell(Leaf leaf, MemoryStep.Notify of) throws LinuxException {
    if (of.signal() > 0) {
      tellLoop(heard -> heard.signal(of.uid(), of.signal()));
    } else if (leaf.fifo >= 0) {
      StringBuilder line = new StringBuilder();
      of.figures()
          .forEach((name, value) ->
              line.append(line.isEmpty() ? "" : " ").append(name).append('=').append(value));
      // A task that does not read keeps what is in the pipe; it knows already.
      boolean _ =
          linux.write(leaf.fifo, line.append('\n').toString().getBytes(StandardCharsets.US_ASCII));
    }
  }

  private void happened(MemoryStep step, String type) {
    tellLoop(heard -> heard.happened(step.uid(), type, step.why(), step.figures()));
  }

  private void tellLoop(Consumer<Listener> what) {
    loop.execute(() -> {
      Listener heard = listener;
      if (heard != null) {
        what.accept(heard);
      }
    });
  }

  private static boolean write(Leaf leaf, String file, String value) {
    Path path = leaf.directory.resolve(file);
    if (!Files.exists(path)) {
      return false;
    }
    try {
      Files.writeString(path, value);
      return true;
    } catch (IOException e) {
      log.warn("cannot write {} to {}: {}", value, path, e.toString());
      return false;
    }
  }
}

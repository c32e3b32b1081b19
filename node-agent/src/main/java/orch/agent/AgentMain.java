package orch.agent;

import java.io.IOException;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import orch.agent.cgroup.CgroupRoot;
import orch.agent.cgroup.CpuTopology;
import orch.agent.core.Notification;
import orch.agent.host.HostFacts;
import orch.agent.host.NodeIdentity;
import orch.agent.host.Places;
import orch.agent.journal.SystemJournal;
import orch.agent.linux.JnaLinux;
import orch.agent.linux.Linux;
import orch.agent.linux.UserAccount;
import orch.agent.live.LiveService;
import orch.agent.live.ZombieWatch;
import orch.agent.logs.JournalForwarder;
import orch.agent.logs.LogService;
import orch.agent.pressure.MemoryWatch;
import orch.agent.pressure.PressureFifos;
import orch.agent.process.Directories;
import orch.agent.process.LauncherClient;
import orch.agent.process.LauncherProcess;
import orch.agent.process.StopAll;
import orch.agent.process.Strays;
import orch.agent.process.TaskStarts;
import orch.agent.process.TaskWatch;
import orch.agent.rpc.GrpcControllerLink;
import orch.agent.runtime.AgentLoop;
import orch.agent.runtime.DiskFiles;
import orch.agent.runtime.LoopThread;
import orch.agent.seccomp.Architecture;
import orch.agent.seccomp.SeccompProfiles;
import orch.agent.service.ServicePreparation;
import orch.agent.service.ServiceSockets;
import orch.agent.service.ServiceWatch;
import orch.api.config.DaemonCommand;
import orch.api.config.HostAndPort;
import orch.api.model.NodeCapacity;
import orch.api.model.NodeDescription;
import orch.api.model.Quantity;
import orch.api.model.Uid;
import orch.api.seam.Clock;
import orch.api.seam.Randomness;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The node agent's composition root. */
@Command(
    name = "orch-agent",
    description = "Runs and guards the tasks of this host. SIGTERM ends it and touches no task.")
public final class AgentMain implements Callable<Integer> {
  private static final Duration SWEEP = Duration.ofMinutes(10);
  private static final long STOP_SECONDS = 5;

  /** For the kill and the last reports, when the time for the tasks is over. */
  private static final Duration STOP_SLACK = Duration.ofSeconds(15);

  private static final int FAILED = 1;
  private static final int LEADER = 1;

  @Option(
      names = "--data-dir",
      required = true,
      paramLabel = "DIR",
      description = "Node identity, the launcher's journal and the tasks' output.")
  private Path dataDir = Path.of("");

  @Option(
      names = "--controller",
      split = ",",
      paramLabel = "HOST:PORT",
      description = "gRPC address of a controller; several by commas.")
  private List<HostAndPort> controllers = new ArrayList<>();

  @Option(names = "--name", paramLabel = "NAME", description = "Node name; the host's if unsaid.")
  private String name = "";

  @Option(names = "--label", paramLabel = "K=V", description = "A label of the node; repeated.")
  private Map<String, String> labels = new TreeMap<>();

  @Option(
      names = "--allow-missing-limits",
      description = "Run tasks whose limits this host cannot enforce.")
  private boolean allowMissingLimits;

  @Option(names = "--allow-root", description = "Run tasks as root when their job says so.")
  private boolean allowRoot;

  @Option(
      names = "--seccomp-dir",
      paramLabel = "DIR",
      defaultValue = "/etc/orch/seccomp",
      description = "Seccomp profiles of this node's operator: NAME.yaml.")
  private Path seccompDir = Path.of("");

  @Option(
      names = "--capacity-cpu",
      paramLabel = "CPU",
      description = "CPU to offer, such as 500m or 2; all of the host's if unsaid.")
  private String capacityCpu = "";

  @Option(
      names = "--capacity-memory",
      paramLabel = "BYTES",
      description = "Memory to offer, such as 4Gi; all of the host's if unsaid.")
  private String capacityMemory = "";

  @Option(
      names = "--max-attempts",
      paramLabel = "N",
      defaultValue = "1000",
      description = "Most attempts at a time.")
  private int maxAttempts;

  @Option(
      names = "--journal-socket",
      paramLabel = "PATH",
      defaultValue = "/run/systemd/journal/socket",
      description = "journald's socket, which gets a copy of each line; none if it is not there.")
  private Path journalSocket = Path.of("");

  @Option(
      names = "--stop-all",
      description = "End every task, shim and launcher of this data directory, then exit.")
  private boolean stopAll;

  @Option(
      names = "--stop-in-order",
      description =
          "The same by priority, lowest first, each task by its own stop sequence, and with its end"
              + " reported; SIGTERM or SIGINT then kills the rest at once.")
  private boolean stopInOrder;

  @Option(
      names = "--stop-within",
      paramLabel = "TIME",
      defaultValue = "60s",
      description = "After it --stop-in-order kills what still lives.")
  private Duration stopWithin = Duration.ofSeconds(60);

  private final Linux linux = new JnaLinux();

  public static void main(String[] args) {
    if (System.getProperty("logback.configurationFile") == null) {
      System.setProperty(
          "logback.configurationFile", String.valueOf(AgentMain.class.getResource("logback.xml")));
    }
    System.exit(DaemonCommand.of(new AgentMain(), "ORCH_AGENT", System.getenv()).execute(args));
  }

  @Override
  public Integer call() throws InterruptedException {
    try {
      dataDir = dataDir.toAbsolutePath().normalize();
      return stopAll || (stopInOrder && !Files.exists(dataDir.resolve("node")))
          ? stopEverything()
          : run();
    } catch (IOException | IllegalArgumentException e) {
      System.err.println("orch-agent: " + e.getMessage());
      return FAILED;
    }
  }

  private static final class HostClock implements Clock {
    private final Linux linux;

    HostClock(Linux linux) {
      this.linux = linux;
    }

    @Override
    public Instant now() {
      return Instant.now();
    }

    @Override
    public long bootNanos() {
      return linux.bootNanos();
    }
  }

  private int run() throws IOException, InterruptedException {
    if (controllers.isEmpty()) {
      System.err.println(
          "orch-agent: --controller is missing; give the gRPC address of a controller, such as"
              + " localhost:7401");
      return DaemonCommand.WRONG_USAGE;
    }
    Files.createDirectories(dataDir);
    FileLock lock = Places.lock(dataDir);
    if (lock == null) {
      System.err.println(
          "orch-agent: another agent uses "
              + dataDir
              + "; stop it first, or give this one a"
              + " directory of its own");
      return FAILED;
    }
    Logger log = LoggerFactory.getLogger(AgentMain.class);
    CountDownLatch end = new CountDownLatch(1);
    int[] code = {0};
    boolean root = linux.effectiveUser() == 0;
    NodeIdentity identity = NodeIdentity.of(dataDir);
    Places places = Places.of(dataDir, identity, root, System.getenv());
    places.make();
    Clock clock = new HostClock(linux);
    CgroupRoot cgroup = cgroup(identity, root);
    if (stopInOrder && !launcherProcess(places, identity, cgroup, root).answers(linux)) {
      // Nobody could tell tasks to stop, and while a host stops no launcher can be started.
      return endEverything(identity, places, cgroup, root);
    }
    if (!cgroup.note().isEmpty()) {
      log.info("{}; limits that cannot be enforced: {}", cgroup.note(), cgroup.missing());
    }
    String node = name.isEmpty() ? HostFacts.nodeName() : name;
    SortedMap<String, String> attributes = HostFacts.attributes();
    AgentLoop.Broken broken =
        (why, cause) -> {
          log.error("{}; ending", why, cause);
          code[0] = FAILED;
          end.countDown();
        };
    LoopThread loop =
        new LoopThread(
            "agent",
            clock,
            (thread, problem) -> {
              log.error("the agent's loop is broken; ending", problem);
              code[0] = FAILED;
              end.countDown();
            });
    ThreadPoolExecutor background =
        new ThreadPoolExecutor(1, 1, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>());
    background.allowCoreThreadTimeOut(true);
    LauncherClient launcher =
        new LauncherClient(
            linux, launcherProcess(places, identity, cgroup, root), loop, clock, loop);
    GrpcControllerLink link =
        new GrpcControllerLink(
            controllers.stream().map(HostAndPort::toString).toList(), loop, loop, randomness());
    SortedMap<String, String> facts = new TreeMap<>(attributes);
    facts.putAll(labels);
    TaskStarts tasks =
        new TaskStarts(
            linux,
            new TaskStarts.Settings(
                node,
                HostFacts.hostName(),
                places.tasks(),
                cgroup.directory(),
                () -> launcher.missingLimits(cgroup.missing()),
                allowMissingLimits,
                allowRoot,
                facts,
                new SeccompProfiles(seccompDir, Architecture.host()),
                CpuTopology.read(Path.of("/sys/devices/system/node"))),
            clock);
    ServiceSockets sockets =
        new ServiceSockets(linux, places.run().resolve("n"), cgroup.path(), clock, loop);
    PressureFifos fifos = new PressureFifos(linux, places.run().resolve("m"));
    MemoryWatch memory =
        new MemoryWatch(linux, cgroup.directory(), Path.of("/proc"), fifos, clock, loop);
    DiskFiles files = DiskFiles.open(dataDir);
    JournalForwarder journal = journal(places);
    LogService logs = new LogService(places.segments(), dataDir.resolve("outputs"), clock, journal);
    AgentLoop agent =
        new AgentLoop(
            new AgentLoop.Seams(
                loop,
                background,
                clock,
                loop,
                launcher,
                link,
                new ServicePreparation(tasks, sockets, fifos),
                files,
                logs,
                link::logSink,
                new LiveService(
                    linux,
                    clock,
                    loop,
                    background,
                    launcher,
                    link::conversation,
                    launcher::guarded),
                () -> {
                  System.out.println("ready · node " + node + " · uid " + identity.uid());
                  System.out.flush();
                },
                broken),
            node,
            identity.bootId(),
            () -> description(node, identity, attributes, launcher.missingLimits(cgroup.missing())),
            UUID.randomUUID().toString());
    launcher.pass(sockets);
    agent.watch(TaskWatch.both(new ServiceWatch(sockets), memory));
    memory.begin(memoryActions(agent, launcher));
    sockets.begin(
        new ServiceSockets.Listener() {
          @Override
          public void said(Uid uid, Notification what) {
            agent.said(uid, what);
          }

          @Override
          public void refused(Uid uid, String why) {
            agent.happened(uid, "NOTIFY_REFUSED", why, new TreeMap<>());
          }
        });
    Thread hook =
        new Thread(
            () -> {
              if (stopInOrder && end.getCount() > 0) {
                // Asked for a second time: at once.
                loop.execute(() -> agent.shutDown(Duration.ZERO, end::countDown));
                await(end, STOP_SLACK);
              }
              end.countDown();
              // Before the loop, which hands what was read to the launcher.
              sockets.close();
              leave(agent, loop, background, files, logs, journal, log);
              if (stopInOrder && code[0] == 0) {
                code[0] = endEverything(identity, places, cgroup, root);
              }
              Runtime.getRuntime().halt(code[0]);
            },
            "end");
    Runtime.getRuntime().addShutdownHook(hook);
    loop.execute(agent::start);
    watchProcesses(agent, launcher, loop, background);
    sweepLogs(loop, background, logs);
    if (stopInOrder) {
      loop.execute(() -> agent.shutDown(stopWithin, end::countDown));
      await(end, stopWithin.plus(STOP_SLACK));
    } else {
      end.await();
    }
    // The hook does the leaving; System.exit runs it.
    return code[0];
  }

  private static void await(CountDownLatch end, Duration limit) {
    try {
      if (!end.await(limit.toMillis(), TimeUnit.MILLISECONDS)) {
        LoggerFactory.getLogger(AgentMain.class).warn("tasks do not end; killing what is left");
        end.countDown();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void watchProcesses(
      AgentLoop agent, LauncherClient launcher, LoopThread loop, ThreadPoolExecutor background) {
    ZombieWatch zombies =
        new ZombieWatch(
            agent::liveUids,
            launcher::guarded,
            loop,
            background,
            loop,
            ZombieWatch.PERIOD,
            agent::happened);
    Strays strays =
        new Strays(
            launcher,
            agent::liveUids,
            loop,
            background,
            loop,
            Strays.PERIOD,
            (type, message, figures) -> agent.happened(null, type, message, figures));
    loop.execute(() -> {
      zombies.begin();
      strays.begin();
    });
  }

  /** What is done to tasks when memory is short, by the loop and the launcher. */
  private static MemoryWatch.Listener memoryActions(AgentLoop agent, LauncherClient launcher) {
    return new MemoryWatch.Listener() {
      @Override
      public void signal(Uid uid, int signal) {
        launcher.signal(uid, signal, LEADER, (processes, error) -> {});
      }

      @Override
      public void evict(Uid uid, String reason, SortedMap<String, Long> figures) {
        agent.evict(uid, reason, figures);
      }

      @Override
      public void happened(Uid uid, String type, String message, SortedMap<String, Long> figures) {
        agent.happened(uid, type, message, figures);
      }

      @Override
      public void frozen(Uid uid, boolean frozen) {
        agent.frozenForMemory(uid, frozen);
      }
    };
  }

  private static void leave(
      AgentLoop agent,
      LoopThread loop,
      ThreadPoolExecutor background,
      DiskFiles files,
      LogService logs,
      @Nullable JournalForwarder journal,
      Logger log) {
    CountDownLatch stopped = new CountDownLatch(1);
    loop.execute(() -> {
      agent.stop();
      stopped.countDown();
    });
    try {
      if (!stopped.await(STOP_SECONDS, TimeUnit.SECONDS)) {
        log.warn("the loop does not end; leaving it");
      }
      background.shutdown();
      background.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS);
      logs.close();
      if (journal != null) {
        journal.close();
      }
      files.close();
      log.info("ended");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      log.warn("cannot close the agent's files: {}", e.toString());
    }
  }

  private static void sweepLogs(LoopThread loop, ThreadPoolExecutor background, LogService logs) {
    loop.after(
        SWEEP,
        () -> {
          background.execute(logs::sweep);
          sweepLogs(loop, background, logs);
        });
  }

  private @Nullable JournalForwarder journal(Places places) throws IOException {
    if (!Files.exists(journalSocket)) {
      return null;
    }
    JournalForwarder journal =
        new JournalForwarder(
            places.segments(),
            dataDir.resolve("journald"),
            new SystemJournal(linux, journalSocket.toString()));
    journal.start();
    return journal;
  }

  private static Randomness randomness() {
    SecureRandom random = new SecureRandom();
    return random::nextLong;
  }

  private static String scope(NodeIdentity identity) {
    return "orch-tasks-" + identity.shortUid() + ".scope";
  }

  private static CgroupRoot cgroup(NodeIdentity identity, boolean root) throws IOException {
    if (!root) {
      return CgroupRoot.none("this agent runs as an ordinary user and has no cgroup of its own");
    }
    return Places.hasSystemd()
        ? CgroupRoot.scope(Path.of("/proc/self/mounts"), scope(identity))
        : CgroupRoot.prepare(Path.of("/proc/self/mounts"), "orch-" + identity.shortUid());
  }

  private LauncherProcess launcherProcess(
      Places places, NodeIdentity identity, CgroupRoot cgroup, boolean root) {
    return new LauncherProcess(
        places.launcher(),
        places.run(),
        places.data(),
        Places.prefix(root, scope(identity)),
        cgroup.directory(),
        maxAttempts);
  }

  private NodeDescription description(
      String node,
      NodeIdentity identity,
      SortedMap<String, String> attributes,
      List<String> missing) {
    try {
      long cpu =
          capacityCpu.isEmpty() ? HostFacts.cpuMillis() : Quantity.parseCpuMillis(capacityCpu);
      long memory =
          capacityMemory.isEmpty() ? HostFacts.memoryBytes() : Quantity.parseBytes(capacityMemory);
      UserAccount user = linux.userOf(linux.effectiveUser());
      String version =
          Objects.requireNonNullElse(
              AgentMain.class.getPackage().getImplementationVersion(), "development");
      return new NodeDescription(
          identity.uid(),
          node,
          identity.machineId(),
          identity.bootId(),
          version,
          new TreeMap<>(labels),
          attributes,
          // One that stops has room for nothing, so that nothing is placed on it.
          new NodeCapacity(cpu, memory, stopInOrder ? 0 : maxAttempts, new TreeMap<>()),
          missing,
          user == null ? Integer.toString(linux.effectiveUser()) : user.name());
    } catch (IOException e) {
      throw new IllegalStateException("cannot describe this host: " + e.getMessage(), e);
    }
  }

  private int stopEverything() throws IOException, InterruptedException {
    if (!Files.exists(dataDir.resolve("node"))) {
      System.err.println("orch-agent: no agent ever ran with " + dataDir);
      return 0;
    }
    FileLock lock = Places.lock(dataDir);
    if (lock == null) {
      System.err.println("orch-agent: the agent of " + dataDir + " runs; stop it first");
      return FAILED;
    }
    boolean root = linux.effectiveUser() == 0;
    NodeIdentity identity = NodeIdentity.of(dataDir);
    Places places = Places.of(dataDir, identity, root, System.getenv());
    CgroupRoot cgroup = cgroup(identity, root);
    return endEverything(identity, places, cgroup, root);
  }

  /** Kills what lives, and removes what is of no use to the next agent. */
  private int endEverything(NodeIdentity identity, Places places, CgroupRoot cgroup, boolean root) {
    try {
      StopAll.run(linux, launcherProcess(places, identity, cgroup, root));
      Path directory = cgroup.directory();
      if (directory != null && !CgroupRoot.removeAll(directory)) {
        System.err.println(
            "orch-agent: " + directory + " still has processes, which SIGKILL does not end");
        return FAILED;
      }
      Directories.remove(places.run());
      return 0;
    } catch (IOException e) {
      System.err.println("orch-agent: " + e.getMessage());
      return FAILED;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return FAILED;
    }
  }
}

package orch.agent;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.LongFunction;
import java.util.function.Predicate;
import orch.agent.cgroup.CgroupRoot;
import orch.agent.cgroup.CpuTopology;
import orch.agent.core.KnownAttempt;
import orch.agent.core.Notification;
import orch.agent.link.ControllerLink;
import orch.agent.linux.JnaLinux;
import orch.agent.linux.Linux;
import orch.agent.live.Conversation;
import orch.agent.live.LiveService;
import orch.agent.live.ZombieWatch;
import orch.agent.logs.LogServer;
import orch.agent.logs.LogSink;
import orch.agent.logs.TaskIdentity;
import orch.agent.pressure.PressureFifos;
import orch.agent.process.Directories;
import orch.agent.process.LauncherClient;
import orch.agent.process.LauncherProcess;
import orch.agent.process.StopAll;
import orch.agent.process.Strays;
import orch.agent.process.TaskStarts;
import orch.agent.runtime.AgentLoop;
import orch.agent.runtime.DiskFiles;
import orch.agent.runtime.LoopThread;
import orch.agent.seccomp.Architecture;
import orch.agent.seccomp.SeccompProfiles;
import orch.agent.service.ServicePreparation;
import orch.agent.service.ServiceSockets;
import orch.agent.service.ServiceWatch;
import orch.api.model.AgentMessage;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.JobSpec;
import orch.api.model.LinkHeader;
import orch.api.model.NodeCapacity;
import orch.api.model.NodeDescription;
import orch.api.model.NodeEvent;
import orch.api.model.SpecDefinition;
import orch.api.model.StageTimes;
import orch.api.model.StopOrder;
import orch.api.model.Uid;
import orch.api.seam.Clock;
import org.jspecify.annotations.Nullable;

/**
 * An agent with the real launcher and real processes, without a controller: the test gives the
 * orders and reads the reports. {@link #crash} leaves it as SIGKILL would.
 */
final class RealAgent implements AutoCloseable {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final Duration LOOKS = Duration.ofMillis(250);
  private static final Duration HEARTBEATS = Duration.ofMillis(300);
  static final String BOOT = readBootId();

  final Path directory;
  final Linux linux = new JnaLinux();
  private final LauncherProcess process;
  private final BlockingQueue<AttemptStatus> reports = new LinkedBlockingQueue<>();
  private final BlockingQueue<AgentMessage.Inspected> answers = new LinkedBlockingQueue<>();
  private final BlockingQueue<AgentMessage.SignalOutcome> outcomes = new LinkedBlockingQueue<>();
  private final Map<Uid, AttemptStatus> last = new LinkedHashMap<>();
  private final @Nullable Path cgroup;
  private LoopThread loop;
  private AgentLoop agent;
  private ServiceSockets services;
  private final BlockingQueue<NodeEvent> events = new LinkedBlockingQueue<>();
  private DiskFiles files;
  private FakeLink link;
  private long revision = 1;
  private long questions;

  /** Where streams for commands and attachments come from. */
  LongFunction<Conversation> conversations =
      stream -> {
        throw new AssertionError("no conversation was asked for");
      };

  AgentMessage.@Nullable Hello hello;

  /** Whether the leader that answers heartbeats can prove itself. */
  volatile boolean leases = true;

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

  /** Takes everything and keeps the reports. */
  private final class FakeLink implements ControllerLink {
    private final CountDownLatch opened = new CountDownLatch(1);
    @Nullable Listener listener;

    @Override
    public void start(Listener heard) {
      listener = heard;
      hello = heard.hello();
      heard.opened();
      tell(new ControllerMessage.Welcome(HEARTBEATS, false));
      opened.countDown();
    }

    void tell(ControllerMessage message) {
      if (listener != null) {
        listener.received(new LinkHeader("c1", 1, 1, revision++), message);
      }
    }

    @Override
    public void send(AgentMessage message) {
      if (message instanceof AgentMessage.Reports sent) {
        reports.addAll(sent.attempts());
      } else if (message instanceof AgentMessage.Heartbeat heartbeat) {
        loop.execute(
            () -> tell(new ControllerMessage.HeartbeatReply(heartbeat.sequence(), leases)));
      } else if (message instanceof AgentMessage.Events sent) {
        events.addAll(sent.events());
      } else if (message instanceof AgentMessage.Inspected answer) {
        answers.add(answer);
      } else if (message instanceof AgentMessage.SignalOutcome outcome) {
        outcomes.add(outcome);
      }
    }

    @Override
    public boolean writable() {
      return true;
    }

    @Override
    public void reset(String why) {
      throw new AssertionError("the agent closed the session: " + why);
    }

    @Override
    public void close() {}
  }

  private static final class NoLogs implements LogServer {
    @Override
    public void attemptStarted(TaskIdentity identity) {}

    @Override
    public void attemptEnded(Uid uid) {}

    @Override
    public void open(ControllerMessage.OpenLogs query, LogSink sink) {}

    @Override
    public void close(long stream, boolean drain) {}
  }

  RealAgent() throws IOException {
    this(null);
  }

  RealAgent(@Nullable Path cgroup) throws IOException {
    this.cgroup = cgroup;
    directory =
        Files.createTempDirectory(
            Path.of("/tmp"),
            "orch-agent-test",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx--x--x")));
    Files.createDirectory(directory.resolve("run"));
    Files.createDirectory(directory.resolve("data"));
    Files.createDirectory(directory.resolve("tasks"));
    Files.setPosixFilePermissions(
        directory.resolve("tasks"), PosixFilePermissions.fromString("rwx--x--x"));
    process =
        new LauncherProcess(
            launcher(),
            directory.resolve("run"),
            directory.resolve("data"),
            List.of("setsid"),
            cgroup,
            64);
    begin();
  }

  private static Path launcher() {
    Path named = Path.of("target/native/orch-launcher").toAbsolutePath();
    if (!Files.isExecutable(named)) {
      throw new AssertionError(named + " is missing; the module's build makes it");
    }
    return named;
  }

  /** An agent comes to life with what the one before it left. */
  void begin() throws IOException {
    Clock clock = new HostClock(linux);
    loop =
        new LoopThread(
            "agent",
            clock,
            (thread, problem) -> {
              throw new AssertionError("the loop is broken", problem);
            });
    LauncherClient launcher = new LauncherClient(linux, process, loop, clock, loop);
    files = DiskFiles.open(directory.resolve("data"));
    link = new FakeLink();
    ServiceSockets sockets =
        new ServiceSockets(
            linux,
            directory.resolve("n"),
            new CgroupRoot(cgroup, List.of(), "").path(),
            clock,
            loop);
    services = sockets;
    PressureFifos fifos = new PressureFifos(linux, directory.resolve("m"));
    TaskStarts tasks =
        new TaskStarts(
            linux,
            new TaskStarts.Settings(
                "node-1",
                "host-1",
                directory.resolve("tasks"),
                cgroup,
                () -> launcher.missingLimits(List.of()),
                false,
                true,
                new TreeMap<>(Map.of("rack", "r7")),
                new SeccompProfiles(directory.resolve("seccomp"), Architecture.host()),
                CpuTopology.read(Path.of("/sys/devices/system/node"))),
            clock);
    agent =
        new AgentLoop(
            new AgentLoop.Seams(
                loop,
                Runnable::run,
                clock,
                loop,
                launcher,
                link,
                new ServicePreparation(tasks, sockets, fifos),
                files,
                new NoLogs(),
                stream -> {
                  throw new AssertionError("no output was asked for");
                },
                new LiveService(
                    linux,
                    clock,
                    loop,
                    Runnable::run,
                    launcher,
                    stream -> conversations.apply(stream),
                    launcher::guarded),
                () -> {},
                (why, cause) -> {
                  throw new AssertionError(why, cause);
                }),
            "node-1",
            BOOT,
            () ->
                new NodeDescription(
                    "u1",
                    "node-1",
                    "m1",
                    BOOT,
                    "0",
                    new TreeMap<>(),
                    new TreeMap<>(),
                    new NodeCapacity(1, 1, 64, new TreeMap<>()),
                    List.of(),
                    "root"));
    AgentLoop begun = agent;
    launcher.pass(sockets);
    begun.watch(new ServiceWatch(sockets));
    sockets.begin(
        new ServiceSockets.Listener() {
          @Override
          public void said(Uid uid, Notification what) {
            begun.said(uid, what);
          }

          @Override
          public void refused(Uid uid, String why) {
            begun.happened(uid, "NOTIFY_REFUSED", why, new TreeMap<>());
          }
        });
    loop.execute(agent::start);
    ZombieWatch zombies =
        new ZombieWatch(
            agent::liveUids, launcher::guarded, loop, Runnable::run, loop, LOOKS, agent::happened);
    Strays strays =
        new Strays(
            launcher,
            agent::liveUids,
            loop,
            Runnable::run,
            loop,
            LOOKS,
            (type, message, figures) -> begun.happened(null, type, message, figures));
    loop.execute(() -> {
      zombies.begin();
      strays.begin();
    });
    try {
      if (!link.opened.await(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
        throw new AssertionError("the agent did not find its launcher in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Ends the agent at once; the launcher sees its sockets close. */
  void crash() throws IOException {
    loop.execute(agent::stop);
    loop.execute(() -> reports.add(MARK));
    await(status -> status == MARK);
    services.close();
    loop.close();
    files.close();
    reports.clear();
    last.clear();
  }

  private static final AttemptStatus MARK =
      new AttemptStatus(
          new Uid(9, 9, 9),
          new Uid(9, 9, 9),
          0,
          0,
          0,
          AttemptState.PLACED,
          "",
          0,
          0,
          null,
          StageTimes.NONE);

  /** Runs something on the agent's loop. */
  void tell(ControllerMessage message) {
    loop.execute(() -> link.tell(message));
  }

  /** Stops everything in order; the latch falls when that is done. */
  CountDownLatch shutDown(Duration within) {
    CountDownLatch done = new CountDownLatch(1);
    loop.execute(() -> agent.shutDown(within, done::countDown));
    return done;
  }

  void run(Uid uid, JobSpec spec) {
    order(uid, spec, null);
  }

  void stop(Uid uid, JobSpec spec, Duration grace) {
    order(uid, spec, new StopOrder(grace, "cancelled by alice"));
  }

  void order(Uid uid, JobSpec spec, @Nullable StopOrder stop) {
    order(uid, new Uid(1, 1, uid.sequence() + 1_000_000), spec, stop);
  }

  /** Attempts of one job are of one task, too. */
  void order(Uid uid, Uid job, JobSpec spec, @Nullable StopOrder stop) {
    tell(
        new ControllerMessage.Desired(
            false,
            false,
            List.of(
                new SpecDefinition(
                    job, 1, spec, "default", "web", 42, "0af7651916cd43dd8448eb211c80319c", "", 3)),
            List.of(
                new DesiredAttempt(
                    uid,
                    job,
                    1,
                    2,
                    1,
                    BOOT,
                    stop,
                    Duration.ZERO,
                    new TreeMap<>(Map.of("http", 8080)),
                    uid.fencingToken(),
                    "b7ad6b7169203331",
                    "item-x",
                    0,
                    StageTimes.NONE))));
  }

  /** Asks for the attempt's processes, or its usage. */
  AgentMessage.Inspected inspect(Uid uid, boolean usage) {
    tell(new ControllerMessage.Inspect(++questions, uid, usage));
    try {
      AgentMessage.Inspected answer = answers.poll(LIMIT.toSeconds(), TimeUnit.SECONDS);
      if (answer == null || answer.request() != questions) {
        throw new AssertionError("not answered in time, or not this question: " + answer);
      }
      return answer;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /** Sends a signal and awaits what became of it. */
  AgentMessage.SignalOutcome signal(Uid uid, int signal, int target) {
    tell(new ControllerMessage.Signal(++questions, uid, signal, target));
    try {
      AgentMessage.SignalOutcome outcome = outcomes.poll(LIMIT.toSeconds(), TimeUnit.SECONDS);
      if (outcome == null) {
        throw new AssertionError("nobody said what became of the signal");
      }
      return outcome;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  void forget(Uid uid) {
    tell(new ControllerMessage.Forget(List.of(uid)));
  }

  AttemptStatus awaitEnd(Uid uid) {
    return await(status -> status.uid().equals(uid) && status.state().ended());
  }

  AttemptStatus awaitState(Uid uid, AttemptState state) {
    return await(status -> status.uid().equals(uid) && status.state() == state);
  }

  AttemptStatus awaitStatus(Predicate<AttemptStatus> wanted) {
    return await(wanted);
  }

  /** The next event of the type. */
  NodeEvent awaitEvent(String type) throws InterruptedException {
    while (true) {
      NodeEvent next = events.poll(LIMIT.toSeconds(), TimeUnit.SECONDS);
      if (next == null) {
        throw new AssertionError("no event " + type + " in time");
      }
      if (next.type().equals(type)) {
        return next;
      }
    }
  }

  private AttemptStatus await(Predicate<AttemptStatus> wanted) {
    for (AttemptStatus seen : last.values()) {
      if (wanted.test(seen)) {
        return seen;
      }
    }
    long deadline = System.nanoTime() + LIMIT.toNanos();
    try {
      while (true) {
        AttemptStatus next = reports.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        if (next == null) {
          throw new AssertionError("not reported in time; last: " + last.values());
        }
        last.put(next.uid(), next);
        if (wanted.test(next)) {
          return next;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /** Attempts that the files remember. */
  List<KnownAttempt> remembered() throws IOException {
    try (DiskFiles read = DiskFiles.open(directory.resolve("data"))) {
      return new ArrayList<>(read.known());
    }
  }

  /** The process whose command line names this agent's directory. */
  int launcherPid() throws IOException {
    try (var processes = Files.newDirectoryStream(Path.of("/proc"), "[1-9]*")) {
      for (Path each : processes) {
        try {
          if (Files.readString(each.resolve("cmdline")).contains(directory.toString())
              && Files.readString(each.resolve("comm")).startsWith("orch-launcher")) {
            return Integer.parseInt(String.valueOf(each.getFileName()));
          }
        } catch (IOException gone) {
          continue;
        }
      }
    }
    throw new AssertionError("no launcher runs");
  }

  /** A dead launcher's successor listens. */
  void awaitLauncherOtherThan(int pid) throws InterruptedException {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (System.nanoTime() < deadline) {
      try {
        if (launcherPid() != pid) {
          return;
        }
      } catch (IOException | AssertionError none) {
        // Between the two.
      }
      TimeUnit.MILLISECONDS.sleep(10);
    }
    throw new AssertionError("no launcher followed " + pid);
  }

  @Override
  public void close() throws IOException {
    crash();
    try {
      StopAll.run(linux, process);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Directories.remove(directory);
  }

  private static String readBootId() {
    try {
      return Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}

package orch.agent.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import orch.agent.linux.JnaLinux;
import orch.agent.linux.Linux;
import orch.agent.process.LauncherPort.End;
import orch.agent.process.LauncherPort.Found;
import orch.api.model.Blob;
import orch.api.model.ResultKind;
import orch.api.model.StartFailure;
import orch.api.model.StopPolicy;
import orch.api.model.Uid;
import orch.api.seam.Clock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The real launcher, real shims, real processes; without cgroups, as an ordinary user has it. */
@Timeout(60)
class LauncherClientTest {
  private static final Path PROGRAM =
      Path.of(System.getProperty("orch.launcher", "target/native/orch-launcher")).toAbsolutePath();

  @TempDir Path directory;
  private final Linux linux = new JnaLinux();
  private final ExecutorService loop = Executors.newSingleThreadExecutor();
  private LauncherProcess process;
  private LauncherClient client;
  private Events events;
  private String bootId = "";
  private long sequence;

  @BeforeEach
  void start() throws Exception {
    bootId = Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip();
    process =
        new LauncherProcess(
            PROGRAM,
            directory.resolve("run"),
            directory.resolve("data"),
            List.of("setsid"),
            null,
            64);
    connect();
  }

  @AfterEach
  void stop() throws Exception {
    onLoop(client::close);
    loop.shutdown();
    assertTrue(loop.awaitTermination(10, TimeUnit.SECONDS));
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    boolean stopped = false;
    while (!stopped && System.nanoTime() < until) {
      try {
        stopped = StopAll.run(linux, process);
      } catch (IOException busy) {
        stopped = false; // The connection that was just closed still counts as an agent.
      }
    }
    assertTrue(stopped);
  }

  @Test
  void endOfATaskIsToldWithItsTrueStatus() throws Exception {
    Uid code = start("exit 42");
    Uid signal = start("kill -TERM $$");
    Map<Uid, End> ends = events.ends(2);
    assertEquals(ResultKind.EXITED, ends.get(code).result().kind());
    assertEquals(42, ends.get(code).result().exitCode());
    assertEquals(ResultKind.SIGNALED, ends.get(signal).result().kind());
    assertEquals(143, ends.get(signal).result().exitCode());
  }

  @Test
  void commandThatDoesNotExistIsAStartThatFailedAtExec() throws Exception {
    submit(request(List.of("/no/such/program"), "web/0@1"));
    StartFailure why = events.failures.poll(10, TimeUnit.SECONDS);
    assertEquals("exec", why.stage());
    assertEquals(2, why.errno());
    assertTrue(
        why.message()
            .startsWith(
                "cannot start web/0@1: exec /no/such/program: No such file or directory (ENOENT)"),
        why.message());
  }

  @Test
  void moreStartsThanShimsWaitForOne() throws Exception {
    for (int i = 0; i < 200; i++) {
      start("exit 0");
    }
    assertEquals(200, events.ends(200).size());
  }

  @Test
  void stoppedTaskEndsByItsSignal() throws Exception {
    Uid uid = start("sleep 99");
    assertEquals(uid, events.started.poll(10, TimeUnit.SECONDS));
    onLoop(() -> client.stop(uid, null));
    End end = events.ends(1).get(uid);
    assertEquals(ResultKind.STOPPED, end.result().kind());
    assertTrue(end.stopped());
    assertEquals(143, end.result().exitCode());
  }

  @Test
  void newAgentFindsWhatRunsAndWhatEndedMeanwhile() throws Exception {
    Path go = directory.resolve("go");
    Uid running = start("while [ ! -e " + go + " ]; do sleep 0.02; done; exit 7");
    Uid done = start("exit 3");
    events.ends(1);
    Uid heard = null;
    while (!running.equals(heard)) {
      // On a busy host the short one, too, lives long enough to be told of.
      heard = Objects.requireNonNull(events.started.poll(10, TimeUnit.SECONDS));
    }
    onLoop(client::close);
    connectAgain();
    Found alive = events.found(running);
    assertTrue(alive.running());
    assertEquals(3, events.found(done).end().result().exitCode());
    Files.createFile(go);
    assertEquals(7, events.ends(1).get(running).result().exitCode());
  }

  @Test
  void ackedAttemptIsFoundNoMore() throws Exception {
    Uid uid = start("exit 0");
    events.ends(1);
    onLoop(() -> client.ack(List.of(uid)));
    // The answer to the ack comes before that of anything sent later.
    Uid later = start("exit 0");
    events.ends(1);
    onLoop(client::close);
    connectAgain();
    assertEquals(List.of(later), events.found.stream().map(Found::uid).toList());
  }

  @Test
  void startWhileThereIsNoLauncherIsLeftToWhoeverHearsOfTheNextConnection() throws Exception {
    Path ran = directory.resolve("ran");
    killLauncher();
    assertTrue(events.disconnected.poll(20, TimeUnit.SECONDS));
    StartRequest early = request(List.of("/bin/sh", "-c", "echo early >>" + ran), "web/0@1");
    submit(early);
    assertTrue(events.connected.poll(20, TimeUnit.SECONDS));
    assertEquals(List.of(), events.found);
    // Starts are begun in the order in which they came.
    Uid later = start("echo later >>" + ran);
    assertEquals(Set.of(later), events.ends(1).keySet());
    onLoop(client::close);
    connectAgain();
    assertEquals(List.of(later), events.found.stream().map(Found::uid).toList());
    assertEquals(List.of("later"), Files.readAllLines(ran));
  }

  private void killLauncher() {
    ProcessHandle.allProcesses()
        .filter(each -> commandName(each.pid()).startsWith("orch-launcher"))
        .filter(each ->
            List.of(each.info().arguments().orElse(new String[0]))
                .contains(directory.resolve("run").toString()))
        .findFirst()
        .orElseThrow()
        .destroyForcibly();
  }

  private static String commandName(long pid) {
    try {
      return Files.readString(Path.of("/proc", Long.toString(pid), "comm"));
    } catch (IOException gone) {
      return "";
    }
  }

  private Uid start(String script) throws Exception {
    StartRequest request = request(List.of("/bin/sh", "-c", script), "web/0@1");
    submit(request);
    return request.uid();
  }

  private void submit(StartRequest request) throws Exception {
    onLoop(() -> client.start(request, false));
  }

  private StartRequest request(List<String> arguments, String name) {
    return new StartRequest(
        new Uid(1, 1, ++sequence),
        bootId,
        name,
        arguments,
        new TreeMap<>(Map.of("PATH", "/usr/bin:/bin")),
        "/",
        null,
        null,
        null,
        false,
        null,
        null,
        null,
        null,
        true,
        null,
        false,
        null,
        List.of(),
        List.of(),
        StopPolicy.BATCH_DEFAULT,
        0,
        0,
        Blob.EMPTY,
        List.of(),
        false,
        List.of(),
        StartRequest.Input.NONE);
  }

  private void connect() throws Exception {
    client =
        new LauncherClient(
            linux,
            process,
            loop,
            new HostClock(),
            (delay, action) -> {
              Thread timer =
                  Thread.ofVirtual()
                      .start(() -> {
                        try {
                          TimeUnit.NANOSECONDS.sleep(delay.toNanos());
                          loop.execute(action);
                        } catch (InterruptedException cancelled) {
                          Thread.currentThread().interrupt();
                        }
                      });
              return timer::interrupt;
            });
    events = new Events();
    onLoop(() -> client.connect(events));
    assertTrue(events.connected.poll(20, TimeUnit.SECONDS));
  }

  private final class HostClock implements Clock {
    @Override
    public Instant now() {
      return Instant.now();
    }

    @Override
    public long bootNanos() {
      return linux.bootNanos();
    }
  }

  private void connectAgain() throws Exception {
    connect();
  }

  private void onLoop(Runnable action) throws Exception {
    loop.submit(action).get(20, TimeUnit.SECONDS);
  }

  private static final class Events implements LauncherPort.Listener {
    final BlockingQueue<Boolean> connected = new LinkedBlockingQueue<>();
    final BlockingQueue<Boolean> disconnected = new LinkedBlockingQueue<>();
    final BlockingQueue<Uid> started = new LinkedBlockingQueue<>();
    final BlockingQueue<StartFailure> failures = new LinkedBlockingQueue<>();
    final BlockingQueue<Map.Entry<Uid, End>> ended = new LinkedBlockingQueue<>();
    volatile List<Found> found = List.of();

    Map<Uid, End> ends(int count) throws InterruptedException {
      Map<Uid, End> ends = new TreeMap<>();
      while (ends.size() < count) {
        Map.Entry<Uid, End> next = ended.poll(20, TimeUnit.SECONDS);
        assertTrue(next != null, ends.size() + " of " + count + " ended");
        ends.put(next.getKey(), next.getValue());
      }
      return ends;
    }

    Found found(Uid uid) {
      return found.stream().filter(each -> each.uid().equals(uid)).findFirst().orElseThrow();
    }

    @Override
    public void connected(List<Found> all) {
      found = new ArrayList<>(all);
      connected.add(true);
    }

    @Override
    public void disconnected(String why) {
      disconnected.add(true);
    }

    @Override
    public void started(Uid uid, int pid, long startNanos) {
      started.add(uid);
    }

    @Override
    public void startFailed(Uid uid, StartFailure why, long atNanos) {
      failures.add(why);
    }

    @Override
    public void ended(Uid uid, End end) {
      ended.add(Map.entry(uid, end));
    }

    @Override
    public void dropped(Uid uid) {}

    @Override
    public void stuck(Uid uid, int processes) {}
  }
}

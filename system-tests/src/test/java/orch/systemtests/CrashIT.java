package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchService;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** kill -9 of a part in the middle of work: nothing is lost, nothing runs twice. */
@Timeout(300)
class CrashIT {
  private static final int TASKS = 200;

  private Cluster cluster;

  @BeforeEach
  void start() throws Exception {
    cluster = Cluster.start();
  }

  @AfterEach
  void stop() throws Exception {
    cluster.close();
  }

  @Test
  void killedControllerLosesNoTaskAndRunsNoneTwice() throws Exception {
    Path runs = Files.createDirectory(cluster.directory().resolve("runs"));
    String number = submitArray(runs);
    awaitFiles(runs, TASKS / 4);
    cluster.controller().kill();
    cluster.restartController();
    expectEachRanOnce(number, runs);
  }

  @Test
  void killedAgentLosesNoTaskAndRunsNoneTwice() throws Exception {
    Path runs = Files.createDirectory(cluster.directory().resolve("runs"));
    String number = submitArray(runs);
    awaitFiles(runs, TASKS / 4);
    cluster.agent().kill();
    cluster.restartAgent();
    expectEachRanOnce(number, runs);
  }

  @Test
  void runningTasksOutliveTheirAgentAndTheirExitCodesArrive() throws Exception {
    Path fifo = cluster.directory().resolve("go");
    Path up = Files.createDirectory(cluster.directory().resolve("up"));
    String number =
        cluster.submit(
            """
            name: survivor
            count: 5
            resources: {cpu: 10m}
            command:
            - sh
            - -c
            - touch %s/$ORCH_INDEX; while [ ! -e %s ]; do sleep 0.05; done; echo $$; exit $ORCH_INDEX
            """
                .formatted(up, fifo));
    awaitFiles(up, 5);
    cluster.agent().kill();
    // Two end while there is no agent at all, the others after it is back.
    Files.createFile(fifo);
    cluster.restartAgent();
    assertEquals(4, cluster.orchctl("wait", number).code());
    assertEquals(5, cluster.expectSuccess("logs", number).lines().size());
    String tasks = cluster.expectSuccess("task", "list", number, "-o", "json").text();
    for (int code = 1; code < 5; code++) {
      assertTrue(tasks.contains("\"siStatus\": " + code), tasks);
    }
  }

  @Test
  void whatATaskSaysAndLeavesWhileItsAgentIsDeadReachesTheNext() throws Exception {
    Path words = Files.createDirectory(cluster.directory().resolve("words"));
    Path script = cluster.directory().resolve("speaks.py");
    Files.writeString(
        script,
        """
        import os, socket, sys, time
        words = '%s/'
        def say(text, *fds):
          with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.connect(os.environ['NOTIFY_SOCKET'])
            socket.send_fds(s, [text.encode()], fds)
        def told(name, text=''):
          open(words + name, 'w').write(text)
        if 'LISTEN_FDS' in os.environ:
          told('given', os.environ['LISTEN_FDNAMES'] + ' ' + os.pread(3, 99, 0).decode())
          sys.exit(0)
        told('up')
        while not os.path.exists(words + 'go'): time.sleep(0.02)
        memory = os.memfd_create('state'); os.write(memory, b'seen')
        say('READY=1\\nSTATUS=alone')
        say('FDSTORE=1\\nFDNAME=state\\nFDPOLL=0', memory)
        r, w = os.pipe(); say('BARRIER=1', w); os.close(w)
        told('said')
        assert os.read(r, 1) == b''
        told('obeyed')
        while not os.path.exists(words + 'end'): time.sleep(0.02)
        sys.exit(1)
        """
            .formatted(words));
    String number =
        cluster.submit(
            """
            name: speaker
            resources: {cpu: 10m}
            restart: {maxRetries: 1, backoff: {initial: 0s}}
            health: {readiness: {notify: {}, period: 60s}}
            command: [python3, %s]
            """
                .formatted(script));
    awaitFiles(words, 1);
    cluster.agent().kill();
    Files.createFile(words.resolve("go"));
    awaitFiles(words, 3);
    cluster.restartAgent();
    awaitFiles(words, 4);
    cluster.agent().kill();
    cluster.restartAgent();
    Files.createFile(words.resolve("end"));
    assertEquals(0, cluster.orchctl("wait", number).code(), cluster.daemonOutput());
    assertEquals("state seen", Files.readString(words.resolve("given")));
  }

  @Test
  void followedRunGoesOnOverARestartOfTheController() throws Exception {
    Path go = cluster.directory().resolve("go");
    ProcessBuilder builder =
        new ProcessBuilder(
            cluster.orchctlCommand(
                "run",
                "--",
                "sh",
                "-c",
                "echo before; while [ ! -e " + go + " ]; do sleep 0.05; done; echo after; exit 7"));
    builder.environment().putAll(cluster.environment());
    Process run = builder.redirectError(ProcessBuilder.Redirect.DISCARD).start();
    try (var lines = run.inputReader()) {
      assertEquals("before", lines.readLine());
      cluster.controller().kill();
      cluster.restartController();
      Files.createFile(go);
      assertEquals("after", lines.readLine());
      assertEquals(null, lines.readLine());
    }
    assertTrue(run.waitFor(60, TimeUnit.SECONDS));
    assertEquals(7, run.exitValue());
  }

  /** Each task appends a line to a file of its own, so that a second run would be seen. */
  private String submitArray(Path runs) throws Exception {
    return cluster.submit(
        """
        name: array
        count: %d
        resources: {cpu: 500m}
        command: [sh, -c, 'echo run >>%s/$ORCH_INDEX; sleep 0.05; exit $((ORCH_INDEX %% 3))']
        """
            .formatted(TASKS, runs));
  }

  private void expectEachRanOnce(String number, Path runs) throws Exception {
    assertEquals(2, cluster.orchctl("wait", number).code(), cluster.daemonOutput());
    for (int index = 0; index < TASKS; index++) {
      assertEquals(
          "run\n",
          Files.readString(runs.resolve(Integer.toString(index)), StandardCharsets.UTF_8),
          "task " + index);
    }
    String job = cluster.expectSuccess("job", "show", number, "-o", "json").text();
    List<String> expected = List.of("\"succeeded\": 67", "\"failed\": 133");
    for (String count : expected) {
      assertTrue(job.contains(count), count + " in " + job);
    }
  }

  /** Waits until {@code count} files are in a directory. */
  private static void awaitFiles(Path directory, int count) throws Exception {
    try (WatchService watch = directory.getFileSystem().newWatchService()) {
      directory.register(watch, StandardWatchEventKinds.ENTRY_CREATE);
      while (directory.toFile().list().length < count) {
        var key = watch.poll(60, TimeUnit.SECONDS);
        assertTrue(key != null, "nothing happened for a minute in " + directory);
        key.pollEvents();
        key.reset();
      }
    }
  }
}

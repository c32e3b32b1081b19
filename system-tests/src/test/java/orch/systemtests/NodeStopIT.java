package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import orch.systemtests.host.Host;
import orch.systemtests.host.HostLab;
import orch.systemtests.host.Services;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** All tasks of a node are stopped, by an operator or since the host is switched off. */
@Timeout(300)
class NodeStopIT {
  private static final Duration LIMIT = Duration.ofSeconds(60);

  /** In this order, though it is submitted in another. */
  private static final List<String> ENDS = List.of("low", "batch", "service");

  private static String spec(String name, String type, int priority, String file) {
    return """
    name: %1$s
    type: %2$s
    priority: %3$d
    command:
    - sh
    - -c
    - |
      trap 'sleep 0.2; echo %1$s >>%4$s; exit 0' TERM
      echo up >>%4$s
      while :; do sleep 0.05; done
    """
        .formatted(name, type, priority, file);
  }

  private static void await(BooleanSupplier wanted, String what) throws InterruptedException {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (!wanted.getAsBoolean()) {
      assertTrue(System.nanoTime() < deadline, "not in time: " + what);
      Thread.sleep(50);
    }
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void anOperatorStopsThemInOrderAndTheControllerKnowsEveryEnd() throws Exception {
    try (Cluster cluster = Cluster.start()) {
      Path said = Files.createFile(cluster.directory().resolve("said"));
      cluster.submit(spec("service", "service", 50, said.toString()));
      cluster.submit(spec("batch", "batch", 50, said.toString()));
      cluster.submit(spec("low", "service", 10, said.toString()));
      await(() -> lines(said).size() == 3, "three tasks run");
      CommandResult stopped = cluster.stopNodeInOrder();
      assertEquals(0, stopped.code(), stopped.toString());
      assertEquals(List.of("up", "up", "up", "low", "batch", "service"), lines(said));
      for (String job : ENDS) {
        String shown = cluster.expectSuccess("task", "show", job + "/0", "-o", "json").text();
        assertTrue(shown.contains("its node is being stopped"), shown);
        assertTrue(shown.contains("RESULT_KIND_EVICTED"), shown);
      }
      cluster.restartAgent();
      await(() -> lines(said).size() == 9, "all run again: " + lines(said));
    }
  }

  @Test
  void aHostThatIsSwitchedOffStopsThemInOrderFirst() throws Exception {
    String missing = HostLab.missing();
    assumeTrue(missing.isEmpty(), missing);
    try (HostLab lab = HostLab.open()) {
      Host host = lab.add("h1", 1024);
      host.boot();
      Services.single(host);
      String said = "/var/lib/said";
      host.expect("touch " + said + "; chmod 666 " + said);
      host.write("/tmp/service.yaml", spec("service", "service", 50, said));
      host.write("/tmp/batch.yaml", spec("batch", "batch", 50, said));
      host.write("/tmp/low.yaml", spec("low", "service", 10, said));
      host.expect("for j in service batch low; do orchctl job submit /tmp/$j.yaml; done");
      host.await(LIMIT, "[ $(wc -l <" + said + ") = 3 ]");
      Host.Running _ = host.start("systemctl --no-block poweroff");
      await(() -> !host.alive(), "the host is off");
      host.boot();
      assertEquals(
          List.of("up", "up", "up", "low", "batch", "service"),
          host.expect("head -n 6 " + said).lines().toList());
      Services.awaitNodes(host, 1);
      host.await(LIMIT, "[ $(wc -l <" + said + ") = 9 ]");
    }
  }
}

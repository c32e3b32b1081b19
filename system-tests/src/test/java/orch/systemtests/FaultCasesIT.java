package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The faults as the user that runs the tests: with root, on cgroups. */
final class FaultCasesIT extends FaultCases {
  FaultCasesIT() throws Exception {
    super(Cluster.start());
  }

  @Test
  void aUserThatDoesNotExistStopsTheStartAndNothingRunsAsRoot() throws Exception {
    Path ran = file();
    String spec =
        "name: nobody-there\nuser: no-such-user\ncommand: [sh, -c, 'id >%s']\n".formatted(ran);
    CommandResult submitted =
        cluster()
            .orchctlWithInput(
                spec.getBytes(StandardCharsets.UTF_8), "job", "submit", "-o", "name", "-");
    assertEquals(0, submitted.code(), submitted.toString());
    assertEquals(125, cluster().orchctl("wait", "nobody-there").code());
    String shown = cluster().expectSuccess("task", "show", "nobody-there").text();
    assertTrue(shown.contains("no-such-user"), shown);
    assertEquals(0, Files.size(ran));
  }

  @Test
  void anotherVersionOfTheAgentTakesOverTasksUnderTheOldLauncher() throws Exception {
    Path go = cluster().directory().resolve("upgrade-go");
    Path pids = file();
    String number =
        shell(
            "veteran",
            "echo old",
            "echo $$ >" + pids,
            "while [ ! -e " + go + " ]; do sleep 0.05; done",
            "echo new",
            "exit 12");
    String pid = awaitLines(pids, 1).getFirst();
    List<Long> launcher = cluster().guards().launchers();
    assertEquals(1, launcher.size());
    Path next = cluster().directory().resolve("next-version");
    expectRun("cp", "-r", Cluster.distribution().toString(), next.toString());
    cluster().agent().terminate();
    cluster().upgradeAgent(next);
    assertTrue(Files.exists(Path.of("/proc", pid)));
    assertEquals(launcher, cluster().guards().launchers());
    assertEquals(3, cluster().orchctl("run", "--", "sh", "-c", "exit 3").code());
    Files.createFile(go);
    assertEquals(12, cluster().orchctl("wait", number).code());
    assertEquals(List.of("old", "new"), cluster().expectSuccess("logs", number).lines());
  }
}

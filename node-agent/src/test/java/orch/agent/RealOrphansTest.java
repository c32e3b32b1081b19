package orch.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import orch.agent.cgroup.CgroupRoot;
import orch.api.model.AttemptState;
import orch.api.model.JobSpec;
import orch.api.model.ResultKind;
import orch.api.model.TaskSet;
import orch.api.model.Uid;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tasks whose launcher and shim were both killed, with the real ones. */
@Timeout(90)
class RealOrphansTest {
  private final Uid uid = new Uid(1, 1, 1);
  private RealAgent agent;
  private Path cgroup;

  @BeforeEach
  void start() throws IOException {
    CgroupRoot root =
        CgroupRoot.prepare(
            Path.of("/proc/self/mounts"), "orch-orphans-" + ProcessHandle.current().pid());
    Assumptions.assumeTrue(root.directory() != null, "no cgroups that this user may make");
    cgroup = Objects.requireNonNull(root.directory());
    agent = new RealAgent(cgroup);
  }

  @AfterEach
  void stop() throws Exception {
    if (agent != null) {
      agent.close();
    }
    if (cgroup != null) {
      assertTrue(CgroupRoot.removeAll(cgroup), "something is left in " + cgroup);
    }
  }

  private List<String> leaves() throws IOException {
    try (Stream<Path> all = Files.list(cgroup)) {
      return all.map(each -> String.valueOf(each.getFileName()))
          .filter(name -> name.startsWith("t-"))
          .toList();
    }
  }

  private void killLauncherAndShims() throws IOException {
    List<ProcessHandle> guards = new ArrayList<>();
    long launcher = agent.launcherPid();
    ProcessHandle.of(launcher).ifPresent(guards::add);
    ProcessHandle.allProcesses()
        .filter(each -> each.parent().map(ProcessHandle::pid).orElse(0L) == launcher)
        .forEach(guards::add);
    assertTrue(guards.size() > 1, guards.toString());
    guards.forEach(ProcessHandle::destroyForcibly);
  }

  @Test
  void taskOfADeadShimAndLauncherLivesOnAndNothingOfItIsLeftOnceItEnds() throws Exception {
    Path go = agent.directory.resolve("go");
    agent.run(
        uid,
        JobSpec.batch(
            "web",
            TaskSet.count(3),
            List.of("/bin/sh", "-c", "while [ ! -e " + go + " ]; do sleep 0.05; done")));
    agent.awaitState(uid, AttemptState.RUNNING);
    assertEquals(1, leaves().size());
    killLauncherAndShims();
    Files.createFile(go);
    ResultKind end = Objects.requireNonNull(agent.awaitEnd(uid).result()).kind();
    assertTrue(end == ResultKind.UNKNOWN || end == ResultKind.EXITED, end.toString());
    assertEquals(List.of(), leaves());
  }
}

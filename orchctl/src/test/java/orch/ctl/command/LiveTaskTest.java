package orch.ctl.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class LiveTaskTest {
  private static final String TREE = "TaskService/GetTaskTree";
  private static final String STATS = "TaskService/GetTaskStats";

  private final Fixture fixture;

  LiveTaskTest() throws IOException {
    fixture = new Fixture();
  }

  @AfterEach
  void close() throws IOException {
    fixture.close();
  }

  private static String process(int pid, int parent, String state, String more) {
    return "{\"pid\":"
        + pid
        + ",\"parentPid\":"
        + parent
        + ",\"state\":\""
        + state
        + "\",\"cpuMicros\":\"1500000\",\"memoryBytes\":\"2097152\","
        + "\"startTime\":\"2026-11-24T07:59:00Z\""
        + more
        + "}";
  }

  @Test
  void processesAreDrawnBelowTheirParentsWithZombiesAndOrphansMarked() {
    fixture.reply(
        TREE,
        "{\"total\":7,\"cgroup\":true,\"leader\":\"LEADER_STATE_ALIVE\",\"processes\":["
            + process(
                5,
                1,
                "S",
                ",\"program\":\"daemon\",\"orphan\":true,\"commandLine\":[\"daemon\",\"-x y\"]")
            + ","
            + process(10, 9, "S", ",\"leader\":true,\"commandLine\":[\"web\"]")
            + ","
            + process(11, 10, "R", ",\"commandLine\":[\"worker\",\"1\"]")
            + ","
            + process(12, 10, "Z", ",\"zombie\":true,\"program\":\"gone\"")
            + ","
            + process(13, 11, "S", ",\"exec\":false,\"commandLine\":[\"inner\"]")
            + ","
            + process(20, 9, "S", ",\"exec\":true,\"commandLine\":[\"bash\"]")
            + "]}");
    assertEquals(0, fixture.orchctl("task", "tree", "web/3"), fixture.err());
    assertEquals(
        """
        pid  state      cpu   memory  age  mark    command
         10  sleeping  1.5s  2 MiB  60s          web
         11  running   1.5s  2 MiB  60s          ├─ worker 1
         13  sleeping  1.5s  2 MiB  60s          │  └─ inner
         12  zombie    1.5s         60s  zombie  └─ [gone]
          5  sleeping  1.5s  2 MiB  60s  orphan  daemon '-x y'
         20  sleeping  1.5s  2 MiB  60s  exec    bash
        """
            .replaceAll(" +", " "),
        fixture.out().replaceAll(" +", " "));
    assertTrue(fixture.err().contains("1 process more is not shown"), fixture.err());
    assertEquals("namespaces/default/jobs/web/tasks/3", fixture.sent(TREE).text("name"));
  }

  @Test
  void statsOfOneTaskSayWhatTheNodeCannotTell() {
    fixture.reply(
        STATS,
        "{\"cpuUserMicros\":\"2000000\",\"cpuSystemMicros\":\"500000\",\"processes\":\"3\","
            + "\"memoryCurrentBytes\":\"3145728\",\"memoryLimitBytes\":\"4194304\","
            + "\"cpuPressure\":1.5,\"oomKills\":\"0\",\"node\":\"alpha\",\"attempt\":2,"
            + "\"missing\":[\"memory_peak_bytes\"],\"summed\":[\"memory_current_bytes\"]}");
    assertEquals(0, fixture.orchctl("task", "stats", "web/3"), fixture.err());
    assertEquals(
        """
        task           web/3
        attempt        2
        node           alpha
        processes      3
        cpu time       2.5s
        memory         3 MiB of at most 4 MiB
        waits for cpu  1.5%
        oom kills      0
        of what lives  memory current bytes
        not counted    memory peak bytes
        """,
        fixture.out());
  }

  @Test
  void statsOfAllRunningTasksAreATable() {
    fixture
        .reply(
            "TaskService/ListTasks",
            "{\"tasks\":[{\"name\":\"namespaces/default/jobs/7/tasks/0\",\"task\":\"web/0\"}]}")
        .reply(STATS, "{\"cpuUserMicros\":\"1000\",\"processes\":\"2\",\"node\":\"alpha\"}");
    assertEquals(0, fixture.orchctl("task", "stats"), fixture.err());
    String row = fixture.out().lines().toList().get(1).replaceAll(" +", " ");
    assertEquals("web/0 1ms - - 2 - - - - - - alpha", row);
  }

  @Test
  void nodeThatDoesNotAnswerIsSaidSo() {
    fixture.refuse(TREE, 412, "failed_precondition", "task web/3 is waiting: it has no process");
    assertEquals(4, fixture.orchctl("task", "tree", "web/3"));
    assertTrue(fixture.err().contains("it has no process"), fixture.err());
  }
}

package orch.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import orch.agent.cgroup.CgroupRoot;
import orch.agent.linux.JnaLinux;
import orch.api.model.AttemptState;
import orch.api.model.ControllerMessage;
import orch.api.model.Execution;
import orch.api.model.JobSpec;
import orch.api.model.ProcessTree;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.TaskSet;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands inside real tasks, by the real launcher; and the input of interactive ones. */
@Timeout(90)
class ExecTest {
  private final Uid uid = new Uid(1, 1, 1);
  private @Nullable RealAgent agent;
  private @Nullable Path cgroup;
  private long streams;

  @AfterEach
  void stop() throws Exception {
    if (agent != null) {
      agent.close();
    }
    if (cgroup != null) {
      assertTrue(CgroupRoot.removeAll(cgroup), "something is left in " + cgroup);
    }
  }

  private RealAgent begin(boolean withCgroup) throws IOException {
    if (withCgroup) {
      cgroup =
          CgroupRoot.prepare(
                  Path.of("/proc/self/mounts"), "orch-exec-" + ProcessHandle.current().pid())
              .directory();
    }
    agent = new RealAgent(cgroup);
    return agent;
  }

  private static JobSpec shell(String script) {
    return JobSpec.batch("web", TaskSet.count(3), List.of("/bin/sh", "-c", script));
  }

  private FakeConversation exec(RealAgent of, boolean tty, String... command) {
    FakeConversation conversation = new FakeConversation();
    of.conversations = stream -> conversation;
    of.tell(
        new ControllerMessage.OpenExec(
            ++streams,
            uid,
            List.of(command),
            new TreeMap<>(Map.of("GIVEN", "by caller", "TERM", "dumb")),
            tty,
            33,
            77));
    return conversation;
  }

  private RealAgent withTask(boolean withCgroup) throws IOException {
    RealAgent of = begin(withCgroup);
    of.run(uid, shell("sleep 60"));
    of.awaitState(uid, AttemptState.RUNNING);
    return of;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void commandRunsAsTheTaskWithItsEnvironmentAndItsExitCodeComesBack(boolean withCgroup)
      throws Exception {
    RealAgent of = withTask(withCgroup);
    FakeConversation command =
        exec(of, false, "sh", "-c", "echo $ORCH_TASK $GIVEN $(id -un); pwd; echo no >&2; exit 3");
    Result result = command.ended();
    assertEquals(ResultKind.EXITED, result.kind());
    assertEquals(3, result.exitCode());
    List<String> lines = command.out().lines().toList();
    assertEquals("web/2 by caller nobody", lines.get(0));
    assertTrue(lines.get(1).endsWith(uid.toString()), lines.get(1));
    assertEquals("no\n", command.err());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void megabytesGoThroughByteForByteAndWhoReadsSlowlyHoldsTheCommandBack(boolean withCgroup)
      throws Exception {
    RealAgent of = withTask(withCgroup);
    FakeConversation command = exec(of, false, "cat");
    command.creditOnly(100_000);
    byte[] piece = "0123456789abcdef".repeat(4_096).getBytes(StandardCharsets.US_ASCII);
    int pieces = 64;
    long sent = 0;
    for (int i = 0; i < pieces; i++) {
      // As the controller does: no more than was granted.
      while (command.granted() - sent < piece.length) {
        if (command.outBytes() >= 100_000) {
          command.more(4L << 20);
        }
        Thread.onSpinWait();
      }
      command.agent().input(piece);
      sent += piece.length;
    }
    command.more(64L << 20);
    command.agent().endOfInput();
    assertEquals(0, command.ended().exitCode());
    assertEquals(pieces * piece.length, command.outBytes());
  }

  @Test
  void terminalHasASizeAndTheKeysOfOne() throws Exception {
    RealAgent of = withTask(true);
    FakeConversation command =
        exec(of, true, "sh", "-c", "stty size; trap 'echo int' INT; echo up; cat; echo end; tty");
    command.awaitOut("up");
    assertTrue(command.out().startsWith("33 77\r\n"), command.out());
    command.agent().input("hello\n".getBytes(StandardCharsets.US_ASCII));
    command.awaitOut("hello\r\nhello\r\n");
    command.agent().input(new byte[] {3});
    command.awaitOut("int");
    command.awaitOut("/dev/pts/");
    assertEquals(0, command.ended().exitCode());
    FakeConversation second = exec(of, true, "sh", "-c", "echo up; cat; stty size; exit 5");
    second.awaitOut("up");
    second.agent().resize(11, 22);
    // Ctrl-D.
    second.agent().input(new byte[] {4});
    assertEquals(5, second.ended().exitCode());
    assertTrue(second.out().endsWith("11 22\r\n"), second.out());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void commandInATaskWithItsOwnPidNamespaceRunsInsideOfIt(boolean withCgroup) throws Exception {
    Assumptions.assumeTrue(new JnaLinux().effectiveUser() == 0, "PID namespaces need root");
    RealAgent of = begin(withCgroup);
    JobSpec plain = shell("sleep 60");
    of.run(uid, plain.withExecution(execution(plain.execution(), false, false, true)));
    of.awaitState(uid, AttemptState.RUNNING);
    FakeConversation command = exec(of, false, "sh", "-c", "cat /proc/1/comm; exit 4");
    assertEquals(4, command.ended().exitCode());
    assertTrue(command.out().startsWith("orch-init\n"), command.out());
    FakeConversation next = exec(of, false, "sh", "-c", "ls -d /proc/[0-9]* | wc -l");
    assertEquals(0, next.ended().exitCode());
    // The init, the task, and of the command: the shell, ls and wc.
    assertTrue(Integer.parseInt(next.out().strip()) <= 6, next.out());
  }

  @Test
  void signalReachesTheCommand() throws Exception {
    RealAgent of = withTask(false);
    FakeConversation command =
        exec(of, false, "sh", "-c", "trap 'exit 9' TERM; echo up; while :; do sleep 0.02; done");
    command.awaitOut("up");
    command.agent().signal(15);
    assertEquals(9, command.ended().exitCode());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void commandEndsWithWhoeverWantedIt(boolean withCgroup) throws Exception {
    RealAgent of = withTask(withCgroup);
    FakeConversation command = exec(of, false, "sh", "-c", "echo $$; sleep 61 & wait");
    command.awaitOut("\n");
    long pid = Long.parseLong(command.out().strip());
    command.leave();
    while (ProcessHandle.of(pid).isPresent()) {
      Thread.onSpinWait();
    }
    while (of.inspect(uid, false).tree().processes().stream().anyMatch(each -> each.exec())) {
      Thread.onSpinWait();
    }
    assertEquals(ProcessTree.Leader.ALIVE, of.inspect(uid, false).tree().leader());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void endOfTheTaskEndsItsCommands(boolean withCgroup) throws Exception {
    RealAgent of = withTask(withCgroup);
    FakeConversation command = exec(of, false, "sh", "-c", "echo $$; sleep 61");
    command.awaitOut("\n");
    assertTrue(
        of.inspect(uid, false).tree().processes().stream().anyMatch(each -> each.exec()),
        "the tree shows the command");
    of.stop(uid, shell("sleep 60"), java.time.Duration.ZERO);
    assertTrue(command.ended().exitCode() > 128, "killed");
    of.awaitEnd(uid);
    long pid = Long.parseLong(command.out().strip());
    assertTrue(ProcessHandle.of(pid).isEmpty());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void restartOfTheAgentLeavesNoCommandBehind(boolean withCgroup) throws Exception {
    RealAgent of = withTask(withCgroup);
    FakeConversation command = exec(of, false, "sh", "-c", "trap '' HUP; echo $$; sleep 61 & wait");
    command.awaitOut("\n");
    long pid = Long.parseLong(command.out().strip());
    of.crash();
    // The kernel closes what a dead agent had open; here the test is that kernel.
    command.leave();
    of.begin();
    while (ProcessHandle.of(pid).isPresent()) {
      Thread.onSpinWait();
    }
    of.run(new Uid(1, 1, 2), shell("exit 4"));
    of.awaitEnd(new Uid(1, 1, 2));
  }

  @Test
  void whatCannotBeExecutedHasItsCodeAndItsSentence() throws Exception {
    RealAgent of = withTask(true);
    Result missing = exec(of, false, "/no/such").ended();
    assertEquals(127, missing.exitCode());
    assertTrue(missing.startFailure().message().contains("No such file"), missing.toString());
    assertEquals(126, exec(of, false, "/etc/hostname").ended().exitCode());
    Uid elsewhere = new Uid(1, 1, 99);
    FakeConversation none = new FakeConversation();
    of.conversations = stream -> none;
    of.tell(
        new ControllerMessage.OpenExec(
            99, elsewhere, List.of("true"), new TreeMap<>(), false, 0, 0));
    ExecutionException refused = assertThrows(ExecutionException.class, none::ended);
    assertTrue(refused.getMessage().contains("does not run on this node"), refused.getMessage());
  }

  // ---- input of tasks

  private static JobSpec interactive(String script, boolean tty) {
    JobSpec plain = shell(script);
    return plain.withExecution(interactive(plain.execution(), tty));
  }

  static Execution interactive(Execution e, boolean tty) {
    return execution(e, true, tty, false);
  }

  private static Execution execution(
      Execution e, boolean interactive, boolean tty, boolean pidNamespace) {
    return new Execution(
        e.command(),
        e.script(),
        e.files(),
        e.env(),
        "",
        "",
        "",
        e.user(),
        e.workingDirectory(),
        null,
        null,
        null,
        e.rlimits(),
        List.of(),
        true,
        "",
        false,
        List.of(),
        pidNamespace,
        null,
        interactive,
        tty);
  }

  private FakeConversation attach(RealAgent of) {
    FakeConversation conversation = new FakeConversation();
    of.conversations = stream -> conversation;
    of.tell(new ControllerMessage.OpenAttach(++streams, uid, true, -1, true));
    return conversation;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void inputOfATaskSurvivesItsSendersAndTheAgentAndEndsWhenItIsSaid(boolean withCgroup)
      throws Exception {
    RealAgent of = begin(withCgroup);
    of.run(uid, interactive("n=$(cat | wc -c); exit $n", false));
    of.awaitState(uid, AttemptState.RUNNING);
    FakeConversation first = attach(of);
    first.agent().input("12345".getBytes(StandardCharsets.US_ASCII));
    while (first.granted() < 256 * 1024 + 5) {
      Thread.onSpinWait();
    }
    first.leave();
    of.crash();
    of.begin();
    FakeConversation second = attach(of);
    second.agent().input("678".getBytes(StandardCharsets.US_ASCII));
    second.agent().endOfInput();
    assertEquals(8, of.awaitEnd(uid).result().exitCode());
    assertEquals(8, second.ended().exitCode());
  }

  @Test
  void taskWithoutInteractiveInputTakesNone() throws Exception {
    RealAgent of = withTask(false);
    ExecutionException refused = assertThrows(ExecutionException.class, attach(of)::ended);
    assertTrue(refused.getMessage().contains("run -i"), refused.getMessage());
  }

  @Test
  void interactiveTaskCanHaveATerminal() throws Exception {
    RealAgent of = begin(false);
    of.run(uid, interactive("tty && read x && test \"$x\" = word && exit 7", true));
    of.awaitState(uid, AttemptState.RUNNING);
    FakeConversation typing = attach(of);
    typing.agent().input("word\n".getBytes(StandardCharsets.US_ASCII));
    assertEquals(7, of.awaitEnd(uid).result().exitCode());
  }
}

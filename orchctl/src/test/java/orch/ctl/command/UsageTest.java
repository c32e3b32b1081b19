package orch.ctl.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class UsageTest {
  private final Fixture fixture;

  UsageTest() throws IOException {
    fixture = new Fixture();
  }

  @AfterEach
  void close() throws IOException {
    fixture.close();
  }

  private void wrong(String message, String... arguments) {
    fixture.err.reset();
    assertEquals(2, fixture.orchctl(arguments), String.join(" ", arguments));
    assertEquals("orchctl: " + message + "\n", fixture.err());
  }

  @Test
  void wrongNameIsAnsweredWithTheNearestRightOne() {
    wrong("there is no command 'job shaw'; did you mean 'show'?", "job", "shaw", "1");
    wrong("there is no command 'jbo'; did you mean 'job'?", "jbo", "list");
    wrong("there is no command 'wiat'; did you mean 'wait'?", "wiat");
    wrong(
        "orchctl job list has no option '--lable'; did you mean '--label'?",
        "job",
        "list",
        "--lable",
        "x");
    wrong("there is no output form 'jsno'; did you mean 'json'?", "job", "list", "-o", "jsno");
    wrong("there is no command 'zzzzzzzz'; orchctl --help lists the commands", "zzzzzzzz");
  }

  @Test
  void whatIsMissingOrTooMuchIsNamed() {
    wrong("missing required parameter: 'NODE'; see orchctl node show --help", "node", "show");
    wrong(
        "missing required parameter for option '--limit' (N); see orchctl job list --help",
        "job",
        "list",
        "--limit");
    wrong("orchctl job retry takes no 'b'; see orchctl job retry --help", "job", "retry", "a", "b");
    wrong(
        "after 'node' stands one of list, show, cordon, uncordon, drain, labels, gone, replace,"
            + " adopt, held",
        "node",
        "-x");
  }

  @Test
  void nodeIsDeclaredDeadOnlyByOneWhoLooked() {
    wrong(
        "if n1 still runs, its tasks would run twice; see that the host is off, then add"
            + " --i-verified",
        "node",
        "gone",
        "n1");
    assertTrue(fixture.server.requests().isEmpty());
    fixture.reply(
        "NodeService/DeclareNodeGone", "{\"name\":\"nodes/n1\",\"state\":\"NODE_STATE_GONE\"}");
    assertEquals(0, fixture.orchctl("node", "gone", "n1", "--i-verified"));
    assertEquals("n1 gone\n", fixture.out());
    assertTrue(fixture.sent("NodeService/DeclareNodeGone").flag("verified"));
  }

  @Test
  void helpNamesEveryCommandAndEachCommandExplainsItself() {
    assertEquals(0, fixture.orchctl("--help"));
    String help = fixture.out();
    List<String> commands = new ArrayList<>(List.of("submit", "ps", "list", "kill"));
    for (String word : Catalog.names("")) {
      if (Catalog.isGroup(word)) {
        Catalog.names(word).forEach(second -> commands.add(word + " " + second));
      } else if (!word.equals("help")) {
        commands.add(word);
      }
    }
    for (String command : commands) {
      fixture.out.reset();
      List<String> arguments = new ArrayList<>(List.of(command.split(" ", -1)));
      arguments.add("--help");
      assertEquals(0, fixture.orchctl(arguments.toArray(new String[0])), command);
      assertTrue(fixture.out().startsWith("Usage: orchctl " + command), command);
      String full = Catalog.fullName(command);
      assertTrue(help.contains("  " + full + " "), command);
    }
    assertEquals("", fixture.err());
    assertTrue(fixture.server.requests().isEmpty());
  }

  @Test
  void manualHasAnExampleOfEveryCommand() throws IOException {
    String manual = Files.readString(Path.of("../docs/orchctl.md"));
    for (String word : Catalog.names("")) {
      if (!Catalog.isGroup(word)) {
        assertTrue(word.equals("help") || manual.contains(word), word);
        continue;
      }
      for (String second : Catalog.names(word)) {
        assertTrue(
            manual.contains("orchctl " + word + " " + second + " ")
                || manual.contains("orchctl " + word + " " + second + "\n"),
            word + " " + second);
      }
    }
  }

  @Test
  void helpOfAGroupAndHelpAsAWordWork() {
    assertEquals(0, fixture.orchctl("job"));
    assertTrue(fixture.out().contains("job retry"));
    fixture.out.reset();
    assertEquals(0, fixture.orchctl("help", "task", "logs"));
    assertTrue(fixture.out().startsWith("Usage: orchctl task logs"));
  }

  @Test
  void versionIsTheProjectsAndNeedsNoController() throws IOException {
    assertEquals(0, fixture.orchctl("version"));
    assertEquals("orchctl " + Version.TEXT + "\n", fixture.out());
    assertTrue(fixture.server.requests().isEmpty());
    String pom = Files.readString(Path.of("pom.xml"));
    String parent = pom.substring(pom.indexOf("<parent>"), pom.indexOf("</parent>"));
    assertTrue(parent.contains("<version>" + Version.TEXT + "</version>"), parent);
  }

  @Test
  void namespaceAndTokenComeFromFlagsContextOrEnvironment(@TempDir Path home) throws IOException {
    fixture.reply("JobService/ListJobs", "{}");
    fixture.environment.put("XDG_CONFIG_HOME", home.toString());
    Path file = home.resolve("orch/config.yaml");
    Files.createDirectories(home.resolve("orch"));
    Files.writeString(
        file,
        """
        current: lab
        contexts:
          lab:
            namespace: labs
            token: t1
          other:
            address: %s
            namespace: others
        """
            .formatted(fixture.server.address()));
    list();
    list("--context", "other");
    fixture.environment.put("ORCH_NAMESPACE", "env");
    list();
    list("--context", "other");
    list("-n", "flag", "--context", "other");
    assertEquals(
        List.of("labs", "others", "env", "others", "flag"),
        fixture.server.messages("JobService/ListJobs").stream()
            .map(request -> request.text("parent").substring("namespaces/".length()))
            .toList());
    assertEquals("Bearer t1", fixture.server.requests().get(0).headers().get("authorization"));
    wrong(
        "there is no context 'othr' in " + file + "; did you mean 'other'?",
        "--context",
        "othr",
        "job",
        "list");
  }

  private void list(String... flags) {
    List<String> arguments = new ArrayList<>(List.of(flags));
    arguments.addAll(List.of("job", "list"));
    assertEquals(0, fixture.orchctl(arguments.toArray(new String[0])), fixture.err());
  }

  @Test
  void completionKnowsCommandsAndOptions() {
    assertEquals(0, fixture.orchctl("completion", "bash"));
    assertTrue(fixture.out().contains("\"job\") words=\"submit plan list"), fixture.out());
    assertTrue(fixture.out().contains("--each-line"));
    assertEquals(0, fixture.orchctl("completion", "zsh"));
    wrong("there is no completion for 'fish', but for bash and zsh", "completion", "fish");
  }

  @Test
  void signalIsSentOnceByItsNumber() {
    fixture.reply("TaskService/SignalTask", "{\"processes\":1}");
    assertEquals(0, fixture.orchctl("task", "signal", "web/3", "usr1", "--all"));
    assertEquals(10, fixture.sent("TaskService/SignalTask").number("signal"));
    assertEquals("SIGNAL_TARGET_ALL", fixture.sent("TaskService/SignalTask").text("target"));
    assertEquals(
        "namespaces/default/jobs/web/tasks/3", fixture.sent("TaskService/SignalTask").text("name"));
  }
}

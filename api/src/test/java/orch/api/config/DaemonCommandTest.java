package orch.api.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

final class DaemonCommandTest {
  @TempDir Path directory;

  private final Map<String, String> environment = new TreeMap<>();
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private final Guard guard = new Guard();

  @Command(name = "guard", description = "Guards.")
  static final class Guard implements Callable<Integer> {
    @Option(names = "--data-dir", required = true, paramLabel = "DIR", description = "Its data.")
    @Nullable Path dataDir;

    @Option(
        names = "--listen",
        defaultValue = "localhost:7400",
        paramLabel = "HOST:PORT",
        description = "Where it listens.")
    @Nullable HostAndPort listen;

    @Option(names = "--heartbeat", defaultValue = "3s", description = "How often it beats.")
    @Nullable Duration heartbeat;

    @Option(names = "--controller", split = ",", description = "Whom it calls.")
    @Nullable List<HostAndPort> controllers;

    @Option(names = "--label", paramLabel = "K=V", description = "What it is.")
    Map<String, String> labels = new TreeMap<>();

    @Option(names = "--allow-root", description = "Runs tasks as root.")
    boolean allowRoot;

    boolean ran;

    @Override
    public Integer call() {
      ran = true;
      return 7;
    }
  }

  @Test
  void aFlagGoesBeforeAVariableBeforeTheFileBeforeTheDefault() throws IOException {
    Path file = file("data-dir: /from/file\nlisten: file:1\nheartbeat: 1s\n");
    environment.put("ORCH_GUARD_LISTEN", "variable:2");
    environment.put("ORCH_GUARD_HEARTBEAT", "2s");
    assertEquals(7, execute("--config", file.toString(), "--heartbeat", "500ms"));
    assertEquals(Path.of("/from/file"), guard.dataDir);
    assertEquals(new HostAndPort("variable", 2), guard.listen);
    assertEquals(Duration.ofMillis(500), guard.heartbeat);
    assertEquals("", err.toString());
  }

  @Test
  void whatNobodySaysHasItsDefault() {
    assertEquals(7, execute("--data-dir", "/d"));
    assertEquals(new HostAndPort("localhost", 7400), guard.listen);
    assertEquals(Duration.ofSeconds(3), guard.heartbeat);
    assertFalse(guard.allowRoot);
  }

  @Test
  void aFileSaysFlagsListsAndMappings() throws IOException {
    Path file =
        file(
            """
            data-dir: /d
            allow-root: true
            controller: ["a:1", "[::1]:2"]
            label: {rack: r1, zone: "z=1"}
            """);
    assertEquals(7, execute("--config=" + file));
    assertTrue(guard.allowRoot);
    assertEquals(List.of(new HostAndPort("a", 1), new HostAndPort("::1", 2)), guard.controllers);
    assertEquals(new TreeMap<>(Map.of("rack", "r1", "zone", "z=1")), guard.labels);
  }

  @Test
  void severalValuesAreNotMixedFromTwoPlaces() throws IOException {
    Path file = file("data-dir: /d\nlabel: {rack: r1}\ncontroller: a:1\n");
    environment.put("ORCH_GUARD_CONTROLLER", "b:2,c:3");
    assertEquals(7, execute("--config=" + file, "--label", "zone=z"));
    assertEquals(Map.of("zone", "z"), guard.labels);
    assertEquals(List.of(new HostAndPort("b", 2), new HostAndPort("c", 3)), guard.controllers);
  }

  @Test
  void theFileItselfMayBeNamedByAVariable() throws IOException {
    environment.put("ORCH_GUARD_CONFIG", file("data-dir: /d\n").toString());
    assertEquals(7, execute());
    assertEquals(Path.of("/d"), guard.dataDir);
  }

  @Test
  void anUnknownKeyIsRefusedWithItsPlaceAndTheNearestRightOne() throws IOException {
    Path file = file("data_dir: /d\nlisen: a:1\ncolour: red\n");
    assertEquals(2, execute("--config=" + file));
    assertFalse(guard.ran);
    assertErrors(
        file + ":1:1: there is no key 'data_dir'; did you mean 'data-dir'?",
        file + ":2:1: there is no key 'lisen'; did you mean 'listen'?",
        file
            + ":3:1: there is no key 'colour'; keys are allow-root, controller, data-dir,"
            + " heartbeat, label, listen");
  }

  @Test
  void aWrongTypeInTheFileIsRefusedWithItsPlace() throws IOException {
    Path file = file("data-dir: [a]\nallow-root: perhaps\nlabel: red\nheartbeat:\nlisten: x:1\n");
    assertEquals(2, execute("--config=" + file));
    assertErrors(
        file + ":1:11: data-dir: expected one value, got a list",
        file + ":2:13: allow-root: expected true or false, got text 'perhaps'",
        file + ":3:8: label: expected a mapping {name: value}, got text 'red'",
        file + ":4:11: heartbeat: has no value; give one or drop the line");
  }

  @Test
  void aValueThatCannotBeReadIsToldWithThePlaceThatSaidIt() throws IOException {
    Path file = file("data-dir: /d\nheartbeat: 3\n");
    environment.put("ORCH_GUARD_LISTEN", "7400");
    assertEquals(2, execute("--config=" + file));
    assertErrors(
        file + ":2: --heartbeat: a duration needs a unit: write 3s, 3m or 3h",
        "ORCH_GUARD_LISTEN: --listen: '7400' is no address; write HOST:PORT, for example"
            + " localhost:7401 or [::1]:7401");
  }

  @Test
  void aKeyThatStandsTwiceIsRefused() throws IOException {
    Path file = file("data-dir: /a\ndata-dir: /b\n");
    assertEquals(2, execute("--config=" + file));
    assertErrors(
        file
            + ":2:1: the key 'data-dir' stands here a second time; the first is in line 1, column"
            + " 1");
  }

  @Test
  void aFileThatIsNotThereIsSaid() {
    assertEquals(2, execute("--config", "/nowhere/guard.yaml"));
    assertErrors("/nowhere/guard.yaml: there is no such file; --config names the configuration");
  }

  @Test
  void aMissingSettingIsAskedForInAllThreeWays() {
    assertEquals(2, execute());
    assertErrors(
        "--data-dir is missing; give --data-dir DIR, set ORCH_GUARD_DATA_DIR, or write 'data-dir:'"
            + " into the file of --config");
  }

  @Test
  void anUnknownOptionIsRefusedWithTheNearestRightOne() {
    assertEquals(2, execute("--data-dir=/d", "--lisen=a:1"));
    assertErrors("there is no option '--lisen'; did you mean '--listen'?; see --help");
  }

  @Test
  void aWrongFlagIsExplained() {
    assertEquals(2, execute("--data-dir=/d", "--heartbeat", "3sec"));
    assertErrors("--heartbeat: '3sec': there is no unit 'sec' for durations; write 3s");
  }

  @Test
  void aVariableThatIsMisspeltIsPointedOut() {
    environment.put("ORCH_GUARD_DATADIR", "/d");
    environment.put("ORCH_GUARD_SOMETHING_ELSE", "x");
    assertEquals(7, execute("--data-dir=/d"));
    assertErrors("the variable ORCH_GUARD_DATADIR is not used; did you mean ORCH_GUARD_DATA_DIR?");
  }

  @Test
  void helpListsEveryOptionWithItsDefaultAndSaysTheOtherWays() {
    assertEquals(0, execute("--help"));
    String help = out.toString();
    for (String part :
        List.of(
            "--data-dir=DIR",
            "Default: localhost:7400",
            "Default: 3s",
            "--config=FILE",
            "(data-dir)",
            "ORCH_GUARD_DATA_DIR")) {
      assertTrue(help.contains(part), part + " in " + help);
    }
  }

  @Test
  void versionIsOneLine() {
    assertEquals(0, execute("--version"));
    assertTrue(out.toString().matches("guard \\S+\\R"), out.toString());
  }

  private int execute(String... args) {
    DaemonCommand command = DaemonCommand.of(guard, "ORCH_GUARD", environment);
    command.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    return command.execute(args);
  }

  private void assertErrors(String... lines) {
    assertEquals(
        List.of(lines).stream().map(line -> "guard: " + line).toList(),
        err.toString().lines().toList());
  }

  private Path file(String text) throws IOException {
    return Files.writeString(directory.resolve("guard.yaml"), text);
  }
}

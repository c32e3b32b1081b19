package orch.ctl.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ExportedEnvironmentTest {
  private static final Map<String, String> CALLER =
      Map.of(
          "PATH", "/bin",
          "LC_TIME", "C",
          "SECRET", "s",
          "A", "1",
          "ORCH_TOKEN", "t",
          "ORCH_INDEX", "3",
          "TRACEPARENT", "00-x",
          "SHLVL", "2",
          "DOTTED", "${task.index} ${x} $${a.b}");

  @Test
  void onlyWhatAProgramNeedsToRunIsHandedOnUnasked() throws UsageException {
    assertEquals(
        Map.of("PATH", "/bin", "LC_TIME", "C"), ExportedEnvironment.of(CALLER, null, List.of()));
  }

  @Test
  void namesAreAddedAndNoneMeansNone() throws UsageException {
    assertEquals(
        Map.of("PATH", "/bin", "LC_TIME", "C", "A", "1", "SECRET", "s"),
        ExportedEnvironment.of(CALLER, "A, SECRET", List.of()));
    assertEquals(Map.of(), ExportedEnvironment.of(CALLER, "NONE", List.of()));
    assertThrows(
        UsageException.class, () -> ExportedEnvironment.of(CALLER, "A,MISSING", List.of()));
    assertThrows(UsageException.class, () -> ExportedEnvironment.of(CALLER, "A,,B", List.of()));
  }

  @Test
  void allLeavesOutTheTokenAndWhatBelongsToThisProcessOrTheTaskAroundIt() throws UsageException {
    assertEquals(
        Map.of(
            "PATH", "/bin",
            "LC_TIME", "C",
            "SECRET", "s",
            "A", "1",
            "DOTTED", "$${task.index} ${x} $$${a.b}"),
        ExportedEnvironment.of(CALLER, "ALL", List.of()));
  }

  @Test
  void givenVariablesWinAndMayBeTakenFromTheCaller() throws UsageException {
    assertEquals(
        Map.of("PATH", "/x", "K", "a=b", "SECRET", "s", "E", ""),
        ExportedEnvironment.of(
            Map.of("PATH", "/bin", "SECRET", "s"),
            null,
            List.of("PATH=/x", "K=a=b", "SECRET", "E=")));
    assertThrows(UsageException.class, () -> ExportedEnvironment.of(CALLER, null, List.of("=x")));
    assertThrows(UsageException.class, () -> ExportedEnvironment.of(CALLER, null, List.of("NOPE")));
  }

  @Test
  void valueOfTheCallerIsNeverExpandedByOrch() {
    assertEquals("plain $HOME", ExportedEnvironment.escaped("plain $HOME"));
    assertEquals(
        "${f%.gz} ${} ${a.} ${.b} ${a..b} ${1.b}",
        ExportedEnvironment.escaped("${f%.gz} ${} ${a.} ${.b} ${a..b} ${1.b}"));
    assertEquals("x$${node.my-rack}y", ExportedEnvironment.escaped("x${node.my-rack}y"));
    assertEquals("${my-node.x}", ExportedEnvironment.escaped("${my-node.x}"));
    assertEquals("$${a.b}$${c.d}", ExportedEnvironment.escaped("${a.b}${c.d}"));
    assertEquals("${open", ExportedEnvironment.escaped("${open"));
    assertEquals("${", ExportedEnvironment.escaped("${"));
  }
}

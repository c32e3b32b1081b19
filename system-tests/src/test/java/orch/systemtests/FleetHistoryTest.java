package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FleetHistoryTest {
  private static FleetHistory.Life life(String task, String token, String node, Long... beats) {
    return new FleetHistory.Life(task, token, node, List.of(beats));
  }

  @Test
  void livesThatFollowEachOtherAreFine() {
    FleetHistory history =
        new FleetHistory(
            List.of(
                life("guard.0", "2", "n2", 31L, 40L),
                life("guard.0", "1", "n1", 10L, 30L),
                life("guard.1", "3", "n1", 12L, 35L)));
    assertEquals(List.of(), history.aliveTwice());
    assertEquals(List.of(), new FleetHistory(List.of(life("load.0", "1", "n", 1L))).forkedTwice());
  }

  @Test
  void livesThatOverlapAreFoundEvenIfOneLiesBetween() {
    FleetHistory history =
        new FleetHistory(
            List.of(
                life("guard.0", "1", "n1", 10L, 50L),
                life("guard.0", "2", "n2", 20L, 21L),
                life("guard.0", "3", "n2", 50L, 60L)));
    assertEquals(
        List.of(
            "alive twice: guard.0 (token 1) on n1 from 10 to 50"
                + " and guard.0 (token 2) on n2 from 20 to 21",
            "alive twice: guard.0 (token 1) on n1 from 10 to 50"
                + " and guard.0 (token 3) on n2 from 50 to 60"),
        history.aliveTwice());
    assertEquals("3", history.latest().token());
  }

  @Test
  void anAttemptThatBeganTwiceIsFoundOnOneNodeAndOnTwo() {
    FleetHistory history =
        new FleetHistory(
            List.of(
                life("load.7.0", "1", "n1", 10L, 11L),
                life("load.7.1", "2", "n1", 10L),
                life("load.7.1", "2", "n2", 10L)));
    assertEquals(2, history.forkedTwice().size(), history.forkedTwice().toString());
  }

  @Test
  void aPauseBeginsWithTheLastBeginningBefore() {
    FleetHistory history =
        new FleetHistory(
            List.of(
                life("load.1.0", "1", "n1", 1_000L),
                life("load.2.0", "2", "n1", 5_000L),
                life("load.3.0", "3", "n1", 7_500L)));
    assertEquals(4_000, history.longestPause(1_500));
    assertEquals(2_500, history.longestPause(5_000));
    assertEquals(0, history.longestPause(8_000));
  }

  @Test
  void filesAreReadWithoutTheirTornEnds(@TempDir Path directory) throws Exception {
    Files.writeString(directory.resolve("load.42.3.17"), "1 1000\n1 12");
    Files.writeString(directory.resolve("load.42.4.18"), "1 10");
    FleetHistory history = FleetHistory.read(Map.of("n1", directory));
    assertEquals(List.of(life("load.42.3", "17", "n1", 1_000L)), history.lives());
    assertEquals(new TreeSet<>(List.of("load.42.3.17@n1")), history.of("load.").names());
    assertEquals(List.of(), history.without("n1").lives());
  }
}

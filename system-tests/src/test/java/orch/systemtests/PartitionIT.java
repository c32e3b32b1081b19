package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Agents that are cut off or hang, and a controller without ZooKeeper: what each partition mode
 * promises. Every attempt writes down when it lives, so that two at a time would be seen.
 */
@Timeout(300)
class PartitionIT {
  private static final Duration LIMIT = Duration.ofSeconds(90);

  private Fleet fleet;
  private Path lives;

  @BeforeEach
  void start() throws Exception {
    assumeTrue(Boolean.getBoolean("orch.soak"), "only in a soak: minutes of waiting for silence");
    fleet = new Fleet("n1", "n2", "n3");
    lives = Files.createDirectory(fleet.directory().resolve("lives"));
  }

  @AfterEach
  void stop() throws Exception {
    if (fleet != null) {
      fleet.close();
    }
  }

  /** A task that writes the machine's uptime every 50 ms, placed on n1; its job's number. */
  private String runOnN1(String name, String partition) throws Exception {
    fleet.expect("node", "cordon", "n2");
    fleet.expect("node", "cordon", "n3");
    String number =
        fleet.submit(
            """
            name: %s
            resources: {cpu: 10m}
            partition: %s
            restart: {rules: [{nodeLost: true, action: reschedule, uncounted: true}]}
            stop: {grace: 1s}
            command:
            - sh
            - -c
            - while :; do cut -d' ' -f1 /proc/uptime >> %s/$ORCH_JOB.$ORCH_ATTEMPT; sleep 0.05; done
            """
                .formatted(name, partition, lives));
    await(name + " runs", () -> !beats(name, 1).isEmpty());
    fleet.expect("node", "uncordon", "n2");
    fleet.expect("node", "uncordon", "n3");
    return number;
  }

  private interface Condition {
    boolean met() throws Exception;
  }

  private void await(String what, Condition condition) throws Exception {
    long end = System.nanoTime() + LIMIT.toNanos();
    while (!condition.met()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("not in time: " + what + "\n" + fleet.output());
      }
      TimeUnit.MILLISECONDS.sleep(100);
    }
  }

  /** When the attempt lived, seconds of the machine's uptime. */
  private List<Double> beats(String name, int attempt) throws Exception {
    Path file = lives.resolve(name + "." + attempt);
    if (!Files.exists(file)) {
      return List.of();
    }
    // The last line may be in the making.
    List<String> lines = Files.readString(file).lines().toList();
    return lines.stream().limit(Math.max(0, lines.size() - 1)).map(Double::valueOf).toList();
  }

  private static double uptime() throws Exception {
    String text = Files.readString(Path.of("/proc/uptime"));
    return Double.parseDouble(text.substring(0, text.indexOf(' ')));
  }

  private boolean beatsNow(String name, int attempt) throws Exception {
    List<Double> beats = beats(name, attempt);
    return !beats.isEmpty() && uptime() - beats.getLast() < 1;
  }

  private String task(String number) throws Exception {
    return fleet.expect("task", "show", number + "/0");
  }

  @Test
  void aStopTaskOfACutOffNodeEndsItselfBeforeItIsReplacedAndOthersRunOn() throws Exception {
    String stop = runOnN1("stop", "{mode: stop, stopAfter: 4s}");
    runOnN1("never", "{mode: never}");
    fleet.link("n1").cut();
    double cut = uptime();
    await("the second attempt", () -> beats("stop", 2).size() > 1);
    double ended = beats("stop", 1).getLast();
    double replaced = beats("stop", 2).getFirst();
    assertTrue(ended - cut < 4 + 1 + 1, "it ends within its lease and its grace: " + (ended - cut));
    assertTrue(replaced > ended, "two at a time: " + replaced + " and " + ended);
    System.out.printf(
        "stop: cut off, ended after %.1f s, replaced after %.1f s%n", ended - cut, replaced - cut);
    assertTrue(beatsNow("never", 1), "a task of mode never runs on");
    fleet.link("n1").heal();
    await("n1 is back", () -> fleet.expect("node", "show", "n1").contains("ready"));
    assertTrue(beatsNow("never", 1));
    assertEquals(List.of(), beats("never", 2));
    assertTrue(task(stop).contains("running"), task(stop));
  }

  @Test
  void aStopTaskEndsByItselfWhenItsAgentHangsAndAKeptOneIsStoppedOnceItWasReplaced()
      throws Exception {
    runOnN1("stop", "{mode: stop, stopAfter: 4s}");
    runOnN1("keep", "{mode: keep, lostAfter: 20s}");
    fleet.freeze("n1", true);
    double frozen = uptime();
    await("the second attempts", () -> beats("stop", 2).size() > 1 && beats("keep", 2).size() > 1);
    double ended = beats("stop", 1).getLast();
    assertTrue(ended - frozen < 4 + 1 + 1, "no agent was needed: " + (ended - frozen));
    assertTrue(beats("stop", 2).getFirst() > ended);
    assertTrue(beatsNow("keep", 1), "two copies, as keep says");
    fleet.freeze("n1", false);
    await("the copy that was replaced is stopped", () -> !beatsNow("keep", 1));
    assertTrue(beatsNow("keep", 2));
    assertTrue(beatsNow("stop", 2));
  }

  @Test
  void withoutALeaderStopTasksEndAllOthersRunOnAndEverythingGoesOnByItself() throws Exception {
    String stop = runOnN1("stop", "{mode: stop, stopAfter: 4s}");
    runOnN1("keep", "{mode: keep}");
    fleet.controller().kill();
    double killed = uptime();
    await("the task has ended", () -> !beatsNow("stop", 1));
    double ended = beats("stop", 1).getLast();
    assertTrue(ended - killed < 3 + 4 + 1 + 1, "at most C + D and its grace: " + (ended - killed));
    assertTrue(beatsNow("keep", 1));
    fleet.restartController();
    await("it runs again", () -> beats("stop", 2).size() > 1);
    assertTrue(beatsNow("keep", 1));
    assertEquals(List.of(), beats("keep", 2));
    String events = fleet.expect("events", stop + "/0");
    assertTrue(events.contains("no lease for 4 s: its node could reach no leader"), events);
  }

  @Test
  void whenOverHalfOfTheFleetIsCutOffNothingIsGivenUpAndThatIsSaid() throws Exception {
    String keep = runOnN1("keep", "{mode: keep, lostAfter: 15s}");
    fleet.link("n1").cut();
    fleet.link("n2").cut();
    await(
        "the brake",
        () -> fleet.expect("cluster", "status").contains("2 of 3 nodes fell silent at once"));
    assertTrue(fleet.expect("node", "list", "-o", "wide").contains("nothing is given up"));
    TimeUnit.SECONDS.sleep(10); // Long enough for what must not happen.
    assertTrue(task(keep).contains("nothing is given up"), task(keep));
    assertTrue(beatsNow("keep", 1));
    fleet.link("n1").heal();
    fleet.link("n2").heal();
    await("all is well", () -> !fleet.expect("cluster", "status").contains("fell silent"));
    assertEquals(List.of(), beats("keep", 2));
    assertTrue(beatsNow("keep", 1));
  }

  @Test
  void aDrainWaitsUntilEverythingHasMoved() throws Exception {
    runOnN1("keep", "{mode: keep}");
    assertEquals("n1 drained\n", fleet.expect("node", "drain", "n1", "--deadline", "5s"));
    await("it runs elsewhere", () -> beats("keep", 2).size() > 1 && !beatsNow("keep", 1));
    assertTrue(beats("keep", 2).getFirst() > beats("keep", 1).getLast(), "two at a time");
    assertTrue(fleet.expect("node", "list", "-o", "wide").contains("drained"));
    fleet.expect("node", "uncordon", "n1");
    await("n1 is ready", () -> fleet.expect("node", "show", "n1").contains("ready"));
  }
}

package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import orch.systemtests.host.Fleet;
import orch.systemtests.host.Host;
import orch.systemtests.host.HostLab;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Three controllers, an ensemble of three servers and agents, each on a host of its own, under a
 * load of jobs: whatever fails, acked jobs exist, exit codes are true, and no task of a {@code
 * partition: stop} job lives twice.
 */
@Timeout(2400)
class FleetIT {
  private static final boolean SOAK = Boolean.getBoolean("orch.soak");
  private static final int RANDOM_FAULTS = 12;
  private static final Duration TAKE_OVER = Duration.ofSeconds(60);

  private Fleet fleet;
  private FleetLoad load;

  @BeforeEach
  void boot() throws Exception {
    assumeTrue(SOAK, "only in a soak: eight hosts on two processors, minutes of faults");
    String missing = HostLab.missing();
    assumeTrue(missing.isEmpty(), missing);
    fleet = Fleet.start(2);
    load = new FleetLoad(fleet);
    load.start();
  }

  @AfterEach
  void remove() {
    if (fleet != null) {
      fleet.close();
    }
  }

  @Test
  void nothingIsLostAndNothingLivesTwiceWhateverFailsOneAfterAnother() throws Exception {
    leaderCutOffFromTheEnsembleButNotFromTheAgents();
    agentsHostCrashesAndReboots();
    leaderKilled();
    leaderFrozenAndWoken();
    agentCutOff();
    ensembleLosesOneServer();
    ensembleLosesItsMajority();
    atRandom();
    load.stopAndCheck();
  }

  private interface Fault {
    void strike() throws Exception;
  }

  private void atRandom() throws Exception {
    long seed = Long.getLong("orch.seed", System.nanoTime());
    say("faults at random, seed " + seed);
    Random random = new Random(seed);
    List<Fault> faults =
        List.of(
            this::leaderCutOffFromTheEnsembleButNotFromTheAgents,
            this::agentsHostCrashesAndReboots,
            this::leaderKilled,
            this::leaderFrozenAndWoken,
            this::agentCutOff,
            this::ensembleLosesOneServer,
            this::ensembleLosesItsMajority);
    for (int n = 0; n < RANDOM_FAULTS; n++) {
      faults.get(random.nextInt(faults.size())).strike();
    }
  }

  private void leaderKilled() throws Exception {
    Host leader = fleet.awaitLeader(TAKE_OVER);
    say("killing the leader " + leader);
    leader.expect("systemctl kill -s KILL orch-controller");
    load.expectProgress();
  }

  private void leaderFrozenAndWoken() throws Exception {
    Host leader = fleet.awaitLeader(TAKE_OVER);
    say("freezing the leader " + leader);
    leader.expect("systemctl kill -s STOP orch-controller");
    Host next = fleet.awaitLeaderOtherThan(leader.name(), TAKE_OVER);
    load.expectProgress();
    say("waking " + leader + ", now that " + next + " leads");
    leader.expect("systemctl kill -s CONT orch-controller");
    load.expectProgress();
    assertNotEquals(leader.name(), fleet.awaitLeader(TAKE_OVER).name());
  }

  private void leaderCutOffFromTheEnsembleButNotFromTheAgents() throws Exception {
    Host leader = fleet.awaitLeader(TAKE_OVER);
    say("cutting " + leader + " off from the ensemble");
    for (Host server : fleet.servers()) {
      leader.cutOffFrom(server);
    }
    Host next = fleet.awaitLeaderOtherThan(leader.name(), TAKE_OVER);
    say(next + " leads");
    load.expectProgress();
    for (Host server : fleet.servers()) {
      leader.healWith(server);
    }
    say("healed");
    load.expectProgress();
  }

  private void agentCutOff() throws Exception {
    Host agent = fleet.agents().getFirst();
    say("cutting off " + agent);
    agent.cutOff();
    Thread.sleep(20_000);
    agent.heal();
    fleet.awaitNodes(fleet.agents().size());
    load.expectProgress();
  }

  private void agentsHostCrashesAndReboots() throws Exception {
    Host agent = fleet.agents().getLast();
    say("crashing " + agent);
    agent.crashAndReboot();
    fleet.awaitNodes(fleet.agents().size());
    load.expectProgress();
  }

  private void ensembleLosesOneServer() throws Exception {
    Host server = fleet.servers().getFirst();
    say("crashing " + server);
    server.crash();
    load.expectProgress();
    server.boot();
  }

  private void ensembleLosesItsMajority() throws Exception {
    List<Host> lost = fleet.servers().subList(0, 2);
    say("crashing " + lost);
    long beats = load.guardBeats();
    for (Host server : lost) {
      server.crash();
    }
    Thread.sleep(5_000);
    CommandResult refused =
        fleet.orchctl(fleet.controllers().getFirst(), "run", "-d", "--", "true");
    assertNotEquals(0, refused.code(), refused.toString());
    assertTrue(load.keeperBeats() > 0 && load.guardBeats() >= beats);
    for (Host server : lost) {
      server.boot();
    }
    load.expectProgress();
    assertEquals(fleet.agents().size(), fleet.agents().stream().filter(Host::alive).count());
  }

  private static void say(String what) {
    System.err.println("FleetIT: " + what);
  }
}

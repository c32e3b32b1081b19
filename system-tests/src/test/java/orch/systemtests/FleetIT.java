package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
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
@Timeout(3000)
class FleetIT {
  private static final boolean SOAK = Boolean.getBoolean("orch.soak");
  private static final int RANDOM_FAULTS = Integer.getInteger("orch.faults", 12);
  private static final Duration TAKE_OVER = Duration.ofSeconds(90);

  private Fleet fleet;
  private FleetLoad load;

  @BeforeEach
  void check() {
    String missing = HostLab.missing();
    assumeTrue(missing.isEmpty(), missing);
  }

  private void bootAll() throws Exception {
    assumeTrue(SOAK, "only in a soak: eight hosts on two processors, minutes of faults");
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

  /** The one of every build: four hosts, of which three have a controller and a server each. */
  @Test
  void nothingIsLostAndNothingLivesTwiceWhenTheLeadersHostIsCutOff() throws Exception {
    long begin = say("booting a small fleet");
    fleet = Fleet.startSmall(1);
    say("it is up after %.1f s".formatted((System.currentTimeMillis() - begin) / 1e3));
    load = new FleetLoad(fleet);
    load.start();
    leadersHostCutOff();
    load.stopAndCheck();
    say("all over after %.1f s".formatted((System.currentTimeMillis() - begin) / 1e3));
  }

  @Test
  void nothingIsLostAndNothingLivesTwiceWhateverFailsOneAfterAnother() throws Exception {
    bootAll();
    for (Fault fault : faults()) {
      fault.strike();
    }
    load.stopAndCheck();
  }

  @Test
  void nothingIsLostAndNothingLivesTwiceWhateverFailsAtRandom() throws Exception {
    bootAll();
    long seed = Long.getLong("orch.seed", System.nanoTime());
    say("faults at random, seed " + seed);
    Random random = new Random(seed);
    List<Fault> faults = faults();
    for (int n = 0; n < RANDOM_FAULTS; n++) {
      faults.get(random.nextInt(faults.size())).strike();
    }
    load.stopAndCheck();
  }

  private interface Fault {
    void strike() throws Exception;
  }

  private List<Fault> faults() {
    return List.of(
        this::leaderCutOffFromTheEnsembleButNotFromTheAgents,
        this::agentsHostCrashesAndReboots,
        this::leaderKilled,
        this::leaderFrozenAndWoken,
        this::agentCutOff,
        this::ensembleLosesOneServer,
        this::ensembleLosesItsMajority);
  }

  private void leaderKilled() throws Exception {
    Host leader = fleet.awaitLeader(TAKE_OVER);
    long begin = say("killing the leader " + leader);
    leader.expect("systemctl kill -s KILL orch-controller");
    load.expectProgress();
    sayWhoFollowed(begin);
    settled("the leader was killed", begin);
  }

  private void leaderFrozenAndWoken() throws Exception {
    Host leader = fleet.awaitLeader(TAKE_OVER);
    int depositions = depositions(leader).size();
    long begin = say("freezing the leader " + leader);
    leader.expect("systemctl kill -s STOP orch-controller");
    Host next = fleet.awaitLeaderOtherThan(leader.name(), TAKE_OVER);
    load.expectProgress();
    sayWhoFollowed(begin);
    say("waking " + leader + ", now that " + next + " leads");
    leader.expect("systemctl kill -s CONT orch-controller");
    awaitDeposition(leader, depositions);
    load.expectProgress();
    assertNotEquals(leader.name(), fleet.awaitLeader(TAKE_OVER).name());
    settled("the leader was frozen", begin);
  }

  private void leaderCutOffFromTheEnsembleButNotFromTheAgents() throws Exception {
    Host leader = fleet.awaitLeader(TAKE_OVER);
    int depositions = depositions(leader).size();
    long begin = say("cutting " + leader + " off from the ensemble");
    for (Host server : fleet.servers()) {
      leader.cutOffFrom(server);
    }
    Host next = fleet.awaitLeaderOtherThan(leader.name(), TAKE_OVER);
    load.expectProgress();
    load.expectBeats(FleetLoad.GUARD, "");
    say(next + " leads");
    sayWhoFollowed(begin);
    expectRefusal(leader);
    for (Host server : fleet.servers()) {
      leader.healWith(server);
    }
    say("healed");
    awaitDeposition(leader, depositions);
    load.expectProgress();
    settled("the leader was cut off from the ensemble", begin);
  }

  /** Its controller and its server, from everything. */
  private void leadersHostCutOff() throws Exception {
    Host leader = fleet.awaitLeader(TAKE_OVER);
    int depositions = depositions(leader).size();
    TreeSet<String> keepers = load.livesOf(FleetLoad.KEEPER);
    long begin = say("cutting off the leader's host " + leader);
    leader.cutOff();
    load.expectProgress();
    sayWhoFollowed(begin);
    leader.heal();
    say("healed");
    awaitDeposition(leader, depositions);
    assertNotEquals(leader.name(), fleet.awaitLeader(TAKE_OVER).name());
    assertEquals(keepers, load.livesOf(FleetLoad.KEEPER), "what ran was not left alone");
    settled("the leader's host was cut off", begin);
  }

  private void agentCutOff() throws Exception {
    Host agent = load.hostOf(FleetLoad.GUARD);
    long begin = say("cutting off " + agent);
    agent.cutOff();
    // Its guards end themselves, and are replaced only then.
    load.expectBeats(FleetLoad.GUARD, agent.name());
    agent.heal();
    fleet.awaitNodes(fleet.agents().size());
    load.expectProgress();
    settled("an agent was cut off", begin);
  }

  private void agentsHostCrashesAndReboots() throws Exception {
    Host agent = load.hostOf(FleetLoad.GUARD);
    long begin = say("crashing " + agent);
    agent.crashAndReboot();
    fleet.awaitNodes(fleet.agents().size());
    load.expectProgress();
    settled("an agent's host crashed", begin);
  }

  private void ensembleLosesOneServer() throws Exception {
    Host server = fleet.servers().getFirst();
    long begin = say("crashing " + server);
    server.crash();
    load.expectProgress();
    server.boot();
    settled("the ensemble lost one server", begin);
  }

  private void ensembleLosesItsMajority() throws Exception {
    TreeSet<String> keepers = load.livesOf(FleetLoad.KEEPER);
    List<Host> lost = fleet.servers().subList(0, 2);
    long begin = say("crashing " + lost);
    for (Host server : lost) {
      server.crash();
    }
    expectRefusal(fleet.controllers().getFirst());
    load.expectBeats(FleetLoad.KEEPER, "");
    for (Host server : lost) {
      server.boot();
    }
    say("booted again");
    load.expectProgress();
    load.expectBeats(FleetLoad.KEEPER, "");
    assertEquals(keepers, load.livesOf(FleetLoad.KEEPER), "what ran was not left alone");
    settled("the ensemble lost its majority", begin);
  }

  /** Without ZooKeeper a controller takes no job, says why, and does not claim to lead. */
  private void expectRefusal(Host controller) throws Exception {
    CommandResult refused = fleet.orchctl(controller, "run", "-d", "--", "true");
    say(controller + " says: " + refused);
    assertEquals(125, refused.code(), refused.toString());
    String words = refused.toString();
    assertTrue(
        words.contains("ZooKeeper has not answered") || words.contains("no controller led"), words);
    String members = fleet.orchctl(controller, "cluster", "members", "-o", "json").text();
    for (Json member : Json.of(members).at("members").list()) {
      boolean leads = member.at("role").text().equals("MEMBER_ROLE_LEADER");
      assertFalse(leads && member.at("name").text().equals(controller.name()), members);
    }
  }

  /** What the controller said of the ends of its leaderships. */
  private static List<String> depositions(Host controller) throws Exception {
    return said(controller, "Does not lead any more");
  }

  private static List<String> said(Host controller, String words) throws Exception {
    return controller
        .expect("journalctl --no-pager -o cat -u orch-controller")
        .lines()
        .filter(line -> line.contains(words))
        .toList();
  }

  /** When the first leader after that moment began, by its own log. */
  private void sayWhoFollowed(long begin) throws Exception {
    for (Host controller : fleet.controllers()) {
      for (String line : said(controller, "Leads under epoch")) {
        long at = Instant.parse(line.substring(0, line.indexOf(' '))).toEpochMilli();
        if (at > begin) {
          say("%s led after %.1f s".formatted(controller, (at - begin) / 1e3));
        }
      }
    }
  }

  /** One that led says that it does not any more, and why. */
  private static void awaitDeposition(Host controller, int before) throws Exception {
    List<String> said = new ArrayList<>();
    long deadline = System.nanoTime() + TAKE_OVER.toNanos();
    while (said.size() <= before) {
      assertTrue(
          System.nanoTime() < deadline,
          () -> {
            try {
              return controller
                  + " does not say that it lost\n"
                  + Fleet.journals(List.of(controller));
            } catch (InterruptedException e) {
              return controller + " does not say that it lost";
            }
          });
      Thread.sleep(500);
      said = depositions(controller);
    }
    say(controller + " says: " + said.getLast());
  }

  /** Everything is as before. */
  private void settled(String what, long begin) throws Exception {
    fleet.awaitNodes(fleet.agents().size());
    load.expectBeats(FleetLoad.GUARD, "");
    load.expectBeats(FleetLoad.KEEPER, "");
    say(
        "%s: no task started for %.1f s; over after %.1f s"
            .formatted(what, load.pauseSince(begin), (System.currentTimeMillis() - begin) / 1e3));
  }

  /** Says what is done at a moment, milliseconds of the clock. */
  private static long say(String what) {
    System.err.println("FleetIT: " + what);
    return System.currentTimeMillis();
  }
}

package orch.controller.zookeeper;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import orch.controller.port.Member;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Who should lead, and who is there, on a real server. */
@Timeout(120)
final class ElectionTest {
  @TempDir Path directory;
  private Cluster cluster;

  @BeforeEach
  void start() throws Exception {
    cluster = new Cluster(directory);
  }

  @AfterEach
  void stop() {
    cluster.close();
  }

  @Test
  void oneOfTwoShouldLeadAndTheOtherWhenTheFirstLeaves() throws Exception {
    Candidate anna = new Candidate("anna");
    assertEquals(true, anna.next());
    Candidate bert = new Candidate("bert");
    assertTrue(bert.hints.isEmpty());
    anna.election.close();
    assertEquals(true, bert.next());
    bert.election.close();
  }

  @Test
  void theOtherShouldLeadWhenTheSessionOfTheFirstEnds() throws Exception {
    Candidate anna = new Candidate("anna");
    assertEquals(true, anna.next());
    Candidate bert = new Candidate("bert");
    anna.member.close();
    assertEquals(true, bert.next());
    bert.election.close();
  }

  @Test
  void aSoleControllerShouldLeadAtOnce() throws Exception {
    LinkedBlockingQueue<Boolean> hints = new LinkedBlockingQueue<>();
    new SoleElection(Runnable::run).start(hints::add);
    assertEquals(true, hints.poll());
  }

  @Test
  void membersSeeOneAnotherAndWhatBecomesOfThem() throws Exception {
    EphemeralMembership anna = membership("anna", "1");
    EphemeralMembership bert = membership("bert", "2");
    anna.join(member("anna", false, 0), other -> {});
    bert.join(member("bert", false, 0), other -> {});
    await(() -> names(anna).equals(List.of("anna", "bert")));
    await(() -> names(bert).equals(List.of("anna", "bert")));
    anna.update(member("anna", true, 3));
    await(() -> bert.members().contains(member("anna", true, 3)));
    anna.close();
    await(() -> names(bert).equals(List.of("bert")));
    bert.close();
  }

  @Test
  void aMemberIsThereAgainAfterItsSessionEnded() throws Exception {
    Cluster.Member first = cluster.member("anna").reading();
    EphemeralMembership anna =
        new EphemeralMembership(first.connection, first.layout.members(), "1");
    anna.join(member("anna", false, 0), other -> {});
    EphemeralMembership bert = membership("bert", "2");
    bert.join(member("bert", false, 0), other -> {});
    await(() -> names(bert).equals(List.of("anna", "bert")));
    first
        .connection
        .curator()
        .getZookeeperClient()
        .getZooKeeper()
        .getTestable()
        .injectSessionExpiration();
    anna.update(member("anna", true, 2));
    await(() -> bert.members().contains(member("anna", true, 2)));
    anna.close();
    bert.close();
  }

  @Test
  void ofTwoWithOneNameTheLaterIsTold() throws Exception {
    LinkedBlockingQueue<Member> told = new LinkedBlockingQueue<>();
    EphemeralMembership first = membership("anna", "1");
    EphemeralMembership second = membership("anna", "2");
    first.join(member("anna", true, 1), other -> told.add(member("wrong", false, 0)));
    await(() -> first.isThere());
    second.join(member("anna", false, 0), told::add);
    assertEquals(member("anna", true, 1), told.poll(60, TimeUnit.SECONDS));
    assertFalse(told.contains(member("wrong", false, 0)));
    first.close();
    second.close();
  }

  private EphemeralMembership membership(String name, String instance) throws Exception {
    Cluster.Member member = cluster.member(name).reading();
    return new EphemeralMembership(
        member.connection, member.layout.members(), instance, Duration.ofMillis(500));
  }

  private static Member member(String name, boolean leader, long epoch) {
    return new Member(name, leader, epoch, 7, "localhost:1", "localhost:2", "0.1", 1);
  }

  private static List<String> names(EphemeralMembership membership) {
    return membership.members().stream().map(Member::name).toList();
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    // What others see arrives by a watch, for which there is nothing to wait on here.
    while (!condition.getAsBoolean()) {
      Thread.sleep(10);
    }
  }

  private final class Candidate {
    final Cluster.Member member;
    final LatchElection election;
    final LinkedBlockingQueue<Boolean> hints = new LinkedBlockingQueue<>();

    Candidate(String name) throws Exception {
      member = cluster.member(name).reading();
      election = new LatchElection(member.connection, member.layout.election(), name, member.loop);
      election.start(hints::add);
    }

    Boolean next() throws InterruptedException {
      Boolean hint = hints.poll(60, TimeUnit.SECONDS);
      return hint != null && hint;
    }
  }
}

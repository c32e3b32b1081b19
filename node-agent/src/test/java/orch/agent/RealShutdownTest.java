package orch.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.JobSpec;
import orch.api.model.JobType;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.StopPolicy;
import orch.api.model.TaskSet;
import orch.api.model.Uid;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A node is stopped: real tasks, in order, each by its own stop sequence, until time is over. */
@Timeout(120)
class RealShutdownTest {
  private static final Uid LOW = new Uid(1, 1, 1);
  private static final Uid BATCH = new Uid(1, 1, 2);
  private static final Uid SERVICE = new Uid(1, 1, 3);
  private static final Duration LONG = Duration.ofMinutes(10);
  private static final int SIGKILL = 9;

  private RealAgent agent;
  private Path said;

  @BeforeEach
  void start() throws IOException {
    agent = new RealAgent();
    said = Files.createFile(agent.directory.resolve("said"));
    Files.setPosixFilePermissions(said, PosixFilePermissions.fromString("rw-rw-rw-"));
  }

  @AfterEach
  void stop() throws IOException {
    agent.close();
  }

  private static JobSpec job(JobType type, int priority, Duration grace, String script) {
    JobSpec of = JobSpec.batch("web", TaskSet.count(3), List.of("/bin/sh", "-c", script));
    return of.toBuilder().type(type).stop(StopPolicy.after(grace)).priority(priority).build();
  }

  /** Runs a task that does as it is told at SIGTERM, and returns once it is prepared for that. */
  private void run(Uid uid, JobType type, int priority, Duration grace, String atTerm)
      throws IOException {
    int before = Files.readAllLines(said).size();
    agent.run(
        uid,
        job(
            type,
            priority,
            grace,
            "trap '" + atTerm + "' TERM; echo up >>" + said + "; while :; do sleep 0.02; done"));
    agent.awaitState(uid, AttemptState.RUNNING);
    while (Files.readAllLines(said).size() == before) {
      Thread.onSpinWait();
    }
  }

  private String says(String what) {
    return "echo " + what + " >>" + said + "; exit 0";
  }

  private static void await(CountDownLatch done) throws InterruptedException {
    assertTrue(done.await(60, TimeUnit.SECONDS), "the node did not stop in time");
  }

  private static Result result(AttemptStatus status) {
    return Objects.requireNonNull(status.result(), status.toString());
  }

  @Test
  void theAgentThatStopsKnowsTheOrderWithoutAController() throws Exception {
    run(SERVICE, JobType.SERVICE, 50, LONG, says("service"));
    run(
        BATCH,
        JobType.BATCH,
        50,
        LONG,
        "echo stopping >>" + said + "; sleep 0.3; " + says("batch"));
    run(LOW, JobType.SERVICE, 10, LONG, "echo stopping >>" + said + "; sleep 0.3; " + says("low"));
    agent.crash();
    agent.begin();
    await(agent.shutDown(LONG));
    assertEquals(
        List.of("up", "up", "up", "stopping", "low", "stopping", "batch", "service"),
        Files.readAllLines(said));
    AttemptStatus low = agent.awaitEnd(LOW);
    assertEquals("its node is being stopped", low.reason());
    assertEquals(AttemptState.KILLED, low.state());
  }

  @Test
  void eachHasItsOwnGraceAndItIsDoneWhenEveryEndIsCommitted() throws Exception {
    run(SERVICE, JobType.SERVICE, 50, LONG, says("service"));
    run(LOW, JobType.SERVICE, 10, Duration.ofSeconds(1), "echo ignored >>" + said);
    CountDownLatch done = agent.shutDown(LONG);
    assertEquals(SIGKILL, result(agent.awaitEnd(LOW)).siStatus());
    Result last = result(agent.awaitEnd(SERVICE));
    assertEquals(ResultKind.EVICTED, last.kind());
    assertEquals(0, last.siStatus());
    assertEquals(List.of("up", "up", "ignored", "service"), Files.readAllLines(said));
    agent.forget(LOW);
    agent.forget(SERVICE);
    await(done);
  }

  @Test
  void whenTheTimeIsOverAllAreKilledAndTheNextAgentKnowsIt() throws Exception {
    run(SERVICE, JobType.SERVICE, 50, LONG, "echo late >>" + said);
    run(LOW, JobType.BATCH, 10, LONG, "echo ignored >>" + said);
    await(agent.shutDown(Duration.ofSeconds(2)));
    // The kill is preceded by the stop signal, which the second one may have heard.
    assertEquals(List.of("up", "up", "ignored"), Files.readAllLines(said).subList(0, 3));
    agent.crash();
    agent.begin();
    assertEquals(SIGKILL, result(agent.awaitEnd(LOW)).siStatus());
    assertEquals(SIGKILL, result(agent.awaitEnd(SERVICE)).siStatus());
    assertEquals(ResultKind.EVICTED, result(agent.awaitEnd(SERVICE)).kind());
  }

  @Test
  void askedASecondTimeItKillsAtOnce() throws Exception {
    run(SERVICE, JobType.SERVICE, 50, LONG, "echo late >>" + said);
    run(LOW, JobType.BATCH, 10, LONG, "echo ignored >>" + said);
    CountDownLatch done = agent.shutDown(LONG);
    agent.awaitState(LOW, AttemptState.STOPPING);
    agent.shutDown(Duration.ZERO);
    AttemptStatus service = agent.awaitEnd(SERVICE);
    assertEquals(SIGKILL, result(service).siStatus());
    assertEquals("its node is being stopped, and had no more time for it", service.reason());
    assertEquals(SIGKILL, result(agent.awaitEnd(LOW)).siStatus());
    await(done);
  }
}

package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import orch.systemtests.host.Fleet;
import orch.systemtests.host.Host;
import org.jspecify.annotations.Nullable;

/**
 * Jobs that a fleet is given while parts of it fail, by a user who knows the controllers and not
 * which of them leads, and the check of what became of them.
 */
final class FleetLoad {
  /** Tasks of a job with {@code partition: stop}, of one with {@code keep}, of the load. */
  static final String GUARD = "guard.";

  static final String KEEPER = "keeper.";
  private static final String LOAD = "load.";

  private static final int TASKS = 4;
  private static final int ASKS = 4;

  /** Of timeout(1), and beyond what a task of the load exits with. */
  private static final int TIMED_OUT = 124;

  private static final Duration ONE_CALL = Duration.ofSeconds(120);
  private static final Duration PROGRESS = Duration.ofSeconds(180);

  /** A task that beats every 200 ms. */
  private static final String BEATING =
      """
      name: %s
      type: service
      count: 2
      user: root
      resources: {cpu: 10m}
      partition: {mode: %s%s}
      restart: {when: always, backoff: {initial: 200ms, max: 1s}}
      stop: {grace: 1s}
      command:
      - bash
      - -c
      - |
        while :; do
          echo $ORCH_ATTEMPT $(date +%%s%%3N) >>/mnt/host/history/%s.$ORCH_INDEX.$ORCH_FENCING_TOKEN
          sleep 0.2
        done
      """;

  private final Fleet fleet;
  private final AtomicBoolean stopped = new AtomicBoolean();
  private final AtomicInteger done = new AtomicInteger();
  private final AtomicInteger calls = new AtomicInteger();
  private final Map<String, Integer> acked = new LinkedHashMap<>();
  private final AtomicInteger unanswered = new AtomicInteger();
  private final List<String> wrong = new CopyOnWriteArrayList<>();
  private @Nullable Thread thread;

  FleetLoad(Fleet fleet) {
    this.fleet = fleet;
  }

  void start() throws Exception {
    submit(BEATING.formatted("guard", "stop", ", stopAfter: 5s", "guard"));
    submit(BEATING.formatted("keeper", "keep", "", "keeper"));
    thread = Thread.ofPlatform().name("load").start(this::load);
    expectBeats(GUARD, "");
    expectBeats(KEEPER, "");
    expectProgress();
  }

  /** Asks another controller first each time: whoever leads, each is as good as any. */
  private CommandResult orchctl(String... arguments) throws IOException, InterruptedException {
    return fleet.orchctlAnywhere(calls.getAndIncrement(), ONE_CALL, arguments);
  }

  private String expect(String... arguments) throws IOException, InterruptedException {
    CommandResult result = orchctl(arguments);
    if (result.code() != 0) {
      throw new IOException("orchctl " + String.join(" ", arguments) + ": " + result);
    }
    return result.text().strip();
  }

  private String submit(String spec) throws IOException, InterruptedException {
    Path file = Files.createTempFile("orch-job-", ".yaml");
    try {
      Files.writeString(file, spec);
      String answer = expect("job", "submit", "-o", "name", file.toString());
      return answer.substring(answer.lastIndexOf('/') + 1);
    } finally {
      Files.delete(file);
    }
  }

  private void load() {
    for (int n = 0; !stopped.get(); n++) {
      int offset = n % 50;
      try {
        String number =
            submit(
                """
                name: load-%d
                count: %d
                user: root
                resources: {cpu: 10m}
                command:
                - bash
                - -c
                - |
                  echo $ORCH_ATTEMPT $(date +%%s%%3N) >>/mnt/host/history/load.$ORCH_JOB_NUMBER.$ORCH_INDEX.$ORCH_FENCING_TOKEN
                  sleep 0.5; exit $((ORCH_INDEX + %d))
                """
                    .formatted(n, TASKS, offset));
        synchronized (acked) {
          acked.put(number, offset);
        }
        if (awaitEnd(number) == offset + TASKS - 1) {
          done.incrementAndGet();
        }
      } catch (IOException refused) {
        System.err.println("FleetIT: not acked: " + refused.getMessage());
        unanswered.incrementAndGet();
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        wrong.add("the load broke: " + e);
        return;
      }
    }
  }

  /** Asks again, whichever controller leads by then; the code of the job, or 125. */
  private int awaitEnd(String number) throws IOException, InterruptedException {
    int code = TIMED_OUT;
    for (int n = 0; n < ASKS && code >= TIMED_OUT && !stopped.get(); n++) {
      code = orchctl("wait", "-q", number).code();
    }
    return code;
  }

  private interface Condition {
    boolean met() throws Exception;
  }

  private void await(String what, Condition condition) throws Exception {
    long deadline = System.nanoTime() + PROGRESS.toNanos();
    while (!condition.met()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError(
            "waited in vain for "
                + what
                + "; wrong so far: "
                + wrong
                + "\n"
                + Fleet.journals(fleet.controllers())
                + Fleet.journals(fleet.agents()));
      }
      Thread.sleep(100);
    }
  }

  /** Two more jobs are submitted, run and end as they should. */
  void expectProgress() throws Exception {
    int before = done.get();
    await("progress of the load", () -> done.get() >= before + 2 || !wrong.isEmpty());
    assertTrue(wrong.isEmpty(), wrong.toString());
  }

  /**
   * Every task of the service gives new signs of life.
   *
   * @param exceptNode those from there do not count; empty: all do
   */
  void expectBeats(String prefix, String exceptNode) throws Exception {
    TreeMap<String, Integer> before = history().of(prefix).without(exceptNode).beats();
    await(
        "beats of " + prefix,
        () -> {
          TreeMap<String, Integer> now = history().of(prefix).without(exceptNode).beats();
          return now.size() == 2
              && now.entrySet().stream()
                  .allMatch(task -> task.getValue() > before.getOrDefault(task.getKey(), 0));
        });
  }

  /** The host of an agent where a task of the service gave the latest sign of life. */
  Host hostOf(String prefix) throws IOException {
    String node = history().of(prefix).latest().node();
    return fleet.agents().stream()
        .filter(agent -> agent.name().equals(node))
        .findFirst()
        .orElseThrow();
  }

  /** The lives that there were of a service's tasks. */
  TreeSet<String> livesOf(String prefix) throws IOException {
    return history().of(prefix).names();
  }

  /** For how long no task of the load was started, from about {@code since} on, seconds. */
  double pauseSince(long since) throws IOException {
    return history().of(LOAD).longestPause(since) / 1e3;
  }

  private FleetHistory history() throws IOException {
    Map<String, Path> directories = new TreeMap<>();
    for (Host agent : fleet.agents()) {
      directories.put(agent.name(), agent.outside().resolve("history"));
    }
    return FleetHistory.read(directories);
  }

  void stopAndCheck() throws Exception {
    expectBeats(GUARD, "");
    expectBeats(KEEPER, "");
    stopped.set(true);
    if (thread != null) {
      thread.join();
    }
    for (String number : acked.keySet()) {
      orchctl("wait", "-q", number);
    }
    FleetHistory history = history();
    TreeSet<String> ran = new TreeSet<>();
    history.of(LOAD).lives().forEach(life -> ran.add(life.task()));
    Map<String, Integer> ends = new TreeMap<>();
    for (Map.Entry<String, Integer> job : acked.entrySet()) {
      check(job.getKey(), job.getValue(), ran, ends);
    }
    wrong.addAll(history.of(LOAD).forkedTwice());
    wrong.addAll(history.of(GUARD).aliveTwice());
    System.err.println(
        "FleetIT: %d jobs acked, %d submissions not, ends of tasks %s, lives of guards %s"
            .formatted(acked.size(), unanswered.get(), ends, livesOf(GUARD)));
    assertTrue(wrong.isEmpty(), wrong.toString());
  }

  /** A job that was acked is there, whole, and tells the truth of each task. */
  private void check(String number, int offset, TreeSet<String> ran, Map<String, Integer> ends)
      throws IOException, InterruptedException {
    List<Json> tasks = new ArrayList<>();
    CommandResult listed = orchctl("task", "list", number, "-o", "json");
    if (listed.code() == 0) {
      tasks = Json.of(listed.text()).at("tasks").list();
    }
    if (tasks.size() != TASKS) {
      wrong.add("acked, but not there or not whole: job " + number + ": " + listed);
    }
    for (Json task : tasks) {
      Json result = task.at("attempt", "result");
      String kind = result.at("kind").text();
      ends.merge(kind, 1, Integer::sum);
      long index = task.at("index").number();
      switch (kind) {
        case "RESULT_KIND_EXITED" -> {
          if (result.at("siStatus").number() != index + offset) {
            wrong.add("the exit code is not true: " + task);
          }
          if (!ran.contains(LOAD + number + "." + index)) {
            wrong.add("its end is told, but it never ran: " + task);
          }
        }
        case "RESULT_KIND_LOST" -> {
          // Its host crashed under it.
        }
        default -> wrong.add("an end that nobody brought about: " + task);
      }
    }
  }
}

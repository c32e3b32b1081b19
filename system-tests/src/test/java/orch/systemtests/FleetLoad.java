package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import orch.systemtests.host.Fleet;
import orch.systemtests.host.Host;
import org.jspecify.annotations.Nullable;

/**
 * Jobs that a fleet is given while parts of it fail, and the check of what became of them. Tasks
 * write what they do to a directory that the outer machine holds, so it outlives their host.
 */
final class FleetLoad {
  private static final int TASKS = 4;
  private static final int ASKS = 4;

  /** Of timeout(1), and beyond what a task of the load exits with. */
  private static final int TIMED_OUT = 124;

  private static final long PROGRESS_NANOS = 90_000_000_000L;

  /** A task that beats every 200 ms: {@code start} or {@code beat}, its attempt, the time. */
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
  private final Map<String, Integer> acked = new LinkedHashMap<>();
  private final AtomicInteger unanswered = new AtomicInteger();
  private @Nullable Thread thread;

  FleetLoad(Fleet fleet) {
    this.fleet = fleet;
  }

  void start() throws Exception {
    submit(BEATING.formatted("guard", "stop", ", stopAfter: 5s", "guard"));
    submit(BEATING.formatted("keeper", "keep", "", "keeper"));
    thread = Thread.ofPlatform().name("load").start(this::load);
    expectProgress();
  }

  private String submit(String spec) throws Exception {
    Path file = Files.createTempFile("orch-job-", ".yaml");
    try {
      Files.writeString(file, spec);
      String answer = fleet.expect("job", "submit", "-o", "name", file.toString());
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
                  echo $ORCH_ATTEMPT >>/mnt/host/history/load.$ORCH_JOB_NUMBER.$ORCH_INDEX.$ORCH_FENCING_TOKEN
                  sleep 0.5; exit $((ORCH_INDEX + %d))
                """
                    .formatted(n, TASKS, offset));
        synchronized (acked) {
          acked.put(number, offset);
        }
        if (awaitEnd(number) == offset + TASKS - 1) {
          done.incrementAndGet();
        }
      } catch (IOException unreachable) {
        unanswered.incrementAndGet();
      } catch (InterruptedException e) {
        return;
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** Asks again, whichever controller leads by then; the code of the job, or 125. */
  private int awaitEnd(String number) throws IOException, InterruptedException {
    for (int n = 0; n < ASKS && !stopped.get(); n++) {
      int code = fleet.orchctl("wait", "-q", number).code();
      if (code < TIMED_OUT) {
        return code;
      }
    }
    return TIMED_OUT;
  }

  /** Two more jobs are submitted, run and end as they should. */
  void expectProgress() throws Exception {
    int before = done.get();
    long deadline = System.nanoTime() + PROGRESS_NANOS;
    while (done.get() < before + 2) {
      assertTrue(
          System.nanoTime() < deadline,
          () -> {
            try {
              return "no progress\n"
                  + Fleet.journals(fleet.controllers())
                  + Fleet.journals(fleet.agents());
            } catch (InterruptedException e) {
              return "no progress";
            }
          });
      Thread.sleep(100);
    }
  }

  void stopAndCheck() throws Exception {
    stopped.set(true);
    if (thread != null) {
      thread.join();
    }
    Map<String, Integer> ends = new TreeMap<>();
    List<String> wrong = new ArrayList<>();
    for (Map.Entry<String, Integer> job : acked.entrySet()) {
      fleet.orchctl("wait", "-q", job.getKey());
      Json tasks = Json.of(fleet.expect("task", "list", job.getKey(), "-o", "json")).at("tasks");
      assertEquals(TASKS, tasks.list().size(), "acked, but not whole: job " + job.getKey());
      for (Json task : tasks.list()) {
        Json result = task.at("attempt", "result");
        ends.merge(result.at("kind").text(), 1, Integer::sum);
        long index = task.at("index").number();
        if (result.at("kind").text().equals("RESULT_KIND_EXITED")
            && result.at("siStatus").number() != index + job.getValue()) {
          wrong.add("exit code is not true: " + task);
        }
      }
    }
    for (Map.Entry<Path, List<String>> file : histories("load.").entrySet()) {
      if (file.getValue().size() > 1) {
        wrong.add("forked more than once: " + file);
      }
    }
    wrong.addAll(overlaps());
    System.err.println(
        "FleetIT: %d jobs acked, %d submissions unanswered, ends of tasks %s, guards %s"
            .formatted(acked.size(), unanswered.get(), ends, lives("guard.").keySet()));
    assertTrue(wrong.isEmpty(), wrong.toString());
  }

  /** One life of a task: from its first beat to its last. */
  private record Life(String task, String node, long from, long to) {}

  /** Of each task of the job with {@code partition: stop}: lives that overlap. */
  private List<String> overlaps() throws IOException {
    List<String> wrong = new ArrayList<>();
    for (List<Life> lives : lives("guard.").values()) {
      for (int i = 1; i < lives.size(); i++) {
        if (lives.get(i).from() <= lives.get(i - 1).to()) {
          wrong.add("alive twice: " + lives.get(i - 1) + " and " + lives.get(i));
        }
      }
    }
    return wrong;
  }

  private Map<String, List<Life>> lives(String prefix) throws IOException {
    Map<String, List<Life>> lives = new TreeMap<>();
    for (Map.Entry<Path, List<String>> file : histories(prefix).entrySet()) {
      List<String> beats = file.getValue();
      String name = String.valueOf(file.getKey().getFileName());
      String task = name.substring(0, name.lastIndexOf('.'));
      String node = String.valueOf(file.getKey().getParent().getParent().getParent().getFileName());
      if (!beats.isEmpty()) {
        lives
            .computeIfAbsent(task, any -> new ArrayList<>())
            .add(new Life(task, node, time(beats.getFirst()), time(beats.getLast())));
      }
    }
    lives.values().forEach(each -> each.sort(Comparator.comparingLong(Life::from)));
    return lives;
  }

  private static long time(String beat) {
    return Long.parseLong(beat.substring(beat.indexOf(' ') + 1));
  }

  private Map<Path, List<String>> histories(String prefix) throws IOException {
    Map<Path, List<String>> all = new TreeMap<>();
    for (Host agent : fleet.agents()) {
      try (DirectoryStream<Path> files =
          Files.newDirectoryStream(agent.outside().resolve("history"), prefix + "*")) {
        for (Path file : files) {
          // What a crash tore off in the middle of a line does not count.
          String text = Files.readString(file);
          all.put(file, text.substring(0, text.lastIndexOf('\n') + 1).lines().toList());
        }
      }
    }
    return all;
  }

  long guardBeats() throws IOException {
    return histories("guard.").values().stream().mapToLong(List::size).sum();
  }

  long keeperBeats() throws IOException {
    return histories("keeper.").values().stream().mapToLong(List::size).sum();
  }
}

package orch.agent.logs;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which attempts of which job left output on this node. Segments are named by uid alone, so the
 * names that people use are kept here: in memory while an attempt lives (a restarted agent
 * announces its attempts again), in a file of one line each once it has ended and wrote something.
 */
final class OutputIndex {
  private static final Logger log = LoggerFactory.getLogger(OutputIndex.class);
  private static final int FIELDS = 12;

  private final SegmentFiles files;
  private final Path file;
  private final Map<Uid, Output> byUid = new HashMap<>();
  private final Map<Uid, TreeMap<Long, Output>> byJob = new HashMap<>();
  private long nextSequence = 1;
  private long generation;

  /** Reads {@code file}, dropping what has no segment any more. */
  OutputIndex(SegmentFiles files, Path file) throws IOException {
    this.files = files;
    this.file = file;
    if (Files.exists(file)) {
      for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
        load(line);
      }
      rewrite();
    }
  }

  synchronized void started(TaskIdentity identity) {
    if (!byUid.containsKey(identity.uid())) {
      add(new Output(identity, nextSequence++));
    }
    changed();
  }

  /** Marks the end; an attempt that wrote nothing is forgotten, since there is nothing to serve. */
  synchronized @Nullable Output ended(Uid uid, long nowMillis) {
    Output output = byUid.get(uid);
    if (output == null || output.ended()) {
      return null;
    }
    output.end(nowMillis);
    try {
      if (files.firstAtLeast(uid, 0) < 0) {
        remove(output);
      } else {
        Files.writeString(
            file,
            line(output),
            StandardCharsets.UTF_8,
            StandardOpenOption.CREATE,
            StandardOpenOption.APPEND);
      }
    } catch (IOException e) {
      // The output itself is safe; only its name would be forgotten by a restarted agent.
      log.warn("cannot note the output of {} in {}: {}", uid, file, e.toString());
    }
    changed();
    return output;
  }

  synchronized @Nullable Output get(Uid uid) {
    return byUid.get(uid);
  }

  /** Outputs of a job announced after {@code sequence}, in that order. */
  synchronized List<Output> ofJob(Uid job, long afterSequence) {
    TreeMap<Long, Output> outputs = byJob.get(job);
    return outputs == null
        ? List.of()
        : new ArrayList<>(outputs.tailMap(afterSequence, false).values());
  }

  synchronized List<Output> all() {
    return new ArrayList<>(byUid.values());
  }

  /** Forgets an output whose segments are gone. */
  synchronized void forget(List<Output> outputs) throws IOException {
    for (Output output : outputs) {
      remove(output);
    }
    rewrite();
  }

  /** A number that changes with every announcement and end. */
  synchronized long generation() {
    return generation;
  }

  /** Waits until the generation is another than {@code seen}, at most {@code millis}. */
  synchronized void awaitChange(long seen, long millis) throws InterruptedException {
    long until = System.nanoTime() + millis * 1_000_000;
    long left = millis;
    while (generation == seen && left > 0) {
      wait(left);
      left = (until - System.nanoTime()) / 1_000_000;
    }
  }

  /** Wakes everyone who waits for a change. */
  synchronized void changed() {
    generation++;
    notifyAll();
  }

  private void add(Output output) {
    byUid.put(output.identity.uid(), output);
    byJob
        .computeIfAbsent(output.identity.jobUid(), job -> new TreeMap<>())
        .put(output.sequence, output);
  }

  private void remove(Output output) {
    byUid.remove(output.identity.uid());
    TreeMap<Long, Output> outputs = byJob.get(output.identity.jobUid());
    if (outputs != null) {
      outputs.remove(output.sequence);
      if (outputs.isEmpty()) {
        byJob.remove(output.identity.jobUid());
      }
    }
  }

  private void load(String line) {
    String[] parts = line.split("\t", -1);
    if (parts.length != FIELDS) {
      return; // Torn by a crash.
    }
    try {
      TaskIdentity identity =
          new TaskIdentity(
              Uid.parse(parts[0]),
              Uid.parse(parts[1]),
              Long.parseLong(parts[2]),
              parts[3],
              parts[4],
              Integer.parseInt(parts[5]),
              Integer.parseInt(parts[6]),
              parts[7],
              parts[8],
              parts[9],
              parts[10].startsWith("j"),
              Duration.ofSeconds(Long.parseLong(parts[10].substring(1))));
      if (files.firstAtLeast(identity.uid(), 0) >= 0 && !byUid.containsKey(identity.uid())) {
        Output output = new Output(identity, nextSequence++);
        output.end(Long.parseLong(parts[11]));
        add(output);
      }
    } catch (IllegalArgumentException | IOException e) {
      log.warn("{}: dropping the unreadable line '{}': {}", file, line, e.toString());
    }
  }

  private void rewrite() throws IOException {
    Path fresh = file.resolveSibling(file.getFileName() + ".new");
    try (BufferedWriter writer = Files.newBufferedWriter(fresh, StandardCharsets.UTF_8)) {
      for (Output output : all()) {
        if (output.ended()) {
          writer.write(line(output));
        }
      }
    }
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private static String line(Output output) {
    TaskIdentity of = output.identity;
    return String.join(
        "\t",
        of.uid().toString(),
        of.jobUid().toString(),
        Long.toString(of.jobNumber()),
        of.namespace(),
        of.jobName(),
        Integer.toString(of.index()),
        Integer.toString(of.attempt()),
        of.node(),
        of.traceId(),
        of.spanId(),
        (of.journal() ? "j" : "-") + of.retention().toSeconds(),
        output.endedMillis() + "\n");
  }
}

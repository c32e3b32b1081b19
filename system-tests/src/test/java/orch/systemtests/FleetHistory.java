package orch.systemtests;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What tasks wrote of their lives, to a directory of each host that the outer machine holds, so
 * that it is there whatever became of the host: a file each life, {@code TASK.FENCING_TOKEN}, in it
 * a line each sign of life, {@code ATTEMPT MILLISECONDS}.
 *
 * @param lives of all tasks on all hosts
 */
record FleetHistory(List<Life> lives) {
  /**
   * A life of a task.
   *
   * @param token its fencing token, unique to an attempt
   * @param beats its signs of life, milliseconds of the host's clock, rising; at least one
   */
  record Life(String task, String token, String node, List<Long> beats) {
    long from() {
      return beats.getFirst();
    }

    long to() {
      return beats.getLast();
    }

    @Override
    public String toString() {
      return "%s (token %s) on %s from %d to %d".formatted(task, token, node, from(), to());
    }
  }

  FleetHistory {
    lives = List.copyOf(lives);
  }

  /** Reads what is there of the directories, one for each node. */
  static FleetHistory read(Map<String, Path> directories) throws IOException {
    List<Life> lives = new ArrayList<>();
    for (Map.Entry<String, Path> node : directories.entrySet()) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(node.getValue())) {
        for (Path file : files) {
          // What a crash tore off in the middle of a line does not count.
          String text = Files.readString(file);
          List<Long> beats =
              text.substring(0, text.lastIndexOf('\n') + 1)
                  .lines()
                  .map(line -> Long.valueOf(line.substring(line.indexOf(' ') + 1)))
                  .toList();
          String name = String.valueOf(file.getFileName());
          int dot = name.lastIndexOf('.');
          if (!beats.isEmpty()) {
            String token = name.substring(dot + 1);
            lives.add(new Life(name.substring(0, dot), token, node.getKey(), beats));
          }
        }
      }
    }
    return new FleetHistory(lives);
  }

  /** The part of the tasks whose names begin so. */
  FleetHistory of(String prefix) {
    return new FleetHistory(lives.stream().filter(life -> life.task().startsWith(prefix)).toList());
  }

  /** The part on other nodes than this one. */
  FleetHistory without(String node) {
    return new FleetHistory(lives.stream().filter(life -> !life.node().equals(node)).toList());
  }

  /** Names of the lives, without their length. */
  TreeSet<String> names() {
    TreeSet<String> names = new TreeSet<>();
    lives.forEach(life -> names.add(life.task() + "." + life.token() + "@" + life.node()));
    return names;
  }

  /** The life with the latest sign; there has to be one. */
  Life latest() {
    return lives.stream().max(Comparator.comparingLong(Life::to)).orElseThrow();
  }

  /** Signs of life of each task. */
  TreeMap<String, Integer> beats() {
    TreeMap<String, Integer> beats = new TreeMap<>();
    lives.forEach(life -> beats.merge(life.task(), life.beats().size(), Integer::sum));
    return beats;
  }

  /** Sentences about tasks of which two lives overlap. */
  List<String> aliveTwice() {
    Map<String, Life> longest = new TreeMap<>();
    List<String> wrong = new ArrayList<>();
    for (Life life : lives.stream().sorted(Comparator.comparingLong(Life::from)).toList()) {
      Life before = longest.get(life.task());
      if (before != null && life.from() <= before.to()) {
        wrong.add("alive twice: " + before + " and " + life);
      }
      if (before == null || before.to() < life.to()) {
        longest.put(life.task(), life);
      }
    }
    return wrong;
  }

  /** Sentences about attempts that began more than once, of tasks that give one sign of life. */
  List<String> forkedTwice() {
    Map<String, Life> known = new TreeMap<>();
    List<String> wrong = new ArrayList<>();
    for (Life life : lives) {
      Life other = known.put(life.token(), life);
      if (other != null) {
        wrong.add("one token twice: " + other + " and " + life);
      }
      if (life.beats().size() > 1) {
        wrong.add("forked more than once: " + life);
      }
    }
    return wrong;
  }

  /**
   * The longest time in which no life began, milliseconds.
   *
   * @param since the last beginning before this moment is the first that counts
   */
  long longestPause(long since) {
    List<Long> begins = lives.stream().map(Life::from).sorted().toList();
    long longest = 0;
    for (int i = 1; i < begins.size(); i++) {
      if (begins.get(i) > since) {
        longest = Math.max(longest, begins.get(i) - begins.get(i - 1));
      }
    }
    return longest;
  }
}

package orch.api.spec;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** The table of the dialect's keys: the one place that says which there are. */
public final class SpecTable {
  /** What people write for a key from habit, and what it is called here. */
  private static final Map<String, String> SYNONYMS = synonyms();

  private SpecTable() {}

  /** The keys of a job. */
  public static SpecType.Section job() {
    return SpecKeys.JOB;
  }

  /** The path of the key that a word of another tool stands for, or null. */
  public static @Nullable String synonym(String word) {
    return SYNONYMS.get(plain(word));
  }

  /** Every path that ends in {@code key}, case, '-' and '_' aside, in the order of the table. */
  public static List<String> pathsOf(String key) {
    List<String> paths = new ArrayList<>();
    visit((path, field) -> {
      if (plain(field.key()).equals(plain(key))) {
        paths.add(path);
      }
    });
    return paths;
  }

  /** Calls {@code visitor} with the path and field of every key; lists are {@code rules[]}. */
  public static void visit(BiConsumer<String, SpecField> visitor) {
    visit("", SpecKeys.JOB, visitor);
  }

  private static void visit(
      String prefix, SpecType.Section section, BiConsumer<String, SpecField> visitor) {
    for (SpecField field : section.fields()) {
      String path = prefix + field.key();
      visitor.accept(path, field);
      switch (field.type()) {
        case SpecType.Section below -> visit(path + ".", below, visitor);
        case SpecType.Sections list -> visit(path + "[].", list.item(), visitor);
        default -> {}
      }
    }
  }

  private static String plain(String key) {
    return key.toLowerCase(Locale.ROOT).replace("-", "").replace("_", "");
  }

  private static Map<String, String> synonyms() {
    Map<String, String> words = new LinkedHashMap<>();
    words.put("replicas", "count");
    words.put("instances", "count");
    words.put("tasks", "count");
    words.put("ntasks", "count");
    words.put("completions", "count");
    words.put("args", "command");
    words.put("cmd", "command");
    words.put("exec", "command");
    words.put("run", "script");
    words.put("environment", "env");
    words.put("cwd", "workingDirectory");
    words.put("workdir", "workingDirectory");
    words.put("directory", "workingDirectory");
    words.put("retries", "restart.maxRetries");
    words.put("attempts", "restart.maxRetries");
    words.put("cron", "schedule.cron");
    words.put("timelimit", "timeout");
    words.put("requires", "dependsOn");
    words.put("after", "dependsOn");
    words.put("needs", "dependsOn");
    words.put("description", "title");
    words.put("mem", "resources.memory");
    words.put("ram", "resources.memory");
    words.put("cpus", "resources.cpu");
    words.put("gpus", "resources.devices");
    words.put("nodeselector", "placement.constraints");
    words.put("output", "stdout");
    words.put("input", "stdin");
    words.put("error", "stderr");
    words.put("uid", "user");
    words.put("tags", "labels");
    words.put("killsignal", "stop.signal");
    words.put("killtimeout", "stop.grace");
    return words;
  }
}

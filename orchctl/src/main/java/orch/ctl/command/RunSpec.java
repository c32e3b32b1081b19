package orch.ctl.command;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import orch.ctl.json.JsonArray;
import orch.ctl.json.JsonObject;

/** The job spec that a {@code run} command line stands for, as proto3 JSON. */
final class RunSpec {
  private static final String ITEM = "${task.item}";
  private static final int MOST_TASKS = 10_000_000;

  private RunSpec() {}

  static JsonObject of(Arguments arguments, World world) throws UsageException {
    List<String> command = new ArrayList<>(arguments.operands(0));
    for (String word : command) {
      if (word.indexOf('\uFFFD') >= 0) {
        throw new UsageException(
            "the command is not UTF-8, which the API speaks: '"
                + word
                + "'; put it into a script, or set LC_ALL=C.UTF-8 if it is");
      }
    }
    JsonObject spec = new JsonObject();
    if (arguments.has("--name")) {
      spec.put("name", arguments.option("--name", ""));
    }
    if (arguments.has("--label")) {
      spec.put("labels", Pairs.of(arguments.options("--label"), "--label"));
    }
    tasks(arguments, world, spec, command);
    spec.put("command", JsonArray.of(command));
    JsonObject env = new JsonObject();
    Map<String, String> exported =
        ExportedEnvironment.of(
            world.environment(), arguments.option("--export"), arguments.options("--env"));
    for (Map.Entry<String, String> variable : exported.entrySet()) {
      env.put(variable.getKey(), variable.getValue());
    }
    spec.put("env", env);
    spec.put("user", world.user());
    spec.put("workingDirectory", directory(arguments, world));
    resources(arguments, spec);
    if (arguments.has("--constraint")) {
      JsonArray constraints = JsonArray.of(arguments.options("--constraint"));
      spec.put("placement", new JsonObject().put("constraints", constraints));
    }
    if (arguments.has("--timeout")) {
      spec.put("timeout", Units.durationJson(arguments.option("--timeout", "")));
    }
    if (arguments.has("--retries")) {
      long retries = Units.integer(arguments.option("--retries", ""), 0, 1_000_000, "--retries");
      spec.put(
          "restart",
          new JsonObject().put("when", "RESTART_WHEN_ON_FAILURE").put("maxRetries", retries));
    }
    return spec;
  }

  /** How many tasks the spec asks for. */
  static long taskCount(JsonObject spec) {
    if (spec.has("items")) {
      return spec.elements("items").size();
    }
    long count = 0;
    for (JsonObject range : spec.objects("array")) {
      count += (range.number("last") - range.number("first")) / range.number("step") + 1;
    }
    return count > 0 ? count : Math.max(1, spec.number("count"));
  }

  private static void tasks(Arguments arguments, World world, JsonObject spec, List<String> command)
      throws UsageException {
    boolean count = arguments.has("--count");
    boolean array = arguments.has("--array");
    boolean lines = arguments.has("--each-line");
    if (count && array || count && lines || array && lines) {
      throw new UsageException("--count, --array and --each-line exclude each other; give one");
    }
    long parallelism = 0;
    if (arguments.has("--parallel")) {
      parallelism = Units.integer(arguments.option("--parallel", ""), 1, Integer.MAX_VALUE, "-j");
    }
    if (count) {
      spec.put("count", Units.integer(arguments.option("--count", ""), 1, MOST_TASKS, "--count"));
    } else if (array) {
      IndexRanges ranges = IndexRanges.parse(arguments.option("--array", ""));
      if (ranges.parallelism() > 0) {
        if (parallelism > 0 && parallelism != ranges.parallelism()) {
          throw new UsageException(
              "-j and --array name different numbers of tasks at a time; give one");
        }
        parallelism = ranges.parallelism();
      }
      spec.put("array", ranges.json());
    } else if (lines) {
      String file = arguments.option("--each-line", "");
      spec.put("items", JsonArray.of(items(file, InputFiles.read(world, file))));
      insertItem(command);
    }
    if (parallelism > 0) {
      spec.put("parallelism", parallelism);
    }
  }

  /** The lines that are not empty. */
  static List<String> items(String file, String text) throws UsageException {
    List<String> items = new ArrayList<>();
    int from = 0;
    while (from < text.length()) {
      int end = text.indexOf('\n', from);
      String line = text.substring(from, end < 0 ? text.length() : end);
      if (!line.isBlank()) {
        items.add(line);
      }
      from = end < 0 ? text.length() : end + 1;
    }
    if (items.isEmpty()) {
      throw new UsageException("--each-line " + file + ": there is no line in it");
    }
    return items;
  }

  /** Puts the item in the place of every {@code {}}, or behind the command where there is none. */
  static void insertItem(List<String> command) {
    boolean named = false;
    for (int i = 0; i < command.size(); i++) {
      String word = command.get(i);
      named |= word.contains("{}") || word.contains(ITEM);
      command.set(i, word.replace("{}", ITEM));
    }
    if (!named) {
      command.add(ITEM);
    }
  }

  private static String directory(Arguments arguments, World world) {
    String given = arguments.option("--cwd", "");
    if (given.startsWith("/")) {
      return given;
    }
    String here = ExportedEnvironment.escaped(world.directory());
    return given.isEmpty() || given.equals(".") ? here : here + "/" + given;
  }

  private static void resources(Arguments arguments, JsonObject spec) throws UsageException {
    JsonObject resources = new JsonObject();
    if (arguments.has("--cpu")) {
      long millis = Units.cpuMillis(arguments.option("--cpu", ""));
      resources.put("cpuMillis", Long.toString(millis));
    }
    if (arguments.has("--memory")) {
      long bytes = Units.bytes(arguments.option("--memory", ""));
      resources.put("memoryBytes", Long.toString(bytes));
    }
    if (!resources.members().isEmpty()) {
      spec.put("resources", resources);
    }
  }
}

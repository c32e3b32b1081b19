package orch.agent.seccomp;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import orch.api.model.NearestName;
import orch.api.yaml.YamlNode;
import orch.api.yaml.YamlText;
import org.jspecify.annotations.Nullable;

/** Reads a profile from YAML (docs/seccomp.md); every problem is told at once. */
final class ProfileReader {
  private static final List<String> KEYS =
      List.of(
          "extends", "default", "unknown", "foreign", "allow", "log", "kill", "errno", "allowWhen");

  private static final List<String> CONDITION_KEYS = List.of("argument", "mask", "equals", "not");

  /** Without these no program can be executed or end. */
  private static final List<String> NEEDED = List.of("execve", "exit_group");

  private static final SortedSet<String> CALLS = calls();

  private final String name;
  private final @Nullable Profile base;
  private final List<String> problems = new ArrayList<>();
  private final SortedMap<String, Action> actions = new TreeMap<>();
  private final SortedMap<String, List<Condition>> conditions = new TreeMap<>();
  private final SortedSet<String> named = new TreeSet<>();
  private Action otherwise = Action.errno(1);
  private @Nullable Action unknown;
  private Action foreign = Action.KILL;

  private ProfileReader(String name, @Nullable Profile base) {
    this.name = name;
    this.base = base;
  }

  /**
   * Reads a profile.
   *
   * @param name for the sentences about its problems, such as the file's
   * @param base what {@code extends: default} means; null: nothing
   */
  static Profile read(String name, String text, @Nullable Profile base)
      throws InvalidProfileException {
    ProfileReader reader = new ProfileReader(name, base);
    YamlText yaml = YamlText.read(text);
    yaml.problems()
        .forEach(
            problem -> reader.problems.add(name + ":" + problem.line() + ": " + problem.message()));
    if (yaml.problems().isEmpty()) {
      reader.document(yaml.documents());
    }
    if (!reader.problems.isEmpty()) {
      throw InvalidProfileException.of(reader.problems);
    }
    return reader.profile();
  }

  private Profile profile() throws InvalidProfileException {
    Profile profile =
        new Profile(otherwise, unknown == null ? otherwise : unknown, foreign, actions, conditions);
    for (String call : NEEDED) {
      if (!profile.allows(call)) {
        throw new InvalidProfileException(
            name + ": it does not allow " + call + ", so that no program could be run; allow it");
      }
    }
    return profile;
  }

  private void document(List<YamlNode> documents) {
    if (documents.size() != 1 || !(documents.getFirst() instanceof YamlNode.Mapping mapping)) {
      problems.add(name + ": is no mapping with keys such as default and allow");
      return;
    }
    for (YamlNode.Entry entry : mapping.entries()) {
      if (entry.key().text().equals("extends")) {
        extend(entry.value());
      }
    }
    for (YamlNode.Entry entry : mapping.entries()) {
      key(entry.key(), entry.value());
    }
  }

  private void extend(YamlNode value) {
    if (!(value instanceof YamlNode.Scalar scalar) || !scalar.text().equals("default")) {
      problem(value, "extends knows one profile: default");
    } else if (base == null) {
      problem(value, "the profile default cannot extend itself");
    } else {
      otherwise = base.otherwise();
      unknown = base.unknown();
      foreign = base.foreign();
      actions.putAll(base.actions());
      conditions.putAll(base.conditions());
    }
  }

  private void key(YamlNode.Scalar key, YamlNode value) {
    switch (key.text()) {
      case "extends" -> {}
      case "default" -> otherwise = action(value, otherwise);
      case "unknown" -> unknown = action(value, otherwise);
      case "foreign" -> foreign = action(value, foreign);
      case "allow" -> list(value, Action.ALLOW);
      case "log" -> list(value, Action.LOG);
      case "kill" -> list(value, Action.KILL);
      case "errno" -> errors(value);
      case "allowWhen" -> conditions(value);
      default ->
          problem(key, "there is no key '" + key.text() + "'" + NearestName.hint(key.text(), KEYS));
    }
  }

  private Action action(YamlNode value, Action unsaid) {
    Action action = value instanceof YamlNode.Scalar scalar ? Action.parse(scalar.text()) : null;
    if (action == null) {
      problem(value, value.described() + " is none of allow, log, kill, errno NAME");
      return unsaid;
    }
    return action;
  }

  private void list(YamlNode value, Action action) {
    if (!(value instanceof YamlNode.Sequence list)) {
      problem(value, "expected a list of system calls, got " + value.described());
      return;
    }
    for (YamlNode each : list.values()) {
      if (each instanceof YamlNode.Scalar scalar) {
        if (call(scalar)) {
          conditions.remove(scalar.text());
          actions.put(scalar.text(), action);
        }
      } else {
        problem(each, "expected the name of a system call, got " + each.described());
      }
    }
  }

  private void errors(YamlNode value) {
    if (!(value instanceof YamlNode.Mapping mapping)) {
      problem(value, "expected {ERROR: [calls]}, got " + value.described());
      return;
    }
    for (YamlNode.Entry entry : mapping.entries()) {
      Action action = Action.ofErrno(entry.key().text());
      if (action == null) {
        problem(entry.key(), "no error is called '" + entry.key().text() + "'");
      } else {
        list(entry.value(), action);
      }
    }
  }

  private void conditions(YamlNode value) {
    if (!(value instanceof YamlNode.Mapping mapping)) {
      problem(value, "expected {call: [conditions]}, got " + value.described());
      return;
    }
    for (YamlNode.Entry entry : mapping.entries()) {
      if (!call(entry.key())) {
        continue;
      }
      if (!(entry.value() instanceof YamlNode.Sequence list)) {
        problem(entry.value(), "expected a list of conditions, got " + entry.value().described());
        continue;
      }
      List<Condition> all = new ArrayList<>();
      for (YamlNode each : list.values()) {
        Condition condition = condition(each);
        if (condition != null) {
          all.add(condition);
        }
      }
      actions.remove(entry.key().text());
      conditions.put(entry.key().text(), List.copyOf(all));
    }
  }

  private @Nullable Condition condition(YamlNode node) {
    if (!(node instanceof YamlNode.Mapping mapping)) {
      problem(node, "expected {argument: 0, equals: N}, got " + node.described());
      return null;
    }
    SortedMap<String, Long> numbers = new TreeMap<>();
    for (YamlNode.Entry entry : mapping.entries()) {
      String key = entry.key().text();
      Long number = number(entry.value());
      if (!CONDITION_KEYS.contains(key)) {
        problem(
            entry.key(),
            "there is no key '" + key + "' here" + NearestName.hint(key, CONDITION_KEYS));
      } else if (number == null) {
        problem(entry.value(), "expected a number, got " + entry.value().described());
      } else {
        numbers.put(key, number);
      }
    }
    Long argument = numbers.get("argument");
    Long equal = numbers.get("equals");
    Long different = numbers.get("not");
    if (argument == null || argument < 0 || argument > 5) {
      problem(node, "a condition needs an argument, 0 to 5");
      return null;
    }
    long mask = numbers.getOrDefault("mask", Condition.INT);
    Long wanted = equal != null ? equal : different;
    if (wanted == null || (equal != null && different != null) || (wanted & ~mask) != 0) {
      problem(node, "a condition needs either equals or not, within its mask");
      return null;
    }
    return new Condition(argument.intValue(), mask, equal != null, wanted);
  }

  private static @Nullable Long number(YamlNode node) {
    if (!(node instanceof YamlNode.Scalar scalar)) {
      return null;
    }
    try {
      String text = scalar.text();
      return text.startsWith("0x")
          ? Long.parseUnsignedLong(text.substring(2), 16)
          : Long.parseUnsignedLong(text);
    } catch (NumberFormatException e) {
      return null;
    }
  }

  /** Whether it is a call that was not named before in this file. */
  private boolean call(YamlNode.Scalar node) {
    if (!CALLS.contains(node.text())) {
      problem(
          node,
          "no system call is called '"
              + node.text()
              + "'"
              + NearestName.hint(node.text(), List.copyOf(CALLS)));
      return false;
    }
    if (!named.add(node.text())) {
      problem(node, node.text() + " is named twice");
      return false;
    }
    return true;
  }

  private void problem(YamlNode at, String what) {
    problems.add(name + ":" + at.line() + ":" + at.column() + ": " + what);
  }

  private static SortedSet<String> calls() {
    SortedSet<String> calls = new TreeSet<>();
    for (Architecture architecture : Architecture.values()) {
      calls.addAll(architecture.numbers().keySet());
    }
    return calls;
  }
}

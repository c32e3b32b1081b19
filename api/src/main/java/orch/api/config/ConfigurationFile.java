package orch.api.config;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import orch.api.model.NearestName;
import orch.api.yaml.YamlNode;
import orch.api.yaml.YamlProblem;
import orch.api.yaml.YamlText;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** A YAML file whose keys are the long names of a command's options. */
final class ConfigurationFile {
  /** What the file says of one option. */
  record Setting(String origin, List<String> values) {}

  private final String name;
  private final CommandSpec command;
  private final List<String> problems = new ArrayList<>();
  private final Map<String, Setting> settings = new LinkedHashMap<>();

  private ConfigurationFile(String name, CommandSpec command) {
    this.name = name;
    this.command = command;
  }

  /**
   * The settings of {@code file} by option name ({@code --data-dir}). Throws
   * InvalidConfigurationException with every problem of the file.
   */
  static Map<String, Setting> read(Path file, CommandSpec command) {
    String text;
    try {
      text = Files.readString(file);
    } catch (NoSuchFileException e) {
      throw new InvalidConfigurationException(
          List.of(file + ": there is no such file; --config names the configuration"));
    } catch (CharacterCodingException e) {
      throw new InvalidConfigurationException(List.of(file + ": is not text in UTF-8"));
    } catch (IOException | UncheckedIOException e) {
      throw new InvalidConfigurationException(List.of(file + ": cannot be read: " + e));
    }
    ConfigurationFile reading = new ConfigurationFile(file.toString(), command);
    reading.read(YamlText.read(text));
    if (!reading.problems.isEmpty()) {
      throw new InvalidConfigurationException(reading.problems);
    }
    return reading.settings;
  }

  private void read(YamlText text) {
    for (YamlProblem problem : text.problems()) {
      problems.add(place(problem.line(), problem.column()) + problem.message());
    }
    if (text.documents().size() > 1) {
      YamlNode second = text.documents().get(1);
      add(second, "a second document begins here; a configuration is one");
    }
    if (text.documents().isEmpty()) {
      return;
    }
    switch (text.documents().getFirst()) {
      case YamlNode.Mapping mapping -> mapping.entries().forEach(this::setting);
      case YamlNode other when text.problems().isEmpty() ->
          add(other, "expected lines of 'key: value', got " + other.described());
      case YamlNode other -> {}
    }
  }

  private void setting(YamlNode.Entry entry) {
    String key = entry.key().text();
    OptionSpec option = command.findOption("--" + key);
    if (option == null || !DaemonCommand.isSetting(option)) {
      List<String> known = DaemonCommand.settings(command);
      String hint = NearestName.hint(key, known);
      add(
          entry.key(),
          "there is no key '"
              + key
              + "'"
              + (hint.isEmpty() ? "; keys are " + String.join(", ", known) : hint));
      return;
    }
    List<String> values = new ArrayList<>();
    boolean several = option.isMultiValue();
    switch (entry.value()) {
      case YamlNode.Scalar value -> scalar(key, option, value, values);
      case YamlNode.Sequence list when several && !DaemonCommand.isMap(option) -> {
        for (YamlNode item : list.values()) {
          if (item instanceof YamlNode.Scalar value) {
            scalar(key, option, value, values);
          } else {
            add(item, key + ": expected a text in the list, got " + item.described());
          }
        }
      }
      case YamlNode.Mapping mapping when DaemonCommand.isMap(option) -> {
        for (YamlNode.Entry pair : mapping.entries()) {
          if (pair.value() instanceof YamlNode.Scalar value) {
            values.add(pair.key().text() + "=" + value.text());
          } else {
            add(
                pair.value(),
                key
                    + "."
                    + pair.key().text()
                    + ": expected a text, got "
                    + pair.value().described());
          }
        }
      }
      case YamlNode other ->
          add(other, key + ": expected " + expected(option) + ", got " + other.described());
    }
    settings.put("--" + key, new Setting(name + ":" + entry.value().line(), values));
  }

  private void scalar(String key, OptionSpec option, YamlNode.Scalar value, List<String> values) {
    if (value.kind() == YamlNode.Kind.NULL) {
      add(value, key + ": has no value; give one or drop the line");
    } else if (DaemonCommand.isFlag(option) && value.kind() != YamlNode.Kind.BOOLEAN) {
      add(value, key + ": expected true or false, got " + value.described());
    } else if (DaemonCommand.isMap(option) && value.text().indexOf('=') < 1) {
      add(value, key + ": expected " + expected(option) + ", got " + value.described());
    } else {
      values.add(value.text());
    }
  }

  private static String expected(OptionSpec option) {
    if (DaemonCommand.isMap(option)) {
      return "a mapping {name: value}";
    }
    if (option.isMultiValue()) {
      return "a text or a list of texts";
    }
    return DaemonCommand.isFlag(option) ? "true or false" : "one value";
  }

  private void add(YamlNode where, String message) {
    problems.add(place(where.line(), where.column()) + message);
  }

  private String place(int line, int column) {
    return name + ":" + line + ":" + column + ": ";
  }
}

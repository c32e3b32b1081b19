package orch.ctl.command;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * What a command accepts, for picocli. It is built by calls and not read from annotations, which
 * would double the time that a command takes to start.
 */
final class Syntax {
  private final CommandSpec spec;
  private final List<String> examples = new ArrayList<>();

  Syntax(String name, String summary) {
    spec = CommandSpec.create().name(name);
    spec.usageMessage().description(summary + ".").sortOptions(false).abbreviateSynopsis(true);
  }

  /** An option with a value; names are separated by a comma. */
  Syntax option(String names, String label, String description) {
    return add(names, label, String.class, description);
  }

  /** An option that may be given several times. */
  Syntax repeated(String names, String label, String description) {
    return add(names, label, String[].class, description);
  }

  /** An option without a value. */
  Syntax flag(String names, String description) {
    spec.addOption(
        OptionSpec.builder(split(names))
            .type(boolean.class)
            .arity("0")
            .description(description.replace("%", "%%"))
            .build());
    return this;
  }

  /** {@code -o}. */
  Syntax forms() {
    return option("-o,--output", "FORM", "table, wide, json, yaml or name");
  }

  /** {@code --help} and what every command takes. */
  Syntax common() {
    option("-n,--namespace", "NAME", "the namespace (ORCH_NAMESPACE; default: default)");
    option(
        "--address",
        "URL",
        "the controllers, by commas (ORCH_ADDRESS; default: http://localhost:7400)");
    option("--token", "TOKEN", "bearer token (ORCH_TOKEN)");
    option("--context", "NAME", "context of ~/.config/orch/config.yaml (ORCH_CONTEXT)");
    spec.addOption(
        OptionSpec.builder("-h", "--help")
            .type(boolean.class)
            .arity("0")
            .usageHelp(true)
            .description("shows this")
            .build());
    return this;
  }

  private Syntax add(String names, String label, Class<?> type, String description) {
    spec.addOption(
        OptionSpec.builder(split(names))
            .type(type)
            .arity("1")
            .paramLabel(label)
            .description(description.replace("%", "%%"))
            .build());
    return this;
  }

  /** What stands after the options; arity is {@code 1}, {@code 0..1}, {@code 1..*} or so. */
  Syntax operand(String label, String arity, String description) {
    int index = spec.positionalParameters().size();
    boolean several = arity.endsWith("*");
    spec.addPositional(
        PositionalParamSpec.builder()
            .index(several ? index + "..*" : Integer.toString(index))
            .arity(arity)
            .required(!arity.startsWith("0"))
            .type(several ? String[].class : String.class)
            .paramLabel(label)
            .description(description.replace("%", "%%"))
            .build());
    return this;
  }

  /** Options end at the first operand: what follows is a command of its own. */
  Syntax endsAtOperand() {
    spec.parser().stopAtPositional(true);
    return this;
  }

  /** A line of the help's examples. */
  Syntax example(String line) {
    // picocli takes it for a format.
    examples.add("  " + line.replace("%", "%%"));
    return this;
  }

  CommandSpec spec() {
    if (!examples.isEmpty()) {
      examples.add(0, "Examples:");
      spec.usageMessage().footer(examples.toArray(new String[0]));
    }
    return spec;
  }

  private static String[] split(String names) {
    int comma = names.indexOf(',');
    return comma < 0
        ? new String[] {names}
        : new String[] {names.substring(0, comma), names.substring(comma + 1)};
  }
}

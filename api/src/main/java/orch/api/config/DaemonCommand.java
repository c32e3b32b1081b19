package orch.api.config;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import orch.api.model.NearestName;
import orch.api.model.Quantity;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.IGetter;
import picocli.CommandLine.Model.ISetter;
import picocli.CommandLine.Model.OptionSpec;

/**
 * The command line of a daemon. Every long option is also a variable of the environment ({@code
 * --data-dir} is {@code ORCH_AGENT_DATA_DIR}) and a key of the YAML file that {@code --config}
 * names ({@code data-dir}); a flag goes before a variable, a variable before the file, the file
 * before the default. Options that take several values are not mixed: the first place that names
 * one decides.
 *
 * <pre>{@code
 * @Command(name = "orch-agent", description = "Runs and guards the tasks of this host.")
 * public final class AgentMain implements Callable<Integer> {
 *   @Option(names = "--data-dir", required = true, paramLabel = "DIR", description = "Where ...")
 *   private Path dataDir;
 *   @Option(names = "--controller", required = true, split = ",", paramLabel = "HOST:PORT")
 *   private List<HostAndPort> controllers;
 *   @Option(names = "--label", paramLabel = "K=V")
 *   private Map<String, String> labels = new TreeMap<>();
 *
 *   public static void main(String[] args) {
 *     System.exit(DaemonCommand.of(new AgentMain(), "ORCH_AGENT", System.getenv()).execute(args));
 *   }
 *   public Integer call() { ... }
 * }
 * }</pre>
 *
 * <p>{@code --config}, {@code --help} and {@code --version} are added here. Durations ({@code 3s})
 * and {@link HostAndPort} are read in every option of that type. Exit codes: 2 for settings that
 * cannot be used, all problems on standard error; otherwise what the command returns.
 */
public final class DaemonCommand {
  /** Exit code of wrong usage. */
  public static final int WRONG_USAGE = 2;

  private static final String CONFIG = "--config";

  private final CommandLine line;
  private final String prefix;
  private final Map<String, String> environment;

  private DaemonCommand(CommandLine line, String prefix, Map<String, String> environment) {
    this.line = line;
    this.prefix = prefix;
    this.environment = new TreeMap<>(environment);
  }

  /**
   * Makes a daemon's command line of an annotated object.
   *
   * @param command annotated as picocli has it; a {@code Callable<Integer>} or a {@code Runnable}
   * @param prefix of its variables, for example {@code ORCH_AGENT}
   * @param environment of the process
   */
  public static DaemonCommand of(Object command, String prefix, Map<String, String> environment) {
    CommandLine line = new CommandLine(command);
    CommandSpec spec = line.getCommandSpec();
    spec.addOption(
        OptionSpec.builder(CONFIG)
            .paramLabel("FILE")
            .type(Path.class)
            .description("YAML file with the same settings: the options' names without --.")
            .build());
    spec.addOption(
        OptionSpec.builder("-h", "--help").usageHelp(true).description("Shows this.").build());
    spec.addOption(
        OptionSpec.builder("--version")
            .versionHelp(true)
            .description("Shows the version.")
            .build());
    spec.version(spec.name() + " " + version());
    spec.usageMessage()
        .showDefaultValues(true)
        .sortOptions(false)
        .abbreviateSynopsis(true)
        .footer(
            "",
            "Every option is also a key of the file ("
                + example(spec)
                + ") and a variable ("
                + variable(prefix, "--" + example(spec))
                + ").",
            "An option goes before a variable, a variable before the file.");
    line.registerConverter(Duration.class, Quantity::parseDuration);
    line.registerConverter(HostAndPort.class, HostAndPort::parse);
    DaemonCommand daemon = new DaemonCommand(line, prefix, environment);
    line.setParameterExceptionHandler((e, args) -> daemon.wrongUsage(e));
    return daemon;
  }

  /** The underlying command line, to set writers or more converters. */
  public CommandLine commandLine() {
    return line;
  }

  /** Reads all settings and runs the command; the exit code. */
  public int execute(String... args) {
    if (asksForHelp(args)) {
      return line.execute(args);
    }
    Origins origins;
    try {
      origins = origins(args);
    } catch (InvalidConfigurationException e) {
      e.problems().forEach(problem -> error(problem));
      return WRONG_USAGE;
    }
    unknownVariables();
    List<String> all = new ArrayList<>();
    origins.severalValued(line.getCommandSpec()).forEach(all::add);
    all.addAll(List.of(args));
    line.setDefaultValueProvider(origins);
    return line.execute(all.toArray(String[]::new));
  }

  /** Takes a value that is only tried. */
  private static final class Binding implements IGetter, ISetter {
    private @Nullable Object value;

    @Override
    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals", "NullAway"})
    public <T> T get() {
      return (T) value;
    }

    @Override
    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals", "NullAway"})
    public <T> T set(T newValue) {
      T old = (T) value;
      value = newValue;
      return old;
    }
  }

  /** Settings from the environment and the file, by option name, with the place that said them. */
  private static final class Origins implements IDefaultValueProvider {
    private final Map<String, ConfigurationFile.Setting> settings = new LinkedHashMap<>();

    @Override
    public @Nullable String defaultValue(ArgSpec argument) {
      if (!(argument instanceof OptionSpec option) || option.isMultiValue()) {
        return null;
      }
      ConfigurationFile.Setting setting = settings.get(option.longestName());
      return setting == null ? null : setting.values().getFirst();
    }

    /** Options of several values as arguments: a default could be only one of them. */
    List<String> severalValued(CommandSpec command) {
      List<String> arguments = new ArrayList<>();
      settings.forEach((name, setting) -> {
        OptionSpec option = command.findOption(name);
        if (option != null && option.isMultiValue()) {
          setting.values().forEach(value -> arguments.add(name + "=" + value));
        }
      });
      return arguments;
    }
  }

  private Origins origins(String[] args) {
    CommandSpec command = line.getCommandSpec();
    Origins origins = new Origins();
    Path file = configuration(args);
    if (file != null) {
      origins.settings.putAll(ConfigurationFile.read(file, command));
    }
    for (String name : settings(command)) {
      String option = "--" + name;
      String value = environment.get(variable(prefix, option));
      if (value != null && !value.isEmpty()) {
        origins.settings.put(
            option, new ConfigurationFile.Setting(variable(prefix, option), List.of(value)));
      }
      if (isGiven(option, args)) {
        origins.settings.remove(option);
      }
    }
    List<String> problems = new ArrayList<>();
    origins.settings.forEach((name, setting) -> check(name, setting, problems));
    if (!problems.isEmpty()) {
      throw new InvalidConfigurationException(problems);
    }
    return origins;
  }

  /** Tries the value, so that a wrong one is told with the place that said it. */
  private void check(String name, ConfigurationFile.Setting setting, List<String> problems) {
    OptionSpec option = line.getCommandSpec().findOption(name);
    if (option == null || isFlag(option)) {
      if (option != null && !setting.values().stream().allMatch(v -> v.matches("true|false"))) {
        problems.add(setting.origin() + ": expected true or false for " + name);
      }
      return;
    }
    for (String value : setting.values()) {
      Binding nowhere = new Binding();
      CommandSpec alone =
          CommandSpec.create()
              .addOption(
                  OptionSpec.builder(option)
                      .required(false)
                      .getter(nowhere)
                      .setter(nowhere)
                      .build());
      CommandLine trial = new CommandLine(alone);
      trial.registerConverter(Duration.class, Quantity::parseDuration);
      trial.registerConverter(HostAndPort.class, HostAndPort::parse);
      try {
        trial.parseArgs(name + "=" + value);
      } catch (CommandLine.ParameterException e) {
        problems.add(setting.origin() + ": " + reason(e));
      }
    }
  }

  private @Nullable Path configuration(String[] args) {
    for (int i = 0; i < args.length; i++) {
      if (args[i].startsWith(CONFIG + "=")) {
        return Path.of(args[i].substring(CONFIG.length() + 1));
      }
      if (args[i].equals(CONFIG) && i + 1 < args.length) {
        return Path.of(args[i + 1]);
      }
    }
    String variable = environment.get(variable(prefix, CONFIG));
    return variable == null || variable.isEmpty() ? null : Path.of(variable);
  }

  /** A variable that looks like ours and is none is a slip, but may belong to somebody else. */
  private void unknownVariables() {
    List<String> known =
        new ArrayList<>(
            settings(line.getCommandSpec()).stream()
                .map(name -> variable(prefix, "--" + name))
                .toList());
    known.add(variable(prefix, CONFIG));
    for (String name : environment.keySet()) {
      if (name.startsWith(prefix + "_") && !known.contains(name)) {
        NearestName.of(name, known)
            .ifPresent(
                near -> error("the variable " + name + " is not used; did you mean " + near + "?"));
      }
    }
  }

  private int wrongUsage(CommandLine.ParameterException e) {
    String message = reason(e);
    if (e instanceof CommandLine.UnmatchedArgumentException unmatched
        && !unmatched.getUnmatched().isEmpty()) {
      String argument = unmatched.getUnmatched().getFirst();
      String name = argument.replaceFirst("=.*", "");
      List<String> known =
          line.getCommandSpec().options().stream().map(OptionSpec::longestName).toList();
      message =
          (argument.startsWith("-")
                  ? "there is no option '" + name + "'" + NearestName.hint(name, known)
                  : "the argument '" + argument + "' is too much")
              + "; see --help";
    } else if (e instanceof CommandLine.MissingParameterException missing) {
      message =
          missing.getMissing().stream()
              .map(this::missing)
              .reduce((left, right) -> left + "\n" + right)
              .orElse(message);
    }
    message.lines().forEach(this::error);
    return WRONG_USAGE;
  }

  private String missing(ArgSpec argument) {
    if (argument instanceof OptionSpec option && argument.required()) {
      String name = option.longestName();
      return name
          + " is missing; give "
          + name
          + " "
          + option.paramLabel()
          + ", set "
          + variable(prefix, name)
          + ", or write '"
          + name.substring(2)
          + ":' into the file of --config";
    }
    return argument.paramLabel() + " is missing; see --help";
  }

  private static String reason(CommandLine.ParameterException e) {
    String message = String.valueOf(e.getMessage());
    Throwable cause = e.getCause();
    if (cause instanceof IllegalArgumentException && cause.getMessage() != null) {
      String option = e.getArgSpec() instanceof OptionSpec spec ? spec.longestName() + ": " : "";
      return option + cause.getMessage();
    }
    return message;
  }

  private void error(String message) {
    PrintWriter err = line.getErr();
    err.println(line.getCommandName() + ": " + message);
    err.flush();
  }

  private boolean asksForHelp(String[] args) {
    return Arrays.stream(args)
        .anyMatch(arg -> arg.equals("--help") || arg.equals("-h") || arg.equals("--version"));
  }

  private static boolean isGiven(String option, String[] args) {
    return Arrays.stream(args).anyMatch(a -> a.equals(option) || a.startsWith(option + "="));
  }

  /** The long names without {@code --} of everything that a file may set. */
  static List<String> settings(CommandSpec command) {
    return command.options().stream()
        .filter(DaemonCommand::isSetting)
        .map(option -> option.longestName().substring(2))
        .sorted()
        .toList();
  }

  static boolean isSetting(OptionSpec option) {
    return option.longestName().startsWith("--")
        && !option.longestName().equals(CONFIG)
        && !option.usageHelp()
        && !option.versionHelp();
  }

  static boolean isFlag(OptionSpec option) {
    return option.type() == boolean.class || option.type() == Boolean.class;
  }

  static boolean isMap(OptionSpec option) {
    return Map.class.isAssignableFrom(option.type());
  }

  private static String variable(String prefix, String option) {
    return prefix + "_" + option.substring(2).toUpperCase(Locale.ROOT).replace('-', '_');
  }

  private static String example(CommandSpec command) {
    List<String> settings = settings(command);
    return settings.contains("data-dir") || settings.isEmpty() ? "data-dir" : settings.getFirst();
  }

  private static String version() {
    try (InputStream in =
        DaemonCommand.class.getResourceAsStream("/META-INF/maven/orch/orch-api/pom.properties")) {
      if (in != null) {
        Properties properties = new Properties();
        properties.load(in);
        return properties.getProperty("version", "development");
      }
    } catch (IOException e) {
      // A version that cannot be read is no reason not to run.
    }
    return "development";
  }
}

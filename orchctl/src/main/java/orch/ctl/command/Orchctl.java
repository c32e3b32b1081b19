package orch.ctl.command;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import orch.ctl.http.ApiException;
import orch.ctl.http.CallException;
import orch.ctl.output.ClosedOutputException;
import orch.ctl.output.Console;
import orch.ctl.output.FailedOutputException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line as a whole: finds the command, runs it, says what went wrong. */
public final class Orchctl {
  private final World world;
  private final Console console;

  /** The command as it was typed, for messages: {@code run}, {@code job list}. */
  private String typed = "";

  /** A command line in this world. */
  public Orchctl(World world) {
    this.world = world;
    this.console = world.console();
  }

  /**
   * Runs one command.
   *
   * @return the exit code
   */
  public int run(List<String> arguments) {
    Command command = null;
    int code;
    try {
      List<String> rest = new ArrayList<>();
      command = route(arguments, rest);
      code = command == null ? ExitCodes.DONE : run(command, rest);
      console.flush();
      return code;
    } catch (ClosedOutputException nobodyReads) {
      return ExitCodes.CLOSED_OUTPUT;
    } catch (UsageException wrong) {
      code = ExitCodes.USAGE;
      report(wrong);
    } catch (CallException failure) {
      code = ExitCodes.of(failure);
      report(failure);
    } catch (FailedOutputException failure) {
      code = ExitCodes.FAILED;
      console.note(String.valueOf(failure.getMessage()));
    } catch (RuntimeException bug) {
      code = ExitCodes.FAILED;
      report(bug);
    }
    try {
      console.flush();
    } catch (ClosedOutputException | FailedOutputException alreadyFailing) {
      // The first failure is what counts.
    }
    return command != null && command.passesExitCodeOn() ? ExitCodes.ORCH_FAILED : code;
  }

  /** Finds the command and what is left for it; null when there was only help to be given. */
  private @Nullable Command route(List<String> arguments, List<String> rest) throws UsageException {
    int at = 0;
    while (at < arguments.size() && arguments.get(at).startsWith("-")) {
      String option = arguments.get(at);
      if (option.equals("--help") || option.equals("-h")) {
        console.print(Catalog.help(""));
        return null;
      }
      if (option.equals("--version") || option.equals("-V")) {
        rest.clear();
        return named("version");
      }
      rest.add(option);
      at++;
      if (takesValue(option) && at < arguments.size()) {
        rest.add(arguments.get(at++));
      }
    }
    if (at == arguments.size()) {
      return named("");
    }
    String word = arguments.get(at++);
    if (word.equals("help")) {
      return help(arguments.subList(at, arguments.size()));
    }
    if (!Catalog.isGroup(word)) {
      rest.addAll(arguments.subList(at, arguments.size()));
      return named(word);
    }
    String second = at < arguments.size() ? arguments.get(at++) : "--help";
    if (second.equals("--help") || second.equals("-h") || second.equals("help")) {
      console.print(Catalog.help(word));
      return null;
    }
    if (second.startsWith("-")) {
      throw new UsageException(
          "after '" + word + "' stands one of " + String.join(", ", Catalog.names(word)));
    }
    rest.addAll(arguments.subList(at, arguments.size()));
    return named(word + " " + second);
  }

  /** Whether a global option's value is the next word. */
  private static boolean takesValue(String option) {
    return switch (option) {
      case "-n", "--namespace", "--address", "--token", "--context", "-o", "--output" -> true;
      default -> false;
    };
  }

  private Command named(String name) throws UsageException {
    Command command = Catalog.create(Catalog.fullName(name));
    if (command == null) {
      int space = name.indexOf(' ');
      String group = space < 0 ? "" : name.substring(0, space);
      String wrong = name.substring(space + 1);
      String hint = Nearest.hint(wrong, Catalog.names(group));
      throw new UsageException(
          "there is no command '"
              + name
              + "'"
              + (hint.isEmpty() ? "; orchctl --help lists the commands" : hint));
    }
    typed = name;
    return command;
  }

  private @Nullable Command help(List<String> words) throws UsageException {
    if (words.isEmpty() || Catalog.isGroup(words.get(0)) && words.size() == 1) {
      console.print(Catalog.help(words.isEmpty() ? "" : words.get(0)));
      return null;
    }
    Command command = named(String.join(" ", words));
    console.print(usage(commandLine(command)));
    return null;
  }

  private int run(Command command, List<String> words) throws UsageException, CallException {
    CommandLine commandLine = commandLine(command);
    Arguments arguments = parse(commandLine, words);
    if (arguments.has("--help")) {
      console.print(usage(commandLine));
      return ExitCodes.DONE;
    }
    Settings.Flags flags =
        new Settings.Flags(
            arguments.option("--namespace"),
            arguments.option("--address"),
            arguments.option("--token"),
            arguments.option("--context"));
    Session session = new Session(world, Settings.of(flags, world));
    try {
      return command.run(session, arguments);
    } finally {
      session.close();
    }
  }

  private CommandLine commandLine(Command command) {
    return commandLine(command, typed);
  }

  /** The parser of one command. */
  static CommandLine commandLine(Command command, String typed) {
    String summary = Catalog.summary(typed);
    Syntax syntax =
        new Syntax(
            typed.isEmpty() ? "orchctl" : "orchctl " + typed,
            summary.isEmpty() ? Catalog.summary(Catalog.fullName(typed)) : summary);
    command.syntax(syntax);
    CommandSpec spec = syntax.common().spec();
    CommandLine commandLine = new CommandLine(spec);
    commandLine.setExpandAtFiles(false);
    commandLine.setOverwrittenOptionsAllowed(true);
    commandLine.setInterpolateVariables(false);
    return commandLine;
  }

  private Arguments parse(CommandLine commandLine, List<String> words) throws UsageException {
    try {
      return new Arguments(commandLine.parseArgs(words.toArray(new String[0])));
    } catch (ParameterException wrong) {
      throw new UsageException(sentence(wrong, commandLine.getCommandSpec()));
    }
  }

  private String sentence(ParameterException wrong, CommandSpec spec) {
    String command = typed.isEmpty() ? "orchctl" : "orchctl " + typed;
    if (wrong instanceof UnmatchedArgumentException unmatched) {
      String word = unmatched.getUnmatched().get(0);
      return word.startsWith("-") && word.length() > 1
          ? command + " has no option '" + word + "'" + nearestOption(word, spec)
          : command + " takes no '" + word + "'; see " + command + " --help";
    }
    String message = String.valueOf(wrong.getMessage());
    return Character.toLowerCase(message.charAt(0))
        + message.substring(1)
        + "; see "
        + command
        + " --help";
  }

  private static String nearestOption(String word, CommandSpec spec) {
    List<String> names = new ArrayList<>();
    for (OptionSpec option : spec.options()) {
      names.addAll(List.of(option.names()));
    }
    int equals = word.indexOf('=');
    String name = equals < 0 ? word : word.substring(0, equals);
    String hint = Nearest.hint(name, names);
    return hint.isEmpty() ? "; see " + spec.name() + " --help" : hint;
  }

  private static String usage(CommandLine commandLine) {
    StringWriter text = new StringWriter();
    commandLine.setUsageHelpAutoWidth(false);
    commandLine.setUsageHelpWidth(100);
    commandLine.usage(new PrintWriter(text), CommandLine.Help.Ansi.OFF);
    return text.toString();
  }

  private void report(UsageException wrong) {
    String message = String.valueOf(wrong.getMessage());
    if (wrong.whole()) {
      console.errorLine(message);
    } else {
      console.note(message);
    }
  }

  private void report(CallException failure) {
    String message = String.valueOf(failure.getMessage());
    console.note(message);
    if (failure instanceof ApiException refused) {
      for (ApiException.Violation violation : refused.violations()) {
        if (!message.contains(violation.description())) {
          console.note("  " + violation.field() + ": " + violation.description());
        }
      }
    }
  }

  private void report(RuntimeException bug) {
    console.note(
        "an error of orchctl itself: "
            + bug
            + "; please report it with the output of the same command under ORCH_DEBUG=1");
    if (!world.variable("ORCH_DEBUG").isEmpty()) {
      StringWriter trace = new StringWriter();
      bug.printStackTrace(new PrintWriter(trace));
      console.errorLine(trace.toString());
    }
  }
}

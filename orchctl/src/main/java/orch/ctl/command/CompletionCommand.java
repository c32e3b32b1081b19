package orch.ctl.command;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Model.OptionSpec;

/** {@code completion}: a script that completes commands, options and a few values. */
final class CompletionCommand implements Command {
  private static final List<String> SHORT_FORMS =
      List.of("submit", "ps", "list", "logs", "wait", "cancel", "kill", "retry");

  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("SHELL", "1", "bash or zsh")
        .example("source <(orchctl completion bash)")
        .example("orchctl completion zsh >>~/.zshrc");
  }

  @Override
  public int run(Session session, Arguments arguments) throws UsageException {
    String shell = arguments.operand(0, "");
    switch (shell) {
      case "bash" -> session.console().print(script());
      case "zsh" ->
          session.console().print("autoload -U +X bashcompinit && bashcompinit\n" + script());
      default ->
          throw new UsageException(
              "there is no completion for '" + shell + "', but for bash and zsh");
    }
    return ExitCodes.DONE;
  }

  private static String script() {
    StringBuilder script = new StringBuilder(4096);
    script.append(
        """
        _orchctl() {
          local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= i
          COMPREPLY=()
          case $before in
            -o|--output) COMPREPLY=($(compgen -W "table wide json yaml name" -- "$word")); return ;;
            --each-line|--cwd) COMPREPLY=($(compgen -f -- "$word")); return ;;
          esac
          for ((i = 1; i < COMP_CWORD; i++)); do
            case ${COMP_WORDS[i]} in
              -n|--namespace|--address|--token|--context|-o|--output) ((i++)) ;;
              -*) ;;
              job|task|node|cluster)
                if [ -z "$command" ]; then command=${COMP_WORDS[i]}; else break; fi ;;
              *) command="${command:+$command }${COMP_WORDS[i]}"; break ;;
            esac
          done
          local words=
          case $command in
        """);
    line(script, "", String.join(" ", Catalog.names("")));
    for (String group : List.of("job", "task", "node", "cluster")) {
      line(script, group, String.join(" ", Catalog.names(group)));
    }
    for (String command : commands()) {
      line(script, command, options(command));
    }
    script.append(
        """
          esac
          COMPREPLY=($(compgen -W "$words" -- "$word"))
          case $command in
            "job submit"|submit|"job plan") COMPREPLY+=($(compgen -f -- "$word")) ;;
          esac
        }
        complete -o default -F _orchctl orchctl
        """);
    return script.toString();
  }

  private static void line(StringBuilder script, String command, String words) {
    script.append("    \"").append(command).append("\") words=\"").append(words).append("\" ;;\n");
  }

  private static List<String> commands() {
    List<String> commands = new ArrayList<>(SHORT_FORMS);
    for (String word : Catalog.names("")) {
      if (Catalog.isGroup(word)) {
        for (String second : Catalog.names(word)) {
          commands.add(word + " " + second);
        }
      } else if (!commands.contains(word) && !word.equals("help")) {
        commands.add(word);
      }
    }
    return commands;
  }

  private static String options(String typed) {
    Command command = Catalog.create(Catalog.fullName(typed));
    StringBuilder options = new StringBuilder();
    if (command != null) {
      for (OptionSpec option : Orchctl.commandLine(command, typed).getCommandSpec().options()) {
        options.append(options.length() == 0 ? "" : " ").append(option.longestName());
      }
    }
    return options.toString();
  }
}

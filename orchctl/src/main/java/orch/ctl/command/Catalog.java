package orch.ctl.command;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The commands by name. Of a command that is not asked for nothing is loaded but its line here. */
final class Catalog {
  /** Name and summary; a name without a summary begins a chapter of the help. */
  private static final String[][] COMMANDS = {
    {"Every day"},
    {"run", "Runs a command on the cluster, shows its output, exits as it did"},
    {"submit", "Submits jobs from files (job submit)"},
    {"status", "Shows a job, or without one my jobs (job show)"},
    {"ps", "Lists the tasks of a job, or of all live jobs (task list)"},
    {"logs", "Shows what a job or a task printed (task logs)"},
    {"wait", "Waits for jobs to end, exits with their code (job wait)"},
    {"cancel", "Ends jobs or tasks for good (job cancel)"},
    {"retry", "Runs what failed of a job again (job retry)"},
    {"exec", "Runs a command inside a running task (task exec)"},
    {"attach", "Shows what a task prints, and types into it (task attach)"},
    {"events", "Lists what happened to jobs, tasks, nodes and the cluster"},
    {"why", "Says why a job or a task waits, or how it ended"},
    {"Jobs"},
    {"job submit", "Submits jobs from files"},
    {"job plan", "Shows what a submit would change and where its tasks would go"},
    {"job list", "Lists jobs, the newest first"},
    {"job show", "Shows a job"},
    {"job wait", "Waits for jobs to end, exits with their code"},
    {"job cancel", "Ends jobs or tasks for good"},
    {"job delete", "Removes finished jobs from listings"},
    {"job retry", "Runs what failed of a job again"},
    {"job hold", "Holds jobs: nothing more of them starts"},
    {"job release", "Releases held jobs"},
    {"job suspend", "Freezes the running tasks of jobs; nothing more of them starts"},
    {"job resume", "Has suspended jobs go on"},
    {"job events", "Lists what happened to a job"},
    {"Tasks"},
    {"task list", "Lists the tasks of a job, or of all live jobs"},
    {"task show", "Shows a task and its newest attempt"},
    {"task logs", "Shows what a job or a task printed"},
    {"task signal", "Sends a signal to a running task"},
    {"task tree", "Shows the live processes of a task"},
    {"task stats", "Shows what running tasks use"},
    {"task exec", "Runs a command inside a running task"},
    {"task attach", "Shows what a task prints from now on, and types into it"},
    {"Nodes"},
    {"node list", "Lists the nodes"},
    {"node show", "Shows a node"},
    {"node cordon", "Places nothing new on nodes"},
    {"node uncordon", "Places tasks on nodes again"},
    {"node drain", "Cordons a node and moves its tasks away"},
    {"node labels", "Sets and removes labels of a node"},
    {"node gone", "Declares a node dead, so that its tasks run elsewhere"},
    {"node replace", "Gives the name of a dead node to another machine"},
    {"node adopt", "Takes in a node of another cluster, with what it runs"},
    {"node held", "Lists or decides on what nodes run and the cluster does not know"},
    {"The cluster"},
    {"cluster status", "Shows the cluster's state"},
    {"cluster members", "Lists the controllers"},
    {"cluster release-brake", "Lets silent nodes be given up although over half are silent"},
    {"cluster events", "Lists what happened (also: events)"},
    {"cluster backup", "Writes a backup of the cluster's state to a file"},
    {"Other"},
    {"version", "Shows the version"},
    {"completion", "Prints the completion script of a shell"},
  };

  private Catalog() {}

  /** The full name of a short form; any other name is its own. */
  static String fullName(String name) {
    return switch (name) {
      case "submit" -> "job submit";
      case "ps" -> "task list";
      case "list" -> "job list";
      case "logs" -> "task logs";
      case "wait" -> "job wait";
      case "cancel", "kill" -> "job cancel";
      case "retry" -> "job retry";
      case "exec" -> "task exec";
      case "attach" -> "task attach";
      default -> name;
    };
  }

  /** The command of a full name, or null. */
  static @Nullable Command create(String fullName) {
    return switch (fullName) {
      case "" -> new MyJobsCommand();
      case "run" -> new RunCommand();
      case "status" -> new JobShowCommand(true);
      case "why" -> new WhyCommand();
      case "job submit" -> new JobSubmitCommand();
      case "job plan" -> new JobPlanCommand();
      case "job list" -> new JobListCommand();
      case "job show" -> new JobShowCommand(false);
      case "job wait" -> new JobWaitCommand();
      case "job cancel" -> new JobCancelCommand();
      case "job delete" -> new JobDeleteCommand();
      case "job retry" -> new JobRetryCommand();
      case "job hold" -> new JobDecisionCommand("hold", "HoldJob", "held");
      case "job release" -> new JobDecisionCommand("release", "ReleaseJob", "released");
      case "job suspend" -> new JobDecisionCommand("suspend", "SuspendJob", "suspended");
      case "job resume" -> new JobDecisionCommand("resume", "ResumeJob", "resumed");
      case "job events" -> new EventsCommand(true);
      case "events", "cluster events" -> new EventsCommand(false);
      case "task list" -> new TaskListCommand();
      case "task show" -> new TaskShowCommand();
      case "task logs" -> new TaskLogsCommand();
      case "task signal" -> new TaskSignalCommand();
      case "task tree" -> new TaskTreeCommand();
      case "task exec" -> new TaskExecCommand();
      case "task attach" -> new AttachCommand();
      case "task stats" -> new TaskStatsCommand();
      case "node list" -> new NodeListCommand();
      case "node show" -> new NodeShowCommand();
      case "node cordon" -> new NodeCordonCommand(true);
      case "node uncordon" -> new NodeCordonCommand(false);
      case "node drain" -> new NodeDrainCommand();
      case "node labels" -> new NodeLabelsCommand();
      case "node gone" -> new NodeGoneCommand();
      case "node replace" -> new NodeReplaceCommand();
      case "node adopt" -> new NodeAdoptCommand();
      case "cluster release-brake" -> new ClusterReleaseBrakeCommand();
      case "node held" -> new NodeHeldCommand();
      case "cluster backup" -> new ClusterBackupCommand();
      case "cluster status" -> new ClusterStatusCommand();
      case "cluster members" -> new ClusterMembersCommand();
      case "version" -> new VersionCommand();
      case "completion" -> new CompletionCommand();
      default -> null;
    };
  }

  /** The line of a command in the help; empty for a short form that is not listed. */
  static String summary(String name) {
    for (String[] command : COMMANDS) {
      if (command.length == 2 && command[0].equals(name)) {
        return command[1];
      }
    }
    return "";
  }

  /** Whether {@code job}, {@code task}, {@code node} or {@code cluster} stands before a name. */
  static boolean isGroup(String word) {
    return switch (word) {
      case "job", "task", "node", "cluster" -> true;
      default -> false;
    };
  }

  /** All names; of a group the second words. */
  static List<String> names(String group) {
    List<String> names = new ArrayList<>();
    for (String[] command : COMMANDS) {
      if (command.length < 2) {
        continue;
      }
      String name = command[0];
      if (group.isEmpty()) {
        int space = name.indexOf(' ');
        String first = space < 0 ? name : name.substring(0, space);
        if (!names.contains(first)) {
          names.add(first);
        }
      } else if (name.startsWith(group + " ")) {
        names.add(name.substring(group.length() + 1));
      }
    }
    if (group.isEmpty()) {
      names.add("list");
      names.add("kill");
      names.add("help");
    }
    return names;
  }

  /** The help of orchctl, or of one group. */
  static String help(String group) {
    StringBuilder text = new StringBuilder(2048);
    if (group.isEmpty()) {
      text.append("Usage: orchctl [OPTIONS] [COMMAND] …\n");
      text.append("Orch's command line. Without a command: my jobs.\n");
    } else {
      text.append("Usage: orchctl ").append(group).append(" COMMAND …\n");
    }
    for (String[] command : COMMANDS) {
      if (group.isEmpty() && command.length == 1) {
        text.append('\n').append(command[0]).append('\n');
      } else if (command.length == 2 && (group.isEmpty() || command[0].startsWith(group + " "))) {
        text.append("  ")
            .append(command[0])
            .repeat(' ', Math.max(2, 18 - command[0].length()))
            .append(command[1])
            .append('\n');
      }
    }
    text.append("\nJOB is a number, a name or 'last'; TASK is JOB/INDEX, such as web/3.\n");
    if (group.isEmpty()) {
      text.append("Options of every command: -n/--namespace NAME, --address URL, --token TOKEN,\n");
      text.append("--context NAME; listings: -o table|wide|json|yaml|name.\n");
    }
    text.append("'orchctl COMMAND --help' says what a command accepts.\n");
    return text.toString();
  }
}

package orch.agent.process;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import orch.agent.cgroup.CpuTopology;
import orch.agent.linux.Errno;
import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;
import orch.agent.linux.UserAccount;
import orch.agent.seccomp.InvalidProfileException;
import orch.agent.seccomp.SeccompProfiles;
import orch.api.model.Blob;
import orch.api.model.DesiredAttempt;
import orch.api.model.Execution;
import orch.api.model.FileAccess;
import orch.api.model.JobSpec;
import orch.api.model.Resources;
import orch.api.model.Rlimit;
import orch.api.model.SpecDefinition;
import orch.api.model.Template;
import orch.api.model.Uid;
import orch.api.seam.Clock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns an order into what a shim needs: user, environment, paths and limits of this host, and the
 * task's scratch directory with its script and files.
 */
public final class TaskStarts implements TaskPreparation {
  private static final String ROOT_PATH =
      "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  private static final String USER_PATH = "/usr/local/bin:/usr/bin:/bin";
  private static final Logger log = LoggerFactory.getLogger(TaskStarts.class);
  private static final String SCRIPT = "script";
  private static final Path BLOCK_DEVICES = Path.of("/sys/block");

  /** Open to every task, whatever its fileAccess. */
  private static final List<String> DEVICES =
      List.of("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom");

  /** Numbers of RLIMIT_*, setrlimit(2), on Linux. */
  private static final List<String> RLIMITS =
      List.of(
          "cpu",
          "fsize",
          "data",
          "stack",
          "core",
          "rss",
          "nproc",
          "nofile",
          "memlock",
          "as",
          "locks",
          "sigpending",
          "msgqueue",
          "nice",
          "rtprio",
          "rttime");

  private final Linux linux;
  private final Settings settings;
  private final Accounts accounts;
  private final CgroupLimits limits;

  /**
   * What is the same for every task of this node.
   *
   * @param taskDirectories where scratch directories are made; others may pass through it
   * @param cgroup of the agent's subtree; null: none
   * @param missingLimits that this host cannot enforce: memory, cpu, pids, io, cpuset
   * @param facts labels and attributes of the node
   * @param profiles for seccomp
   * @param topology NUMA nodes of the host
   */
  public record Settings(
      String nodeName,
      String host,
      Path taskDirectories,
      @Nullable Path cgroup,
      Supplier<List<String>> missingLimits,
      boolean allowMissingLimits,
      boolean allowRoot,
      SortedMap<String, String> facts,
      SeccompProfiles profiles,
      CpuTopology topology) {}

  /** Looks users up by {@code linux}; {@code clock} tells how old an answer is. */
  public TaskStarts(Linux linux, Settings settings, Clock clock) {
    this.linux = linux;
    this.settings = settings;
    this.accounts = new Accounts(linux, clock);
    this.limits =
        new CgroupLimits(
            settings.cgroup(),
            settings.missingLimits(),
            settings.allowMissingLimits(),
            settings.topology(),
            new IoFiles(BLOCK_DEVICES));
  }

  /**
   * Prepares a start; makes the scratch directory where the task has a script or files.
   *
   * @param claim what the journal keeps as the attempt's name
   * @param deadlineBootNanos 0: none
   */
  @Override
  public StartRequest prepare(
      DesiredAttempt order, SpecDefinition definition, String claim, long deadlineBootNanos)
      throws StartRefusedException {
    JobSpec spec = definition.spec();
    Execution execution = spec.execution();
    String task = definition.jobName() + "/" + order.index() + "@" + order.attempt();
    UserAccount user = user(execution.user(), task);
    Path directory = directory(order.uid());
    List<String> arguments = new ArrayList<>();
    List<String> preStop = new ArrayList<>();
    SortedMap<String, String> environment = new TreeMap<>();
    String workingDirectory;
    try {
      for (String argument : execution.command()) {
        arguments.add(expand(argument, order, definition));
      }
      for (String argument : spec.stop().preStop()) {
        preStop.add(expand(argument, order, definition));
      }
      environment(environment, order, definition, user, directory);
      workingDirectory =
          execution.workingDirectory().isEmpty()
              ? directory.toString()
              : expand(execution.workingDirectory(), order, definition);
    } catch (IllegalArgumentException e) {
      throw refused("template", 0, task, String.valueOf(e.getMessage()));
    }
    if (!execution.script().isEmpty()) {
      arguments.add(directory.resolve(SCRIPT).toString());
    }
    writeFiles(execution, directory, user, task);
    Blob filter = filter(execution.seccomp(), task);
    if (!execution.sockets().isEmpty()) {
      throw refused(
          "sockets", 0, task, "this agent hands no listening sockets over; leave sockets out");
    }
    boolean join = execution.stderr().equals("stdout");
    return new StartRequest(
        order.uid(),
        order.bootId(),
        claim,
        arguments,
        environment,
        workingDirectory,
        path(execution.stdin(), order, definition),
        path(execution.stdout(), order, definition),
        join ? null : path(execution.stderr(), order, definition),
        join,
        identity(user),
        execution.umask(),
        execution.nice(),
        execution.oomScoreAdj(),
        execution.noNewPrivileges(),
        capabilities(execution.capabilities(), task),
        execution.waitForDescendants(),
        directory.toString(),
        limits.of(spec.resources(), order, task),
        rlimits(execution, task),
        spec.stop(),
        deadlineBootNanos,
        spec.logs().maxBytes(),
        filter,
        preStop,
        execution.pidNamespace(),
        pathRules(execution.fileAccess(), directory),
        input(execution));
  }

  private static StartRequest.Input input(Execution execution) {
    if (!execution.interactive()) {
      return StartRequest.Input.NONE;
    }
    return execution.tty() ? StartRequest.Input.TERMINAL : StartRequest.Input.PIPE;
  }

  @Override
  public boolean blocks(SpecDefinition definition) {
    Execution execution = definition.spec().execution();
    return !execution.script().isEmpty()
        || !execution.files().isEmpty()
        || !execution.seccomp().isEmpty()
        || definition.spec().resources().cpuset().equals(Resources.NUMA)
        || !accounts.isFresh(execution.user());
  }

  @Override
  public void cleanUp(Uid uid) {
    limits.forget(uid);
    Path directory = directory(uid);
    try {
      Directories.remove(directory);
    } catch (IOException e) {
      log.warn("cannot remove the scratch directory {}: {}", directory, e.toString());
    }
  }

  /** The scratch directory of an attempt. */
  public Path directory(Uid uid) {
    return settings.taskDirectories().resolve(uid.toString());
  }

  private UserAccount user(String wanted, String task) throws StartRefusedException {
    boolean root = linux.effectiveUser() == 0;
    try {
      UserAccount user = accounts.of(wanted);
      if (user == null) {
        throw refused(
            "user",
            0,
            task,
            "no user "
                + (wanted.isEmpty() ? "nobody" : wanted)
                + " on this node; make it, or name another");
      }
      if (!root && user.uid() != linux.effectiveUser()) {
        throw refused(
            "user",
            Errno.EPERM,
            task,
            "this agent runs as an ordinary user and cannot become " + user.name());
      }
      if (root && user.uid() == 0 && !settings.allowRoot()) {
        throw refused(
            "user",
            Errno.EPERM,
            task,
            "this node runs no tasks as root; name another user, or start its agent with"
                + " --allow-root");
      }
      return user;
    } catch (LinuxException e) {
      throw refused("user", e.errno(), task, "cannot look up " + wanted + ": " + e.getMessage());
    }
  }

  private StartRequest.@Nullable Identity identity(UserAccount user) {
    if (linux.effectiveUser() != 0) {
      return null;
    }
    return new StartRequest.Identity(user.uid(), user.gid(), user.groups());
  }

  private void environment(
      SortedMap<String, String> to,
      DesiredAttempt order,
      SpecDefinition definition,
      UserAccount user,
      Path directory) {
    to.put("PATH", user.uid() == 0 ? ROOT_PATH : USER_PATH);
    to.put("HOME", user.home());
    to.put("USER", user.name());
    to.put("LOGNAME", user.name());
    to.put("SHELL", user.shell().isEmpty() ? "/bin/sh" : user.shell());
    to.put("LANG", "C.UTF-8");
    for (Map.Entry<String, String> entry : definition.spec().execution().env().entrySet()) {
      to.put(entry.getKey(), expand(entry.getValue(), order, definition));
    }
    to.put("ORCH_NAMESPACE", definition.namespace());
    to.put("ORCH_JOB", definition.jobName());
    to.put("ORCH_JOB_NUMBER", Long.toString(definition.jobNumber()));
    to.put("ORCH_TASK", definition.jobName() + "/" + order.index());
    to.put("ORCH_INDEX", Integer.toString(order.index()));
    to.put("ORCH_COUNT", Integer.toString(definition.count()));
    to.put("ORCH_ATTEMPT", Integer.toString(order.attempt()));
    to.put("ORCH_NODE", settings.nodeName());
    to.put("ORCH_HOST", settings.host());
    to.put("ORCH_TASK_DIR", directory.toString());
    to.put("ORCH_FENCING_TOKEN", Long.toString(order.fencingToken()));
    order
        .ports()
        .forEach((name, port) ->
            to.put(
                "ORCH_PORT_" + name.toUpperCase(Locale.ROOT).replace('-', '_'),
                Integer.toString(port)));
    if (!definition.traceId().isEmpty()) {
      to.put("TRACEPARENT", "00-" + definition.traceId() + "-" + order.spanId() + "-01");
      if (!definition.traceState().isEmpty()) {
        to.put("TRACESTATE", definition.traceState());
      }
    }
  }

  private String expand(String text, DesiredAttempt order, SpecDefinition definition) {
    return Template.expand(
        text,
        name -> {
          int dot = name.indexOf('.');
          String rest = name.substring(dot + 1);
          return switch (name.substring(0, dot)) {
            case "task" ->
                switch (rest) {
                  case "index" -> Integer.toString(order.index());
                  case "item" -> order.item();
                  case "name" -> definition.jobName() + "/" + order.index();
                  case "attempt" -> Integer.toString(order.attempt());
                  default -> null;
                };
            case "job" ->
                switch (rest) {
                  case "name" -> definition.jobName();
                  case "number" -> Long.toString(definition.jobNumber());
                  default -> null;
                };
            case "port" -> {
              Integer port = order.ports().get(rest);
              yield port == null ? null : Integer.toString(port);
            }
            case "node" -> rest.equals("name") ? settings.nodeName() : settings.facts().get(rest);
            default -> null;
          };
        });
  }

  private @Nullable String path(String path, DesiredAttempt order, SpecDefinition definition) {
    if (path.isEmpty()) {
      return null;
    }
    return Template.expandPath(
        expand(path, order, definition),
        definition.jobNumber(),
        definition.jobName(),
        order.index(),
        order.attempt());
  }

  private void writeFiles(Execution execution, Path directory, UserAccount user, String task)
      throws StartRefusedException {
    if (execution.script().isEmpty() && execution.files().isEmpty()) {
      return;
    }
    try {
      Files.createDirectories(directory);
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
      for (Map.Entry<String, Blob> file : execution.files().entrySet()) {
        write(directory.resolve(file.getKey()), file.getValue(), "rw-------", user);
      }
      if (!execution.script().isEmpty()) {
        write(directory.resolve(SCRIPT), withInterpreter(execution.script()), "rwx------", user);
      }
      own(directory, user);
    } catch (LinuxException e) {
      throw refused("task directory", e.errno(), task, String.valueOf(e.getMessage()));
    } catch (IOException e) {
      throw refused("task directory", 0, task, "cannot write its files: " + e);
    }
  }

  private void write(Path file, Blob content, String mode, UserAccount user) throws IOException {
    Files.write(file, content.toByteArray());
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
    own(file, user);
  }

  private void own(Path file, UserAccount user) throws LinuxException {
    if (linux.effectiveUser() == 0) {
      linux.changeOwner(file.toString(), user.uid(), user.gid());
    }
  }

  /** A script without an interpreter line is the shell's. */
  private static Blob withInterpreter(Blob script) {
    byte[] bytes = script.toByteArray();
    if (bytes.length >= 2 && bytes[0] == '#' && bytes[1] == '!') {
      return script;
    }
    byte[] head = "#!/bin/sh\n".getBytes(StandardCharsets.US_ASCII);
    byte[] whole = new byte[head.length + bytes.length];
    System.arraycopy(head, 0, whole, 0, head.length);
    System.arraycopy(bytes, 0, whole, head.length, bytes.length);
    return Blob.of(whole);
  }

  private Blob filter(String profile, String task) throws StartRefusedException {
    if (profile.isEmpty()) {
      return Blob.EMPTY;
    }
    try {
      return settings.profiles().filter(profile);
    } catch (InvalidProfileException e) {
      throw refused("seccomp", 0, task, String.valueOf(e.getMessage()));
    }
  }

  private static List<StartRequest.PathRule> pathRules(
      @Nullable FileAccess access, Path directory) {
    List<StartRequest.PathRule> rules = new ArrayList<>();
    if (access != null) {
      access.read().forEach(path -> rules.add(new StartRequest.PathRule(path, false)));
      access.write().forEach(path -> rules.add(new StartRequest.PathRule(path, true)));
      rules.add(new StartRequest.PathRule(directory.toString(), true));
      DEVICES.forEach(path -> rules.add(new StartRequest.PathRule(path, true)));
    }
    return rules;
  }

  private static List<StartRequest.ResourceLimit> rlimits(Execution execution, String task)
      throws StartRefusedException {
    List<StartRequest.ResourceLimit> limits = new ArrayList<>();
    for (Map.Entry<String, Rlimit> entry : execution.rlimits().entrySet()) {
      int resource = RLIMITS.indexOf(entry.getKey());
      if (resource < 0) {
        throw refused("rlimit", 0, task, "no such resource limit: " + entry.getKey());
      }
      Rlimit limit = entry.getValue();
      limits.add(new StartRequest.ResourceLimit(resource, limit.soft(), limit.hard()));
    }
    return limits;
  }

  private static @Nullable Long capabilities(List<String> names, String task)
      throws StartRefusedException {
    if (names.isEmpty()) {
      return null;
    }
    try {
      return Capabilities.mask(names);
    } catch (IllegalArgumentException e) {
      throw refused("capabilities", 0, task, String.valueOf(e.getMessage()));
    }
  }

  private static StartRefusedException refused(String stage, int errno, String task, String why) {
    return new StartRefusedException(
        stage, errno, "cannot start " + task + ": " + stage + ": " + why);
  }
}

package orch.api.convert;

import static orch.api.convert.SpecConvertProblems.shortened;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import orch.api.model.Blob;
import orch.api.model.Execution;
import orch.api.model.FileAccess;
import orch.api.model.ListenSocket;
import orch.api.model.Rlimit;
import orch.api.model.Template;

/** The part of the gate that reads what runs and how its process is set up. */
final class SpecConvertExecution {
  private static final int MAX_SOCKETS = 100;

  private static final int MAX_PATHS = 64;

  private static final int MAX_PATH = 1_024;

  private static final Pattern VARIABLE = Pattern.compile("[!-<>-~&&[^0-9]][!-<>-~]*");

  private static final Pattern USER = Pattern.compile("[^\\s:/\\p{Cntrl}]{1,256}");

  private static final Pattern FILE_NAME = Pattern.compile("[A-Za-z0-9_.+@-]{1,255}");

  private static final Pattern PROFILE = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9._-]{0,62})");

  private static final Pattern SOCKET_NAME = Pattern.compile("[!-9;-~]{1,255}");

  private static final Pattern LISTEN =
      Pattern.compile("(?:/.{1,106}|(?:[A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\])?:([0-9]{1,5}))");

  /** What Orch sets for every task; ORCH_PORT_… too. */
  private static final List<String> OWN_VARIABLES =
      List.of(
          "ORCH_NAMESPACE",
          "ORCH_JOB",
          "ORCH_JOB_NUMBER",
          "ORCH_TASK",
          "ORCH_INDEX",
          "ORCH_COUNT",
          "ORCH_ATTEMPT",
          "ORCH_NODE",
          "ORCH_TASK_DIR",
          "ORCH_HOST",
          "ORCH_FENCING_TOKEN");

  /** The limits of setrlimit(2). */
  static final List<String> RLIMITS =
      List.of(
          "as",
          "core",
          "cpu",
          "data",
          "fsize",
          "locks",
          "memlock",
          "msgqueue",
          "nice",
          "nofile",
          "nproc",
          "rss",
          "rtprio",
          "rttime",
          "sigpending",
          "stack");

  /** The capabilities of capabilities(7). */
  static final List<String> CAPABILITIES =
      List.of(
          "audit_control",
          "audit_read",
          "audit_write",
          "block_suspend",
          "bpf",
          "checkpoint_restore",
          "chown",
          "dac_override",
          "dac_read_search",
          "fowner",
          "fsetid",
          "ipc_lock",
          "ipc_owner",
          "kill",
          "lease",
          "linux_immutable",
          "mac_admin",
          "mac_override",
          "mknod",
          "net_admin",
          "net_bind_service",
          "net_broadcast",
          "net_raw",
          "perfmon",
          "setfcap",
          "setgid",
          "setpcap",
          "setuid",
          "sys_admin",
          "sys_boot",
          "sys_chroot",
          "sys_module",
          "sys_nice",
          "sys_pacct",
          "sys_ptrace",
          "sys_rawio",
          "sys_resource",
          "sys_time",
          "sys_tty_config",
          "syslog",
          "wake_alarm");

  private SpecConvertExecution() {}

  static Execution execution(
      orch.v1.JobSpec proto, Template.Scope scope, SpecConvertProblems problems) {
    List<String> command = proto.getCommandList();
    Blob script = Blob.of(proto.getScript().toByteArray());
    if (command.isEmpty() && script.isEmpty()) {
      problems.add(
          "command", "is missing; say what to run, as in: command: [make, test], or give a script");
      command = List.of("missing");
    } else if (!command.isEmpty() && !script.isEmpty()) {
      problems.add(
          "script", "excludes command; drop one of the two (a command runs files: by their names)");
      script = Blob.EMPTY;
    }
    problems.command("command", command, scope);
    SortedMap<String, Blob> files = files(proto.getFilesMap(), !script.isEmpty(), problems);
    SortedMap<String, String> env = env(proto.getEnvMap(), scope, problems);
    stream("stdin", proto.getStdin(), scope, problems);
    stream("stdout", proto.getStdout(), scope, problems);
    stream("stderr", proto.getStderr(), scope, problems);
    if (!proto.getUser().isEmpty()) {
      problems.matches(
          "user", proto.getUser(), USER, "is no login name or uid: no spaces, ':' or '/'");
    }
    workingDirectory(proto.getWorkingDirectory(), scope, problems);
    if (proto.hasUmask() && (proto.getUmask() < 0 || proto.getUmask() > 0777)) {
      problems.add(
          "umask", "must be 0 to 777 octal, not " + Integer.toOctalString(proto.getUmask()));
    }
    if (!proto.getSeccomp().isEmpty()) {
      problems.matches(
          "seccomp",
          proto.getSeccomp(),
          PROFILE,
          "is no name of a profile: letters, digits, '.', '_' and '-'");
    }
    interactive(proto, problems);
    return new Execution(
        command,
        script,
        files,
        env,
        proto.getStdin(),
        proto.getStdout(),
        proto.getStderr(),
        proto.getUser(),
        proto.getWorkingDirectory(),
        proto.hasUmask() ? proto.getUmask() : null,
        proto.hasNice() ? problems.range("nice", proto.getNice(), -20, 19) : null,
        proto.hasOomScoreAdj()
            ? problems.range("oomScoreAdj", proto.getOomScoreAdj(), -1_000, 1_000)
            : null,
        rlimits(proto.getRlimitsMap(), problems),
        capabilities(proto.getCapabilitiesList(), problems),
        !proto.hasNoNewPrivileges() || proto.getNoNewPrivileges(),
        proto.getSeccomp(),
        proto.getWaitForDescendants(),
        sockets(proto.getSocketsList(), problems),
        pidNamespace(proto, problems),
        proto.hasFileAccess() ? fileAccess(proto.getFileAccess(), problems) : null,
        proto.getInteractive() || proto.getTty(),
        proto.getTty());
  }

  private static boolean pidNamespace(orch.v1.JobSpec proto, SpecConvertProblems problems) {
    if (proto.getPidNamespace() && proto.getWaitForDescendants()) {
      problems.add(
          "waitForDescendants",
          "excludes pidNamespace: the kernel ends a PID namespace with its leader");
    }
    return proto.getPidNamespace();
  }

  private static FileAccess fileAccess(orch.v1.FileAccess proto, SpecConvertProblems problems) {
    List<String> read = paths("fileAccess.read", proto.getReadList(), problems);
    List<String> write = paths("fileAccess.write", proto.getWriteList(), problems);
    if (read.isEmpty() && write.isEmpty()) {
      problems.add(
          "fileAccess", "opens no path, so nothing can be executed; name some, or leave it out");
    }
    problems.atMost("fileAccess", read.size() + write.size(), MAX_PATHS);
    return new FileAccess(read, write);
  }

  private static List<String> paths(
      String field, List<String> paths, SpecConvertProblems problems) {
    problems.distinct(field, paths, "path");
    for (int i = 0; i < paths.size(); i++) {
      String path = paths.get(i);
      if (!path.startsWith("/") || path.indexOf('\0') >= 0 || path.length() > MAX_PATH) {
        problems.add(
            field + "[" + i + "]",
            "'" + shortened(path) + "' is no absolute path of at most " + MAX_PATH + " characters");
      }
    }
    return paths;
  }

  private static void interactive(orch.v1.JobSpec proto, SpecConvertProblems problems) {
    if ((proto.getInteractive() || proto.getTty()) && !proto.getStdin().isEmpty()) {
      problems.add("interactive", "excludes stdin: a task reads a file or whoever attaches");
    }
    if (proto.getTty() && !(proto.getStdout().isEmpty() && proto.getStderr().isEmpty())) {
      problems.add("tty", "excludes stdout and stderr: a terminal is all three");
    }
  }

  private static SortedMap<String, Blob> files(
      Map<String, ByteString> files, boolean script, SpecConvertProblems problems) {
    SortedMap<String, Blob> blobs = new TreeMap<>();
    for (Map.Entry<String, ByteString> file : files.entrySet()) {
      blobs.put(file.getKey(), Blob.of(file.getValue().toByteArray()));
    }
    for (String name : blobs.keySet()) {
      String path = "files." + shortened(name);
      if (script && name.equals("script")) {
        problems.add(path, "is where the job's own script is laid; choose another name");
      }
      if (name.equals(".") || name.equals("..") || name.indexOf('/') >= 0) {
        problems.add(path, "a file lies directly in ORCH_TASK_DIR: give a name, not a path");
      } else {
        problems.matches(
            path,
            name,
            FILE_NAME,
            "is no file name: 1 to 255 letters, digits and any of . _ + @ -");
      }
    }
    return blobs;
  }

  private static SortedMap<String, String> env(
      Map<String, String> env, Template.Scope scope, SpecConvertProblems problems) {
    SortedMap<String, String> sorted = new TreeMap<>(env);
    for (Map.Entry<String, String> variable : sorted.entrySet()) {
      String name = variable.getKey();
      String path = "env." + shortened(name);
      if (name.isEmpty()) {
        problems.add("env", "a name is empty");
      } else {
        problems.matches(
            path, name, VARIABLE, "is no name of a variable: no spaces, no '=', first no digit");
      }
      if (OWN_VARIABLES.contains(name) || name.startsWith("ORCH_PORT_")) {
        problems.add(path, "is set by Orch for every task; choose another name");
      }
      problems.template(path, variable.getValue(), scope);
    }
    return sorted;
  }

  private static void stream(
      String field, String path, Template.Scope scope, SpecConvertProblems problems) {
    problems.template(field, path, scope);
    Template.pathProblems(path).forEach(problem -> problems.add(field, problem));
    if ((path.equals("stdout") && !field.equals("stderr")) || path.equals("stderr")) {
      problems.add(field, "'" + path + "' is no path; one stream in true order is: stderr: stdout");
    }
  }

  private static void workingDirectory(
      String directory, Template.Scope scope, SpecConvertProblems problems) {
    problems.template("workingDirectory", directory, scope);
    if (directory.startsWith("~")) {
      problems.add("workingDirectory", "'~' is the shell's; write the home directory in full");
    } else if (!directory.isEmpty() && !directory.startsWith("/") && !directory.startsWith("${")) {
      problems.add(
          "workingDirectory",
          "'"
              + shortened(directory)
              + "' is not absolute; begin with '/', or leave it out for"
              + " ORCH_TASK_DIR");
    }
  }

  private static SortedMap<String, Rlimit> rlimits(
      Map<String, orch.v1.Rlimit> rlimits, SpecConvertProblems problems) {
    SortedMap<String, Rlimit> limits = new TreeMap<>();
    for (Map.Entry<String, orch.v1.Rlimit> entry : new TreeMap<>(rlimits).entrySet()) {
      String path = "rlimits." + shortened(entry.getKey());
      problems.known(path, entry.getKey(), RLIMITS, "resource limit");
      long soft = entry.getValue().getSoft();
      long hard = entry.getValue().getHard();
      if (soft < -1 || hard < -1) {
        problems.add(path, "must be 0 or more, or unlimited");
      } else if (hard != -1 && (soft == -1 || soft > hard)) {
        problems.add(
            path,
            "the soft limit ("
                + (soft == -1 ? "unlimited" : Long.toString(soft))
                + ") is above the hard one ("
                + hard
                + ")");
      }
      limits.put(entry.getKey(), new Rlimit(soft, hard));
    }
    return limits;
  }

  private static List<String> capabilities(List<String> names, SpecConvertProblems problems) {
    problems.distinct("capabilities", names, "capability");
    for (int i = 0; i < names.size(); i++) {
      problems.known("capabilities[" + i + "]", names.get(i), CAPABILITIES, "capability");
    }
    return names;
  }

  private static List<ListenSocket> sockets(
      List<orch.v1.ListenSocket> protos, SpecConvertProblems problems) {
    problems.atMost("sockets", protos.size(), MAX_SOCKETS);
    List<ListenSocket> sockets = new ArrayList<>();
    for (int i = 0; i < protos.size(); i++) {
      String path = "sockets[" + i + "]";
      orch.v1.ListenSocket socket = protos.get(i);
      if (socket.getName().isEmpty()) {
        problems.add(path + ".name", "is missing");
      } else {
        problems.matches(
            path + ".name", socket.getName(), SOCKET_NAME, "is no name: no spaces, no ':'");
      }
      listen(path + ".listen", socket.getListen(), problems);
      sockets.add(new ListenSocket(socket.getName(), socket.getListen()));
    }
    problems.distinct("sockets", sockets.stream().map(ListenSocket::name).toList(), "socket");
    return sockets;
  }

  private static void listen(String path, String listen, SpecConvertProblems problems) {
    var matcher = LISTEN.matcher(listen);
    if (!matcher.matches()) {
      problems.add(
          path,
          (listen.isEmpty() ? "is missing" : "'" + shortened(listen) + "' is no address")
              + "; write host:port, :port or the path of a UNIX socket (at most 107 bytes)");
    } else if (matcher.group(1) != null) {
      problems.range(path, Integer.parseInt(matcher.group(1)), 1, 65_535);
    }
  }
}

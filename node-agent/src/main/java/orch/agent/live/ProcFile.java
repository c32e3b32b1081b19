package orch.agent.live;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The files of a process in /proc; see proc(5). A process may be gone between any two of them. */
final class ProcFile {
  /** Bytes of a command line that are shown. */
  static final int MAX_COMMAND_BYTES = 4_096;

  static final int MAX_ARGUMENTS = 64;

  /** USER_HZ is 100 on every architecture that this runs on. */
  static final long TICK_NANOS = 10_000_000;

  private final Path proc;

  /**
   * What /proc/PID/stat says.
   *
   * @param startTicks since boot
   */
  record Stat(
      int pid,
      String program,
      String state,
      int parent,
      int session,
      long userTicks,
      long systemTicks,
      long childrenUserTicks,
      long childrenSystemTicks,
      int threads,
      long startTicks) {
    boolean zombie() {
      return state.equals("Z") || state.equals("X");
    }
  }

  /** Of this directory, which is /proc. */
  ProcFile(Path proc) {
    this.proc = proc;
  }

  /** Every process that can be seen, by pid. */
  SortedMap<Integer, Stat> all() throws IOException {
    SortedMap<Integer, Stat> all = new TreeMap<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(proc, "[1-9]*")) {
      for (Path entry : entries) {
        Stat stat = stat(Integer.parseInt(String.valueOf(entry.getFileName())));
        if (stat != null) {
          all.put(stat.pid(), stat);
        }
      }
    }
    return all;
  }

  @Nullable Stat stat(int pid) {
    String text = text(pid, "stat");
    int open = text.indexOf('(');
    int close = text.lastIndexOf(')');
    if (open < 0 || close < open) {
      return null;
    }
    String[] fields = text.substring(close + 1).strip().split(" ", -1);
    if (fields.length < 20) {
      return null;
    }
    try {
      return new Stat(
          pid,
          text.substring(open + 1, close),
          fields[0],
          Integer.parseInt(fields[1]),
          Integer.parseInt(fields[3]),
          Long.parseLong(fields[11]),
          Long.parseLong(fields[12]),
          Long.parseLong(fields[13]),
          Long.parseLong(fields[14]),
          Integer.parseInt(fields[17]),
          Long.parseLong(fields[19]));
    } catch (NumberFormatException torn) {
      return null;
    }
  }

  /** Resident memory in bytes; 0 for a zombie and for one that is gone. */
  long residentBytes(int pid) {
    return valueOf(text(pid, "status"), "VmRSS:") * 1_024;
  }

  /** A line of /proc/PID/io; -1: it may not be read. */
  long ioBytes(int pid, String key) {
    String text = text(pid, "io");
    return text.isEmpty() ? -1 : valueOf(text, key + ":");
  }

  /** Program and arguments, as far as they are shown; empty for a zombie. */
  List<String> commandLine(int pid) {
    byte[] bytes = bytes(pid, "cmdline", MAX_COMMAND_BYTES);
    List<String> arguments = new ArrayList<>();
    int from = 0;
    for (int at = 0; at <= bytes.length && arguments.size() < MAX_ARGUMENTS; at++) {
      boolean end = at == bytes.length;
      if (end ? at > from : bytes[at] == 0) {
        arguments.add(new String(bytes, from, at - from, StandardCharsets.UTF_8));
        from = at + 1;
      }
    }
    return arguments;
  }

  /** Whether the process belongs to a cgroup with this name in its v2 path. */
  boolean isIn(int pid, String cgroup) {
    for (String line : text(pid, "cgroup").lines().toList()) {
      if (line.startsWith("0::") && (line + "/").contains("/" + cgroup + "/")) {
        return true;
      }
    }
    return false;
  }

  private static long valueOf(String text, String key) {
    for (String line : text.lines().toList()) {
      if (line.startsWith(key)) {
        String digits = line.substring(key.length()).strip();
        int space = digits.indexOf(' ');
        return Long.parseLong(space < 0 ? digits : digits.substring(0, space));
      }
    }
    return 0;
  }

  private String text(int pid, String file) {
    return new String(bytes(pid, file, 64 * 1_024), StandardCharsets.UTF_8);
  }

  private byte[] bytes(int pid, String file, int most) {
    Path path = proc.resolve(Integer.toString(pid)).resolve(file);
    try (InputStream in = Files.newInputStream(path)) {
      return in.readNBytes(most);
    } catch (IOException gone) {
      return new byte[0];
    }
  }
}

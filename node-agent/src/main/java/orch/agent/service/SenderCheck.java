package orch.agent.service;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import orch.agent.linux.Linux;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/**
 * Whether a process is of an attempt. With cgroups the kernel says so: a process is where its
 * attempt's leaf is, whatever it forked, and cannot leave it. Without them (an ordinary user's
 * agent, whose tasks are all of that user) it must be of that user, and have been started with the
 * socket's own name in its environment.
 */
final class SenderCheck {
  private final Path proc;
  private final String root;
  private final int user;

  /**
   * @param proc {@code /proc}
   * @param root path of the agent's subtree as /proc/PID/cgroup gives it; empty: no cgroups
   * @param user the agent's own
   */
  SenderCheck(Path proc, String root, int user) {
    this.proc = proc;
    this.root = root;
    this.user = user;
  }

  /** Name of an attempt's leaf cgroup. */
  static String leaf(Uid uid) {
    return String.format("t-%08x%08x%016x", uid.incarnation(), uid.epoch(), uid.sequence());
  }

  /** Null: the sender is of the attempt; else why it is not believed. */
  @Nullable String refusal(Uid uid, String socket, Linux.Delivery from) {
    if (from.pid() <= 0) {
      return "the kernel does not say who sent it";
    }
    if (root.isEmpty()) {
      return refusalWithoutCgroup(socket, from);
    }
    String where = cgroupOf(from.pid());
    String leaf = root + "/" + leaf(uid);
    if (where == null) {
      return "process " + from.pid() + " ended before it could be looked at";
    }
    return where.equals(leaf) || where.startsWith(leaf + "/")
        ? null
        : "process " + from.pid() + " (user " + from.uid() + ") is not of this task";
  }

  /** Whether a process is of the attempt: the same question for MAINPID. */
  boolean isOf(Uid uid, int pid) {
    String where = root.isEmpty() ? null : cgroupOf(pid);
    String leaf = root + "/" + leaf(uid);
    return where != null && (where.equals(leaf) || where.startsWith(leaf + "/"));
  }

  private @Nullable String refusalWithoutCgroup(String socket, Linux.Delivery from) {
    if (from.uid() != user) {
      return "process " + from.pid() + " is of user " + from.uid();
    }
    try {
      String environment =
          "\0"
              + Files.readString(
                  proc.resolve(Integer.toString(from.pid())).resolve("environ"),
                  StandardCharsets.ISO_8859_1);
      return environment.contains("\0NOTIFY_SOCKET=" + socket + "\0")
          ? null
          : "process " + from.pid() + " was not started with this socket";
    } catch (IOException e) {
      return "process " + from.pid() + " ended before it could be looked at";
    }
  }

  private @Nullable String cgroupOf(int pid) {
    try {
      for (String line :
          Files.readAllLines(
              proc.resolve(Integer.toString(pid)).resolve("cgroup"), StandardCharsets.UTF_8)) {
        if (line.startsWith("0::")) {
          return line.substring(3);
        }
      }
      return null;
    } catch (IOException e) {
      return null;
    }
  }
}

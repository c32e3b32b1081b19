package orch.agent.process;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;
import orch.agent.process.CommandPort.Command;
import orch.agent.process.CommandPort.CommandListener;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.StartFailure;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** The commands that shims guard inside attempts of others. Belongs to the agent's loop. */
final class ShimCommands {
  /** A command's streams, and what must hang up with it, in the order of the descriptors. */
  private static final List<Integer> TARGETS = List.of(0, 1, 2, Protocol.FD_KEPT);

  private final Linux linux;
  private final ArrayDeque<Running> waiting = new ArrayDeque<>();
  private final Map<Integer, Running> running = new HashMap<>();

  private static final class Running {
    final Command command;
    final CommandListener listener;
    @Nullable Shim shim;
    long seq;

    Running(Command command, CommandListener listener) {
      this.command = command;
      this.listener = listener;
    }

    Uid uid() {
      return command.start().uid();
    }
  }

  ShimCommands(Linux linux) {
    this.linux = linux;
  }

  void add(Command command, CommandListener listener) {
    waiting.add(new Running(command, listener));
  }

  boolean waits() {
    return !waiting.isEmpty();
  }

  int waitingCount() {
    return waiting.size();
  }

  /** Hands the first that waits to a free shim; false: the shim cannot be reached. */
  boolean handTo(Shim shim) {
    Running next = waiting.removeFirst();
    next.shim = shim;
    next.seq = ++shim.seq;
    running.put(shim.slot, next);
    List<Integer> descriptors = next.command.descriptors();
    long flags = next.command.terminal() ? Protocol.S_CTTY : 0;
    List<byte[]> parts =
        Outgoing.start(
            Protocol.EXEC,
            next.seq,
            shim.slot,
            next.command.start(),
            new LauncherPort.Deadline(next.uid(), 0, false),
            flags,
            TARGETS);
    try {
      for (int i = 0; i < parts.size(); i++) {
        byte[] part = parts.get(i);
        linux.send(shim.fd, part, part.length, i == 0 ? descriptors : List.of(), true);
      }
      return true;
    } catch (LinuxException e) {
      running.remove(shim.slot);
      fail(next, "the shim cannot be reached: " + e.getMessage());
      return false;
    } finally {
      descriptors.stream().distinct().forEach(linux::close);
    }
  }

  void started(Incoming.ExecStarted of) {
    Running command = running.get(of.slot());
    if (command != null && command.seq == of.seq()) {
      command.listener.started(of.pid());
    }
  }

  /** Answers whether the shim is free by that. */
  boolean failed(Incoming.ExecFailed of) {
    Running command = running.get(of.slot());
    if (command == null || command.seq != of.seq()) {
      return false;
    }
    running.remove(of.slot());
    StartRequest start = command.command.start();
    command.listener.failed(Results.of(of.facts(), start.arguments().getFirst(), start));
    return true;
  }

  /** Answers whether the shim is free by that. */
  boolean exited(Incoming.ExecExited of) {
    Running command = running.get(of.slot());
    if (command == null || command.seq != of.seq()) {
      return false;
    }
    running.remove(of.slot());
    command.listener.exited(
        new Result(
            of.siCode() == 1 ? ResultKind.EXITED : ResultKind.SIGNALED,
            of.siCode(),
            of.siStatus(),
            null,
            false,
            0,
            of.userMicros(),
            of.systemMicros(),
            0,
            0,
            0));
    return true;
  }

  /** A request was refused; answers whether it was that of a command, whose shim is free then. */
  boolean refused(Incoming.Refused of) {
    Running command = running.get(of.slot());
    if (command == null || command.seq != of.seq()) {
      return false;
    }
    running.remove(of.slot());
    fail(command, of.text());
    return true;
  }

  /** The shim died, and its command with it; answers whether it had one. */
  boolean shimDied(int slot) {
    Running command = running.remove(slot);
    if (command == null) {
      return false;
    }
    fail(command, "its guard died, and the command was ended");
    return true;
  }

  void signal(CommandListener of, int signal) {
    for (Running each : running.values()) {
      Shim shim = each.shim;
      if (each.listener.equals(of) && shim != null) {
        byte[] message = Outgoing.execSignal(++shim.seq, shim.slot, each.uid(), signal, 2);
        try {
          linux.send(shim.fd, message, message.length, List.of(), true);
        } catch (LinuxException gone) {
          // Its end is heard of by itself.
        }
      }
    }
  }

  void forget(CommandListener of) {
    waiting.removeIf(each -> {
      boolean meant = each.listener.equals(of);
      if (meant) {
        each.command.descriptors().stream().distinct().forEach(linux::close);
      }
      return meant;
    });
  }

  void attemptEnds(Uid uid) {
    for (Running each : List.copyOf(running.values())) {
      if (each.uid().equals(uid)) {
        each.listener.attemptEnds();
      }
    }
    for (Running each : List.copyOf(waiting)) {
      if (each.uid().equals(uid)) {
        waiting.remove(each);
        each.command.descriptors().stream().distinct().forEach(linux::close);
        fail(each, "the task has ended");
      }
    }
  }

  /** Shims whose children are commands inside this attempt. */
  List<Integer> shimsOf(Uid uid) {
    List<Integer> pids = new ArrayList<>();
    for (Running each : running.values()) {
      if (each.uid().equals(uid) && each.shim != null) {
        pids.add(each.shim.pid);
      }
    }
    return pids;
  }

  /** The connection to the shims is gone; their commands end as their pipes are closed. */
  void clear(String why) {
    List<Running> all = new ArrayList<>(running.values());
    running.clear();
    for (Running each : waiting) {
      each.command.descriptors().stream().distinct().forEach(linux::close);
      all.add(each);
    }
    waiting.clear();
    all.forEach(each -> fail(each, why));
  }

  private static void fail(Running command, String why) {
    String program = command.command.start().arguments().getFirst();
    command.listener.failed(new StartFailure("command", 0, "cannot run " + program + ": " + why));
  }
}

package orch.agent.live;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.SortedMap;
import orch.agent.linux.Errno;
import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;
import orch.agent.process.Guarded;
import orch.api.model.ProcessTree;
import orch.api.seam.Clock;

/** Reads the process trees of attempts. For one thread at a time. */
final class ProcessTrees {
  private final Linux linux;
  private final Clock clock;
  private final ProcFile proc = new ProcFile(Path.of("/proc"));

  ProcessTrees(Linux linux, Clock clock) {
    this.linux = linux;
    this.clock = clock;
  }

  ProcFile proc() {
    return proc;
  }

  /** The attempt's processes as they are now. */
  ProcessTree read(Guarded guarded) throws IOException {
    Members members = Members.of(guarded, proc);
    SortedMap<Integer, ProcFile.Stat> all = members.all();
    ProcessTree.Leader leader = leader(guarded);
    Instant now = clock.now();
    long bootRealNanos = now.getEpochSecond() * 1_000_000_000L + now.getNano() - clock.bootNanos();
    List<ProcessTree.Entry> entries = new ArrayList<>();
    for (ProcFile.Stat stat : all.values()) {
      if (entries.size() == ProcessTree.MAX_PROCESSES) {
        break;
      }
      boolean exec = members.commands().contains(stat.pid());
      boolean isLeader = stat.pid() == guarded.leaderPid() && leader != ProcessTree.Leader.GONE;
      long ticks =
          stat.userTicks()
              + stat.systemTicks()
              + stat.childrenUserTicks()
              + stat.childrenSystemTicks();
      entries.add(
          new ProcessTree.Entry(
              stat.pid(),
              stat.parent(),
              stat.state(),
              ticks * (ProcFile.TICK_NANOS / 1_000),
              proc.residentBytes(stat.pid()),
              proc.commandLine(stat.pid()),
              bootRealNanos + stat.startTicks() * ProcFile.TICK_NANOS,
              stat.program(),
              isLeader,
              !exec && !descends(stat, guarded.leaderPid(), all),
              exec,
              stat.threads()));
    }
    return new ProcessTree(
        entries,
        all.size(),
        guarded.leaf() != null,
        leader,
        frozen(guarded, all.values()),
        members.zombies());
  }

  /** As the kernel says of the whole cgroup; without one whatever lives of it is stopped. */
  private static boolean frozen(Guarded guarded, Collection<ProcFile.Stat> all) throws IOException {
    Path leaf = guarded.leaf();
    if (leaf != null) {
      return Files.readString(leaf.resolve("cgroup.events"), StandardCharsets.US_ASCII)
          .contains("frozen 1");
    }
    // In state D is one that stops as soon as it comes out of the kernel; so waits the parent of a
    // child that was stopped between vfork and exec.
    return all.stream().anyMatch(stat -> stat.state().equals("T"))
        && all.stream()
            .allMatch(
                stat -> stat.zombie() || stat.state().equals("T") || stat.state().equals("D"));
  }

  private static boolean descends(
      ProcFile.Stat stat, int leader, SortedMap<Integer, ProcFile.Stat> all) {
    ProcFile.Stat at = stat;
    for (int steps = 0; at != null && steps <= all.size(); steps++) {
      if (at.pid() == leader) {
        return true;
      }
      at = all.get(at.parent());
    }
    return false;
  }

  /**
   * Looks both ways, at /proc and by a null signal. The pidfd is taken before the start time is
   * compared, so that the process of a pid that was given out again is never taken for the leader.
   */
  private ProcessTree.Leader leader(Guarded guarded) {
    int pid = guarded.leaderPid();
    if (pid == 0) {
      return ProcessTree.Leader.GONE;
    }
    int pidfd;
    try {
      pidfd = linux.pidfdOpen(pid);
    } catch (LinuxException gone) {
      return ProcessTree.Leader.GONE;
    }
    try {
      ProcFile.Stat stat = proc.stat(pid);
      if (stat == null
          || (guarded.leaderStart() != 0 && stat.startTicks() != guarded.leaderStart())) {
        return ProcessTree.Leader.GONE;
      }
      if (stat.zombie()) {
        return ProcessTree.Leader.ZOMBIE;
      }
      linux.pidfdSendSignal(pidfd, 0);
      return ProcessTree.Leader.ALIVE;
    } catch (LinuxException e) {
      // A process of another user that may not be signalled is there all the same.
      return e.errno() == Errno.EPERM ? ProcessTree.Leader.ALIVE : ProcessTree.Leader.GONE;
    } finally {
      linux.close(pidfd);
    }
  }
}

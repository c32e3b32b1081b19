package orch.api.convert;

import java.util.function.Consumer;
import orch.agent.v1.InspectOutcome;
import orch.api.model.AgentMessage;
import orch.api.model.AttemptUsage;
import orch.api.model.ProcessTree;
import orch.v1.LeaderState;
import orch.v1.ProcessInfo;
import orch.v1.TaskStats;
import orch.v1.TaskTree;
import org.jspecify.annotations.Nullable;

/** Process trees and usage, as protobuf and in the model. */
public final class InspectConvert {
  private InspectConvert() {}

  static InspectOutcome toProto(AgentMessage.Inspected inspected) {
    InspectOutcome.Builder to =
        InspectOutcome.newBuilder().setRequest(inspected.request()).setError(inspected.error());
    if (inspected.tree() != null) {
      to.setTree(toProto(inspected.tree()));
    }
    if (inspected.usage() != null) {
      to.setStats(toProto(inspected.usage()));
    }
    return to.build();
  }

  static AgentMessage.Inspected fromProto(InspectOutcome outcome) {
    if (outcome.getError().isEmpty() && outcome.hasTree() == outcome.hasStats()) {
      throw new IllegalArgumentException("an InspectOutcome has a tree, stats or an error");
    }
    return new AgentMessage.Inspected(
        outcome.getRequest(),
        outcome.getError(),
        outcome.hasTree() ? fromProto(outcome.getTree()) : null,
        outcome.hasStats() ? fromProto(outcome.getStats()) : null);
  }

  /** Without node and attempt, which the caller knows. */
  public static TaskTree toProto(ProcessTree tree) {
    TaskTree.Builder to =
        TaskTree.newBuilder()
            .setTotal(tree.total())
            .setCgroup(tree.cgroup())
            .setFrozen(tree.frozen())
            .setZombies(tree.zombies())
            .setLeader(
                switch (tree.leader()) {
                  case ALIVE -> LeaderState.LEADER_STATE_ALIVE;
                  case ZOMBIE -> LeaderState.LEADER_STATE_ZOMBIE;
                  case GONE -> LeaderState.LEADER_STATE_GONE;
                });
    for (ProcessTree.Entry entry : tree.processes()) {
      to.addProcesses(
          ProcessInfo.newBuilder()
              .setPid(entry.pid())
              .setParentPid(entry.parentPid())
              .setState(entry.state())
              .setCpuMicros(entry.cpuMicros())
              .setMemoryBytes(entry.memoryBytes())
              .addAllCommandLine(entry.commandLine())
              .setStartTime(AttemptConvert.timestamp(entry.startNanos()))
              .setProgram(entry.program())
              .setZombie(entry.zombie())
              .setOrphan(entry.orphan())
              .setLeader(entry.leader())
              .setExec(entry.exec())
              .setThreads(entry.threads()));
    }
    return to.build();
  }

  private static ProcessTree fromProto(TaskTree tree) {
    return new ProcessTree(
        tree.getProcessesList().stream()
            .limit(ProcessTree.MAX_PROCESSES)
            .map(InspectConvert::entry)
            .toList(),
        tree.getTotal(),
        tree.getCgroup(),
        switch (tree.getLeader()) {
          case LEADER_STATE_ALIVE -> ProcessTree.Leader.ALIVE;
          case LEADER_STATE_ZOMBIE -> ProcessTree.Leader.ZOMBIE;
          case LEADER_STATE_GONE, LEADER_STATE_UNSPECIFIED, UNRECOGNIZED -> ProcessTree.Leader.GONE;
        },
        tree.getFrozen(),
        tree.getZombies());
  }

  private static ProcessTree.Entry entry(ProcessInfo of) {
    return new ProcessTree.Entry(
        of.getPid(),
        of.getParentPid(),
        of.getState(),
        of.getCpuMicros(),
        of.getMemoryBytes(),
        of.getCommandLineList(),
        AttemptConvert.epochNanos(of.getStartTime()),
        of.getProgram(),
        of.getLeader(),
        of.getOrphan(),
        of.getExec(),
        of.getThreads());
  }

  /** Without node and attempt, which the caller knows. */
  public static TaskStats toProto(AttemptUsage usage) {
    TaskStats.Builder to =
        TaskStats.newBuilder()
            .addAllMissing(usage.missing())
            .addAllSummed(usage.summed())
            .setTime(AttemptConvert.timestamp(usage.timeNanos()));
    set(usage.cpuUserMicros(), to::setCpuUserMicros);
    set(usage.cpuSystemMicros(), to::setCpuSystemMicros);
    set(usage.memoryCurrentBytes(), to::setMemoryCurrentBytes);
    set(usage.memoryPeakBytes(), to::setMemoryPeakBytes);
    set(usage.processes(), to::setProcesses);
    set(usage.readBytes(), to::setReadBytes);
    set(usage.writeBytes(), to::setWriteBytes);
    set(usage.cpuPressure(), to::setCpuPressure);
    set(usage.memoryPressure(), to::setMemoryPressure);
    set(usage.ioPressure(), to::setIoPressure);
    set(usage.memoryLimitBytes(), to::setMemoryLimitBytes);
    set(usage.processesLimit(), to::setProcessesLimit);
    set(usage.throttledMicros(), to::setThrottledMicros);
    set(usage.oomKills(), to::setOomKills);
    set(usage.zombies(), to::setZombies);
    return to.build();
  }

  private static AttemptUsage fromProto(TaskStats stats) {
    return new AttemptUsage(
        orNull(stats.hasCpuUserMicros(), stats.getCpuUserMicros()),
        orNull(stats.hasCpuSystemMicros(), stats.getCpuSystemMicros()),
        orNull(stats.hasMemoryCurrentBytes(), stats.getMemoryCurrentBytes()),
        orNull(stats.hasMemoryPeakBytes(), stats.getMemoryPeakBytes()),
        orNull(stats.hasProcesses(), stats.getProcesses()),
        orNull(stats.hasReadBytes(), stats.getReadBytes()),
        orNull(stats.hasWriteBytes(), stats.getWriteBytes()),
        orNull(stats.hasCpuPressure(), stats.getCpuPressure()),
        orNull(stats.hasMemoryPressure(), stats.getMemoryPressure()),
        orNull(stats.hasIoPressure(), stats.getIoPressure()),
        orNull(stats.hasMemoryLimitBytes(), stats.getMemoryLimitBytes()),
        orNull(stats.hasProcessesLimit(), stats.getProcessesLimit()),
        orNull(stats.hasThrottledMicros(), stats.getThrottledMicros()),
        orNull(stats.hasOomKills(), stats.getOomKills()),
        orNull(stats.hasZombies(), stats.getZombies()),
        stats.getMissingList(),
        stats.getSummedList(),
        AttemptConvert.epochNanos(stats.getTime()));
  }

  private static <T> void set(@Nullable T value, Consumer<T> field) {
    if (value != null) {
      field.accept(value);
    }
  }

  private static <T> @Nullable T orNull(boolean there, T value) {
    return there ? value : null;
  }
}

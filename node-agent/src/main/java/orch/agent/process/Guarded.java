package orch.agent.process;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the processes of a running attempt are found.
 *
 * @param leaf its cgroup; null: there is none, and its processes are those that descend from its
 *     shim
 * @param shimPid 0: no shim of this launcher guards it
 * @param leaderPid 0: not known (it was only just made)
 * @param leaderStart field 22 of /proc/PID/stat, which tells it from a later process of that pid;
 *     0: not known
 * @param commands shims of commands that were started inside it from outside
 */
public record Guarded(
    @Nullable Path leaf, int shimPid, int leaderPid, long leaderStart, List<Integer> commands) {
  public Guarded {
    commands = List.copyOf(commands);
  }
}

package orch.agent.process;

import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import orch.agent.linux.Errno;
import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;

/** Ends everything that the launcher of an agent guards, then the launcher itself. */
public final class StopAll {
  private static final long LIMIT_SECONDS = 30;
  private static final int WAIT_MILLIS = 100;
  private static final long ALL_SEQUENCES = Long.MAX_VALUE >>> 1;

  private StopAll() {}

  /**
   * Kills every task and waits until launcher and shims are gone.
   *
   * @return false when no launcher runs
   */
  public static boolean run(Linux linux, LauncherProcess process)
      throws IOException, InterruptedException {
    int socket = process.connectIfRunning(linux);
    if (socket < 0) {
      return false;
    }
    byte[] buffer = new byte[Protocol.MAX_DATAGRAM];
    Map<Integer, Integer> sockets = new HashMap<>();
    Set<Integer> pids = new HashSet<>();
    try {
      byte[] hello = Outgoing.hello();
      try {
        linux.send(socket, hello, hello.length, List.of(), true);
      } catch (LinuxException e) {
        // Closed already; what it said before that tells why.
        if (e.errno() != Errno.EPIPE) {
          throw e;
        }
      }
      boolean ready = false;
      while (!ready) {
        Linux.Received received = linux.receive(socket, buffer, true);
        if (received == null || received.length() == 0) {
          throw new IOException("the launcher closed the connection");
        }
        switch (Incoming.read(buffer, received.length())) {
          case Incoming.Welcome of -> pids.add(of.launcherPid());
          case Incoming.Shim of -> {
            int fd = received.descriptors().getFirst();
            sockets.put(of.slot(), fd);
            pids.add(of.pid());
            if (of.uid() != null) {
              byte[] kill = Outgoing.kill(ALL_SEQUENCES, of.slot(), of.uid());
              linux.send(fd, kill, kill.length, List.of(), true);
            }
          }
          case Incoming.Ready of -> ready = true;
          case Incoming.Refused of -> throw new IOException(of.text());
          case Incoming.Grown of -> {}
          case Incoming.ShimDead of -> {}
          case Incoming.Acked of -> {}
          case Incoming.Synced of -> {}
          case Incoming.Started of -> {}
          case Incoming.StartFailed of -> {}
          case Incoming.LeaderExited of -> {}
          case Incoming.Exited of -> {}
          case Incoming.Done of -> {}
          case Incoming.Stopping of -> {}
          case Incoming.Stuck of -> {}
          case Incoming.ExecStarted of -> {}
          case Incoming.ExecFailed of -> {}
          case Incoming.ExecExited of -> {}
          case Incoming.Input of -> {}
          case Incoming.Kept of -> {}
          case Incoming.KeptAll of -> {}
          case Incoming.Other of -> {}
        }
      }
      byte[] shutdown = Outgoing.shutdown();
      linux.send(socket, shutdown, shutdown.length, List.of(), true);
      // Open until it has ended: a launcher that finds nobody to tell of a sync reads no further.
      awaitEnd(process, pids);
    } finally {
      sockets.values().forEach(linux::close);
      linux.close(socket);
    }
    return true;
  }

  private static void awaitEnd(LauncherProcess process, Set<Integer> pids)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
    while (pids.stream().anyMatch(process::alive)) {
      if (System.nanoTime() > deadline) {
        throw new IOException(
            "tasks still live after "
                + LIMIT_SECONDS
                + " s: "
                + pids
                + "; they may be stuck in the kernel");
      }
      Thread.sleep(WAIT_MILLIS);
    }
  }
}

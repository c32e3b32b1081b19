package orch.agent.process;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;
import orch.agent.process.JournalReader.Account;
import orch.agent.process.LauncherPort.End;
import orch.api.model.Uid;
import orch.api.seam.Timers;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tasks of launchers before this one: guarded by a shim that outlived its launcher, or by nobody at
 * all. Their shims record the end in the journal, where it is looked for every second. Belongs to
 * the agent's loop.
 */
final class Orphans {
  private static final Logger log = LoggerFactory.getLogger(Orphans.class);
  private static final Duration POLL = Duration.ofSeconds(1);
  private static final int SIGKILL = 9;

  private final Linux linux;
  private final LauncherProcess process;
  private final Timers timers;
  private final Leaves leaves;
  private final Map<Uid, Account> living = new LinkedHashMap<>();
  private @Nullable Place place;
  private boolean polling;

  /**
   * Where the launcher keeps things.
   *
   * @param cgroup empty: none
   */
  record Place(String bootId, Path journal, Path runDirectory, String cgroup) {
    static Place of(Incoming.Welcome of) {
      Path run = Path.of(of.runDirectory()).toAbsolutePath().getParent();
      return new Place(
          of.bootId(),
          Path.of(of.journalDirectory()),
          run == null ? Path.of("/") : run,
          of.cgroup());
    }
  }

  /** Hears of the end of an orphan. */
  @FunctionalInterface
  interface Listener {
    void ended(Uid uid, End end);
  }

  Orphans(Linux linux, LauncherProcess process, Timers timers, Leaves leaves) {
    this.linux = linux;
    this.leaves = leaves;
    this.process = process;
    this.timers = timers;
  }

  void begin(Place at) {
    place = at;
    living.clear();
  }

  /** Takes it in if anything of it lives; answers whether. */
  boolean adopt(Account account) {
    if (place != null && account.bootId.equals(place.bootId()) && lives(account)) {
      living.put(account.uid, account);
      return true;
    }
    return false;
  }

  /** Null: the launcher has not been heard yet. */
  @Nullable Place place() {
    return place;
  }

  Set<Uid> uids() {
    return living.keySet();
  }

  boolean has(Uid uid) {
    return living.containsKey(uid);
  }

  /** Where the processes of an orphan are found; null: it is none. */
  @Nullable Guarded guarded(Uid uid) {
    Account account = living.get(uid);
    if (account == null) {
      return null;
    }
    Incoming.StartFacts started = account.started;
    return new Guarded(
        leaf(account),
        process.alive(account.shimPid) ? account.shimPid : 0,
        started == null ? 0 : started.pid(),
        started == null ? 0 : started.pidStart(),
        List.of());
  }

  /** Looks for ends until every orphan has one. */
  void poll(Listener listener) {
    if (!polling && !living.isEmpty()) {
      polling = true;
      timers.after(POLL, () -> look(listener));
    }
  }

  private void look(Listener listener) {
    polling = false;
    Place at = place;
    if (at == null) {
      return;
    }
    try {
      Map<Uid, Account> accounts = JournalReader.read(at.journal());
      for (Account before : List.copyOf(living.values())) {
        Account account = accounts.getOrDefault(before.uid, before);
        End end = Ends.of(account, 0);
        if (end != null || !lives(before)) {
          living.remove(before.uid);
          // Where its shim died too, or could not, nobody else removes it.
          leaves.ended(before.leaf);
          listener.ended(before.uid, end == null ? Ends.gone(before, at.bootId()) : end);
        }
      }
    } catch (IOException e) {
      log.warn("cannot read the launcher's journal: {}", e.toString());
    }
    poll(listener);
  }

  private boolean lives(Account account) {
    return process.alive(account.shimPid) || treeLives(account);
  }

  private boolean treeLives(Account account) {
    Path leaf = leaf(account);
    if (leaf != null) {
      try {
        return Files.readString(leaf.resolve("cgroup.events"), StandardCharsets.US_ASCII)
            .contains("populated 1");
      } catch (IOException gone) {
        return false;
      }
    }
    return account.started != null
        && account.started.pidStart() != 0
        && startOf(account.started.pid()) == account.started.pidStart();
  }

  private @Nullable Path leaf(Account account) {
    return place == null || place.cgroup().isEmpty() || account.leaf.isEmpty()
        ? null
        : Path.of(place.cgroup(), account.leaf);
  }

  /** Field 22 of /proc/PID/stat; 0: no such process, or a zombie. */
  private static long startOf(int pid) {
    try {
      String stat =
          Files.readString(
              Path.of("/proc", Integer.toString(pid), "stat"), StandardCharsets.ISO_8859_1);
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
      return fields[0].equals("Z") ? 0 : Long.parseLong(fields[19]);
    } catch (IOException | RuntimeException gone) {
      return 0;
    }
  }

  /** Asks its shim, or kills the tree where no shim is left. */
  void stop(Uid uid, @Nullable Duration grace) {
    Account account = living.get(uid);
    Place at = place;
    if (account == null || at == null) {
      return;
    }
    if (process.alive(account.shimPid)) {
      try {
        ask(at, account, (seq, slot) -> Outgoing.stop(seq, slot, uid, grace));
        return;
      } catch (IOException e) {
        log.warn("cannot reach the shim of {}: {}; killing its tree", uid, e.getMessage());
      }
    }
    kill(account);
  }

  /** Gives its shim a later deadline; where no shim is left there is none. */
  void renew(LauncherPort.Deadline deadline) {
    askIfGuarded(
        deadline.uid(), (seq, slot) -> Outgoing.setDeadline(seq, slot, deadline), "its lease");
  }

  /** Has its shim kill it later; one that does not know how refuses. */
  void extendStop(Uid uid, Duration by, Duration most) {
    askIfGuarded(
        uid, (seq, slot) -> Outgoing.extendStop(seq, slot, uid, by, most), "more time to end");
  }

  private void askIfGuarded(Uid uid, Request request, String what) {
    Account account = living.get(uid);
    Place at = place;
    if (account == null || at == null || !process.alive(account.shimPid)) {
      return;
    }
    try {
      ask(at, account, request);
    } catch (IOException e) {
      log.warn("cannot tell the shim of {} {}: {}", uid, what, e.getMessage());
    }
  }

  /** Has it stand still or go on; answers why that cannot be, empty: it was done. */
  String freeze(Uid uid, boolean frozen) {
    Account account = living.get(uid);
    Place at = place;
    if (account == null || at == null) {
      return "the attempt does not run here";
    }
    try {
      Path leaf = leaf(account);
      if (leaf != null) {
        Files.writeString(leaf.resolve("cgroup.freeze"), frozen ? "1" : "0");
      } else if (process.alive(account.shimPid)) {
        ask(at, account, (seq, slot) -> Outgoing.freeze(seq, slot, uid, frozen));
      } else {
        return frozen ? "no shim guards it any more, and it has no cgroup" : "";
      }
      return "";
    } catch (IOException e) {
      return String.valueOf(e.getMessage());
    }
  }

  /** Makes a request under a number that the shim has not seen. */
  @FunctionalInterface
  private interface Request {
    byte[] numbered(long seq, int slot);
  }

  private void ask(Place at, Account account, Request request) throws IOException {
    Path socket =
        at.runDirectory()
            .resolve(String.format("g%08x", account.generation))
            .resolve(account.slot + ".sock");
    ask(socket.toString(), account, request);
  }

  private void ask(String socket, Account account, Request request) throws IOException {
    int fd = linux.connectSeqpacket(socket);
    try {
      byte[] ping = Outgoing.ping(account.slot);
      linux.send(fd, ping, ping.length, List.of(), true);
      byte[] buffer = new byte[Protocol.MAX_DATAGRAM];
      while (true) {
        Linux.Received received = linux.receive(fd, buffer, true);
        if (received == null || received.length() == 0) {
          throw new IOException("it closed the connection");
        }
        // Events may come first; what they tell stands in the journal too.
        if (Incoming.read(buffer, received.length()) instanceof Incoming.Refused pong
            && pong.code() == 0) {
          byte[] message = request.numbered(pong.lastSeq() + 1, account.slot);
          linux.send(fd, message, message.length, List.of(), true);
          return;
        }
      }
    } catch (Incoming.MalformedException e) {
      throw new IOException(e.getMessage(), e);
    } finally {
      linux.close(fd);
    }
  }

  private void kill(Account account) {
    Path leaf = leaf(account);
    try {
      if (leaf != null) {
        Files.writeString(leaf.resolve("cgroup.kill"), "1");
      } else if (account.started != null && treeLives(account)) {
        int pidfd = linux.pidfdOpen(account.started.pid());
        try {
          if (treeLives(account)) {
            linux.pidfdSendSignal(pidfd, SIGKILL);
          }
        } finally {
          linux.close(pidfd);
        }
      }
    } catch (LinuxException e) {
      log.warn("cannot kill {}: {}", account.uid, e.getMessage());
    } catch (IOException e) {
      log.warn("cannot kill the cgroup of {}: {}", account.uid, e.toString());
    }
  }
}

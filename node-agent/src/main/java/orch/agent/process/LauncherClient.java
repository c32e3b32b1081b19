package orch.agent.process;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;
import orch.agent.process.JournalReader.Account;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.Uid;
import orch.api.seam.Timers;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The launcher of this host. All state belongs to the agent's loop; a {@link LauncherConnection}
 * reads the sockets on a thread of its own and hands each message to the loop.
 *
 * <p>An end is passed on only once the journal is durable past its record, so that whoever hears of
 * it may rely on it.
 */
public final class LauncherClient implements LauncherPort {
  private static final Logger log = LoggerFactory.getLogger(LauncherClient.class);
  private static final Duration RECONNECT = Duration.ofMillis(200);
  private static final Duration ORPHAN_POLL = Duration.ofSeconds(1);

  /** Shims beyond those in use that are kept ready. */
  private static final int GROW_STEP = 16;

  /** Limits by the launcher's capability. */
  private static final SortedMap<String, Long> LIMITS =
      new TreeMap<>(
          Map.of(
              "memory", Protocol.CAP_MEMORY,
              "cpu", Protocol.CAP_CPU,
              "pids", Protocol.CAP_PIDS,
              "io", Protocol.CAP_IO));

  private final Linux linux;
  private final LauncherProcess process;
  private final Executor loop;
  private final Timers timers;

  private @Nullable Listener listener;
  private @Nullable LauncherConnection connection;
  private volatile Incoming.@Nullable Welcome welcome;
  private final Map<Integer, Shim> shims = new HashMap<>();
  private final ArrayDeque<Shim> idle = new ArrayDeque<>();
  private final Map<Uid, Shim> busy = new HashMap<>();
  private final ArrayDeque<StartRequest> waiting = new ArrayDeque<>();
  private final Map<Uid, StartRequest> requests = new HashMap<>();
  private final PriorityQueue<Undurable> undurable = new PriorityQueue<>();
  private final Map<Long, SignalOutcome> signals = new HashMap<>();
  private final List<Uid> orphans = new ArrayList<>();
  private long synced;
  private long sequence;
  private boolean growing;
  private boolean closed;

  private static final class Shim {
    final int slot;
    final int fd;
    long seq;
    @Nullable Uid uid;
    boolean answered;

    Shim(int slot, int fd, long seq, @Nullable Uid uid) {
      this.slot = slot;
      this.fd = fd;
      this.seq = seq;
      this.uid = uid;
    }
  }

  /** Something that waits for the journal to be durable up to {@code position}. */
  private record Undurable(long position, long sequence, Runnable action)
      implements Comparable<Undurable> {
    @Override
    public int compareTo(Undurable other) {
      int byPosition = Long.compareUnsigned(position, other.position);
      return byPosition != 0 ? byPosition : Long.compare(sequence, other.sequence);
    }
  }

  /**
   * @param process how a launcher is started where none runs
   * @param loop the agent's
   */
  public LauncherClient(Linux linux, LauncherProcess process, Executor loop, Timers timers) {
    this.linux = linux;
    this.process = process;
    this.loop = loop;
    this.timers = timers;
  }

  @Override
  public void connect(Listener heard) {
    listener = heard;
    reconnect();
  }

  /** What the launcher said of itself; null before the first connection. */
  public Incoming.@Nullable Welcome welcome() {
    return welcome;
  }

  /**
   * Limits that no task of this node can have: those of {@code unmountable}, and those whose
   * controller the launcher does not have for its leaves.
   */
  public List<String> missingLimits(List<String> unmountable) {
    Incoming.Welcome of = welcome;
    if (of == null) {
      return unmountable;
    }
    List<String> missing = new ArrayList<>(unmountable);
    LIMITS.forEach((name, capability) -> {
      if ((of.capabilities() & capability) == 0 && !missing.contains(name)) {
        missing.add(name);
      }
    });
    return missing;
  }

  @Override
  public int capacity() {
    return welcome == null ? 0 : welcome.maxShims();
  }

  @Override
  public void start(StartRequest request) {
    waiting.add(request);
    assign();
  }

  @Override
  public void stop(Uid uid, @Nullable Duration grace) {
    Shim shim = busy.get(uid);
    if (shim != null) {
      send(shim, Outgoing.stop(++shim.seq, shim.slot, uid, grace));
    } else if (waiting.removeIf(request -> request.uid().equals(uid))) {
      heard().dropped(uid);
    }
  }

  @Override
  public void signal(Uid uid, int signal, int target, SignalOutcome outcome) {
    Shim shim = busy.get(uid);
    if (shim == null) {
      outcome.done(0, "the attempt does not run here");
      return;
    }
    signals.put(key(shim.slot, ++shim.seq), outcome);
    send(shim, Outgoing.signal(shim.seq, shim.slot, uid, signal, target >= 2 ? 1 : 2));
  }

  @Override
  public void ack(List<Uid> uids) {
    LauncherConnection open = connection;
    for (int at = 0; at < uids.size() && open != null; at += Protocol.MAX_ACKS) {
      open.send(Outgoing.ack(uids.subList(at, Math.min(uids.size(), at + Protocol.MAX_ACKS))));
    }
  }

  @Override
  public void close() {
    closed = true;
    LauncherConnection open = connection;
    connection = null;
    if (open != null) {
      open.close();
    }
  }

  private void reconnect() {
    if (closed) {
      return;
    }
    try {
      LauncherConnection opened = LauncherConnection.open(linux, process, new Reader());
      connection = opened;
      opened.send(Outgoing.hello());
    } catch (IOException e) {
      log.warn("no launcher: {}; trying again", e.getMessage());
      timers.after(RECONNECT, this::reconnect);
    }
  }

  private Listener heard() {
    if (listener == null) {
      throw new IllegalStateException("connect first");
    }
    return listener;
  }

  /** Runs on the connection's thread; everything is handed to the loop. */
  private final class Reader implements LauncherConnection.Reader {
    @Override
    public void message(LauncherConnection from, Incoming message, int passedFd) {
      loop.execute(() -> {
        if (from == connection) {
          take(message, passedFd);
        } else if (passedFd >= 0) {
          linux.close(passedFd);
        }
      });
    }

    @Override
    public void broken(LauncherConnection which, String why) {
      loop.execute(() -> lost(which, why));
    }
  }

  private void lost(LauncherConnection which, String why) {
    if (which != connection || closed) {
      return;
    }
    connection = null;
    which.close();
    shims.clear();
    idle.clear();
    busy.clear();
    undurable.clear();
    growing = false;
    signals.values().forEach(outcome -> outcome.done(0, "the launcher went away: " + why));
    signals.clear();
    heard().disconnected(why);
    reconnect();
  }

  private void take(Incoming message, int passedFd) {
    switch (message) {
      case Incoming.Welcome of -> {
        welcome = of;
        synced = of.synced();
        of.notes().forEach(note -> log.info("launcher: {}", note));
      }
      case Incoming.Shim of -> {
        Shim shim = new Shim(of.slot(), passedFd, of.lastSeq(), of.uid());
        shims.put(of.slot(), shim);
        if (connection != null) {
          connection.watch(passedFd);
        }
        if (growing) {
          shim.answered = true;
          free(shim);
        }
      }
      case Incoming.Ready of ->
          shims.values().forEach(shim -> send(shim, Outgoing.ping(shim.slot)));
      case Incoming.Grown of -> {
        growing = false;
        if (of.added() == 0) {
          log.warn("the launcher can make no more shims (errno {}); starts wait", of.errno());
        }
        assign();
      }
      case Incoming.ShimDead of ->
          log.warn(
              "shim {} died; {} goes on with {}",
              of.slot(),
              of.newPid(),
              of.uid() == null ? "nothing" : of.uid());
      case Incoming.Acked of -> {
        if (of.errno() != 0) {
          log.warn("the launcher could not record acks (errno {})", of.errno());
        }
      }
      case Incoming.Synced of -> durableTo(of.synced());
      case Incoming.Refused of -> refused(of);
      case Incoming.Started of ->
          heard().started(of.uid(), of.facts().pid(), of.facts().realNanos());
      case Incoming.StartFailed of -> {
        StartRequest request = requests.get(of.uid());
        release(of.slot(), of.uid());
        onceDurable(
            of.position(),
            () ->
                heard()
                    .startFailed(
                        of.uid(),
                        Results.of(
                            of.facts(),
                            request == null ? of.uid().toString() : task(request.name()),
                            request),
                        of.facts().realNanos()));
      }
      case Incoming.LeaderExited of ->
          log.debug("{}: the leader has ended, its descendants have not", of.uid());
      case Incoming.Exited of -> {
        release(of.slot(), of.uid());
        onceDurable(of.position(), () -> heard().ended(of.uid(), end(of.facts())));
      }
      case Incoming.Done of -> {
        SignalOutcome outcome = signals.remove(key(of.slot(), of.seq()));
        if (outcome != null) {
          outcome.done(of.count(), of.errno() == 0 ? "" : "errno " + of.errno());
        }
      }
      case Incoming.Stopping of ->
          log.debug("{}: signal {} sent (cause {})", of.uid(), of.signal(), of.cause());
      case Incoming.Stuck of -> heard().stuck(of.uid(), of.processes());
      case Incoming.Other of -> log.debug("message of type {} passed over", of.type());
    }
  }

  /** A PONG ends the questions of a new connection; anything else is an error. */
  private void refused(Incoming.Refused of) {
    Shim shim = shims.get(of.slot());
    if (of.code() == 0) {
      if (shim != null && !shim.answered) {
        shim.answered = true;
        shim.seq = Math.max(shim.seq, of.lastSeq());
        shim.uid = of.uid();
        if (shims.values().stream().allMatch(each -> each.answered)) {
          recover();
        }
      }
      return;
    }
    SignalOutcome outcome = signals.remove(key(of.slot(), of.seq()));
    if (outcome != null) {
      outcome.done(0, of.text());
      return;
    }
    log.warn("the launcher refused a request (slot {}): {}", of.slot(), of.text());
    if (shim != null && shim.uid != null && of.uid() == null) {
      // A START that was not taken: the attempt never forked. Try another shim.
      StartRequest request = requests.get(shim.uid);
      busy.remove(shim.uid);
      free(shim);
      if (request != null) {
        start(request);
      }
    }
  }

  /** Every shim has answered: what the journal does not claim now was never forked. */
  private void recover() {
    Incoming.Welcome of = welcome;
    if (of == null) {
      return;
    }
    for (Shim shim : shims.values()) {
      free(shim);
    }
    List<Found> found = new ArrayList<>();
    orphans.clear();
    try {
      Map<Uid, Account> accounts = JournalReader.read(Path.of(of.journalDirectory()));
      for (Account account : accounts.values()) {
        found.add(found(account, of));
      }
    } catch (IOException e) {
      log.error("cannot read the launcher's journal: {}; trying again", e.toString());
      timers.after(RECONNECT, this::recover);
      return;
    }
    heard().connected(found);
    pollOrphans();
    assign();
  }

  private Found found(Account account, Incoming.Welcome of) {
    boolean guarded = busy.containsKey(account.uid);
    boolean orphan =
        !account.ended()
            && !guarded
            && account.bootId.equals(of.bootId())
            && process.alive(account.shimPid);
    if (orphan) {
      orphans.add(account.uid);
    }
    End end = account.ended() || guarded || orphan ? ended(account) : gone(account, of);
    long start = account.started == null ? 0 : account.started.realNanos();
    return new Found(account.uid, account.name, account.bootId, end == null, start, end);
  }

  private static @Nullable End ended(Account account) {
    if (account.exited != null) {
      return end(account.exited);
    }
    if (account.failed != null) {
      Result result =
          Result.without(
              ResultKind.START_FAILED, Results.of(account.failed, task(account.name), null));
      return new End(result, 0, account.failed.realNanos(), 0, false);
    }
    return null;
  }

  /** Claimed, not ended, and nothing guards it. */
  private static End gone(Account account, Incoming.Welcome of) {
    ResultKind kind = account.bootId.equals(of.bootId()) ? ResultKind.UNKNOWN : ResultKind.LOST;
    long start = account.started == null ? 0 : account.started.realNanos();
    return new End(Result.without(kind, null), start, 0, 0, false);
  }

  /** Shims of a dead launcher record the end in the journal by themselves. */
  private void pollOrphans() {
    Incoming.Welcome of = welcome;
    if (orphans.isEmpty() || of == null || closed) {
      return;
    }
    timers.after(
        ORPHAN_POLL,
        () -> {
          try {
            Map<Uid, Account> accounts = JournalReader.read(Path.of(of.journalDirectory()));
            for (Uid uid : List.copyOf(orphans)) {
              Account account = accounts.get(uid);
              if (account == null) {
                orphans.remove(uid);
              } else if (account.ended() || !process.alive(account.shimPid)) {
                orphans.remove(uid);
                End end = ended(account);
                heard().ended(uid, end == null ? gone(account, of) : end);
              }
            }
          } catch (IOException e) {
            log.warn("cannot read the launcher's journal: {}", e.toString());
          }
          pollOrphans();
        });
  }

  private static End end(Incoming.ExitFacts facts) {
    return new End(
        Results.of(facts),
        facts.startedRealNanos(),
        facts.exitedRealNanos(),
        0,
        facts.has(Protocol.E_STOPPED));
  }

  private void free(Shim shim) {
    Uid guarded = shim.uid;
    if (guarded != null && busy.get(guarded) == shim) {
      return;
    }
    if (guarded != null && !requests.containsKey(guarded)) {
      busy.put(guarded, shim);
      return;
    }
    shim.uid = null;
    if (!idle.contains(shim)) {
      idle.addLast(shim);
    }
  }

  private void release(int slot, Uid uid) {
    requests.remove(uid);
    busy.remove(uid);
    Shim shim = shims.get(slot);
    if (shim != null && uid.equals(shim.uid)) {
      shim.uid = null;
      idle.addLast(shim);
    }
    assign();
  }

  private void assign() {
    while (!waiting.isEmpty() && !idle.isEmpty()) {
      Shim shim = idle.removeFirst();
      StartRequest request = waiting.removeFirst();
      shim.uid = request.uid();
      busy.put(request.uid(), shim);
      requests.put(request.uid(), request);
      long seq = ++shim.seq;
      for (byte[] part : Outgoing.start(seq, shim.slot, request)) {
        send(shim, part);
      }
    }
    LauncherConnection open = connection;
    if (!waiting.isEmpty() && !growing && open != null && shims.size() < capacity()) {
      growing = true;
      open.send(
          Outgoing.grow(Math.min(Math.max(GROW_STEP, waiting.size()), capacity() - shims.size())));
    }
  }

  private void send(Shim shim, byte[] message) {
    try {
      linux.send(shim.fd, message, message.length, List.of(), true);
    } catch (LinuxException e) {
      log.warn("cannot reach shim {}: {}", shim.slot, e.getMessage());
    }
  }

  private void onceDurable(long position, Runnable action) {
    if (Long.compareUnsigned(position, synced) <= 0) {
      action.run();
    } else {
      undurable.add(new Undurable(position, sequence++, action));
    }
  }

  private void durableTo(long position) {
    synced = position;
    while (!undurable.isEmpty() && Long.compareUnsigned(undurable.peek().position(), synced) <= 0) {
      Undurable next = undurable.remove();
      next.action().run();
    }
  }

  private static long key(int slot, long seq) {
    return (long) slot << 40 | seq;
  }

  /** The part of a claim's name that is for people: {@code web/3@2}. */
  private static String task(String name) {
    int space = name.indexOf(' ');
    return space < 0 ? name : name.substring(0, space);
  }
}

package orch.agent.process;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;
import orch.agent.process.JournalReader.Account;
import orch.api.model.StartFailure;
import orch.api.model.Uid;
import orch.api.seam.Clock;
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
public final class LauncherClient implements LauncherPort, CommandPort {
  private static final Logger log = LoggerFactory.getLogger(LauncherClient.class);
  private static final Duration RECONNECT = Duration.ofMillis(200);

  /** The wait between tries to find or start a launcher doubles up to 6.4 s. */
  private static final int MOST_DOUBLINGS = 5;

  /** Shims asked for at a time, at least. */
  private static final int GROW_STEP = 16;

  private final Linux linux;
  private final LauncherProcess process;
  private final Executor loop;
  private final Clock clock;
  private final Timers timers;
  private final Orphans orphans;
  private final Leaves leaves;

  private PassedDescriptors passed = PassedDescriptors.NONE;
  private @Nullable Listener listener;
  private @Nullable LauncherConnection connection;
  private volatile Incoming.@Nullable Welcome welcome;
  private final Map<Integer, Shim> shims = new HashMap<>();

  /** The one used last comes first: its memory is warm. */
  private final ArrayDeque<Shim> idle = new ArrayDeque<>();

  private final Map<Uid, Shim> busy = new HashMap<>();
  private final ArrayDeque<StartRequest> waiting = new ArrayDeque<>();

  /** Deadlines of starts that no shim is known to have taken. */
  private final Map<Uid, Deadline> deadlines = new HashMap<>();

  private final DurableQueue durable = new DurableQueue();
  private final ShimAnswers answers;
  private final ShimCommands commands;
  private boolean recovered;
  private boolean growing;
  private boolean closed;
  private int tries;
  private String lastProblem = "";

  /**
   * Nothing is done before {@link #connect}.
   *
   * @param process how a launcher is started where none runs
   * @param loop the agent's
   */
  public LauncherClient(
      Linux linux, LauncherProcess process, Executor loop, Clock clock, Timers timers) {
    this.linux = linux;
    this.process = process;
    this.loop = loop;
    this.clock = clock;
    this.timers = timers;
    this.leaves = new Leaves(timers);
    this.orphans = new Orphans(linux, process, timers, leaves);
    this.answers = new ShimAnswers(linux);
    this.commands = new ShimCommands(linux);
  }

  /** Where the descriptors of starts are found; to be called before {@link #connect}. */
  public void pass(PassedDescriptors descriptors) {
    passed = descriptors;
  }

  @Override
  public void connect(Listener heard) {
    listener = heard;
    reconnect();
  }

  /**
   * Limits that no task of this node can have: those of {@code unmountable}, and those whose
   * controller the launcher does not have for its leaves. May be called on any thread.
   */
  public List<String> missingLimits(List<String> unmountable) {
    Incoming.Welcome of = welcome;
    return of == null ? unmountable : MissingLimits.of(of.capabilities(), unmountable);
  }

  @Override
  public int capacity() {
    Incoming.Welcome of = welcome;
    return of == null ? 0 : of.maxShims();
  }

  @Override
  public void start(StartRequest request, boolean leased) {
    if (!recovered) {
      // Prepared while the launcher went away: it is handed over anew after connected, which finds
      // it unclaimed. Kept here too it would be forked twice.
      return;
    }
    deadlines.put(request.uid(), new Deadline(request.uid(), request.deadlineBootNanos(), leased));
    again(request);
  }

  private void again(StartRequest request) {
    waiting.add(request);
    assign();
  }

  @Override
  public void renew(List<Deadline> renewed) {
    for (Deadline deadline : renewed) {
      deadlines.computeIfPresent(deadline.uid(), (_, _) -> deadline);
      Shim shim = busy.get(deadline.uid());
      if (shim != null) {
        send(shim, Outgoing.setDeadline(++shim.seq, shim.slot, deadline));
      } else if (orphans.has(deadline.uid())) {
        orphans.renew(deadline);
      }
    }
  }

  @Override
  public void stop(Uid uid, @Nullable Duration grace) {
    Shim shim = busy.get(uid);
    if (shim != null) {
      send(shim, Outgoing.stop(++shim.seq, shim.slot, uid, grace));
      if (shim.request != null && grace != null && grace.isZero()) {
        Leaves.killBeforeExec(welcome, uid);
      }
    } else if (waiting.removeIf(request -> request.uid().equals(uid))) {
      deadlines.remove(uid);
      heard().dropped(uid);
    } else {
      orphans.stop(uid, grace);
    }
  }

  @Override
  public void extendStop(Uid uid, Duration by, Duration most) {
    Shim shim = busy.get(uid);
    Incoming.Welcome of = welcome;
    if (shim == null) {
      orphans.extendStop(uid, by, most);
    } else if (of != null && (of.capabilities() & Protocol.CAP_EXTEND_STOP) != 0) {
      send(shim, Outgoing.extendStop(++shim.seq, shim.slot, uid, by, most));
    }
  }

  /** Where the processes of an attempt are found; null: it does not run here. */
  public @Nullable Guarded guarded(Uid uid) {
    Incoming.Welcome of = welcome;
    Shim shim = busy.get(uid);
    if (shim == null || of == null) {
      return orphans.guarded(uid);
    }
    Path leaf = of.cgroup().isEmpty() ? null : Path.of(of.cgroup(), Leaves.nameOf(uid));
    return new Guarded(leaf, shim.pid, shim.leaderPid, shim.leaderStart, commands.shimsOf(uid));
  }

  /** Where things are kept; null: not known at the moment. */
  Orphans.@Nullable Place place() {
    return recovered ? orphans.place() : null;
  }

  /** Attempts that the launcher has or will have. */
  Set<Uid> guardedUids() {
    Set<Uid> all = new HashSet<>(busy.keySet());
    all.addAll(orphans.uids());
    waiting.forEach(request -> all.add(request.uid()));
    return all;
  }

  @Override
  public void signal(Uid uid, int signal, int target, SignalOutcome outcome) {
    Shim shim = expecting(uid, outcome);
    if (shim != null) {
      send(shim, Outgoing.signal(shim.seq, shim.slot, uid, signal, Protocol.signalMode(target)));
    }
  }

  @Override
  public void freeze(Uid uid, boolean frozen, SignalOutcome outcome) {
    if (orphans.has(uid)) {
      outcome.done(0, orphans.freeze(uid, frozen));
      return;
    }
    Shim shim = expecting(uid, outcome);
    if (shim != null) {
      send(shim, Outgoing.freeze(shim.seq, shim.slot, uid, frozen));
    }
  }

  /** The shim of an attempt, whose next answer is for {@code outcome}; null: there is none. */
  private @Nullable Shim expecting(Uid uid, SignalOutcome outcome) {
    Shim shim = busy.get(uid);
    if (shim == null) {
      outcome.done(0, "the attempt does not run here");
      return null;
    }
    answers.expect(shim.slot, ++shim.seq, outcome);
    return shim;
  }

  @Override
  public void exec(Command command, CommandListener of) {
    commands.add(command, of);
    assign();
  }

  @Override
  public void signal(CommandListener of, int signal) {
    commands.signal(of, signal);
  }

  @Override
  public void forget(CommandListener of) {
    commands.forget(of);
  }

  @Override
  public void input(Uid uid, InputAnswer answer) {
    Shim shim = busy.get(uid);
    if (shim == null) {
      answer.input(-1);
      return;
    }
    answers.expect(shim.slot, ++shim.seq, answer);
    send(shim, Outgoing.inputGet(shim.seq, shim.slot, uid));
  }

  @Override
  public void endInput(Uid uid) {
    Shim shim = busy.get(uid);
    if (shim != null) {
      send(shim, Outgoing.inputEnd(++shim.seq, shim.slot, uid));
    }
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
    clear();
  }

  /** Nothing is sent to a socket that was closed. */
  private void clear() {
    shims.clear();
    idle.clear();
    busy.clear();
    answers.noInputs();
    commands.clear("the launcher went away");
    // What was not claimed is handed over anew by whoever hears of the new connection.
    waiting.clear();
    deadlines.clear();
    durable.clear();
    recovered = false;
    growing = false;
  }

  // ---- the connection ----

  private void reconnect() {
    if (closed) {
      return;
    }
    try {
      LauncherConnection opened = LauncherConnection.open(linux, process, new Reader());
      connection = opened;
      opened.send(Outgoing.hello());
      tries = 0;
    } catch (IOException e) {
      String problem = String.valueOf(e.getMessage());
      if (tries == 0 || !problem.equals(lastProblem)) {
        log.warn("no launcher: {}; trying again", problem);
      }
      lastProblem = problem;
      timers.after(
          RECONNECT.multipliedBy(1L << Math.min(tries++, MOST_DOUBLINGS)), this::reconnect);
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
          take(from, message, passedFd);
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
    clear();
    answers.noSignals("the launcher went away: " + why);
    heard().disconnected(why);
    timers.after(RECONNECT, this::reconnect);
  }

  private void take(LauncherConnection from, Incoming message, int passedFd) {
    switch (message) {
      case Incoming.Welcome of -> {
        welcome = of;
        durable.advance(of.synced());
        from.keeper().welcome(of.capabilities());
        of.notes().forEach(note -> log.info("launcher: {}", note));
      }
      case Incoming.Shim of -> shim(of, passedFd);
      case Incoming.Kept of -> from.keeper().found(of, passedFd);
      case Incoming.KeptAll _ -> {
        from.keeper().foundAll();
        recoverOnceAnswered();
      }
      case Incoming.Ready of -> {
        shims.values().forEach(shim -> send(shim, Outgoing.ping(shim.slot)));
        recoverOnceAnswered();
      }
      case Incoming.Grown of -> {
        growing = false;
        if (of.added() == 0) {
          log.warn("the launcher can make no more shims (errno {}); starts wait", of.errno());
        } else {
          assign();
        }
      }
      case Incoming.ShimDead of -> shimDead(of);
      case Incoming.Acked of -> {
        if (of.errno() != 0) {
          log.warn("the launcher could not record acks (errno {})", of.errno());
        }
      }
      case Incoming.Synced of -> durable.advance(of.synced());
      case Incoming.Refused of -> refused(of);
      case Incoming.Started of -> {
        Shim shim = busy.get(of.uid());
        if (shim != null) {
          shim.request = null;
          shim.leads(of.facts());
        }
        deadlines.remove(of.uid());
        passed.started(of.uid());
        heard().started(of.uid(), of.facts().pid(), of.facts().realNanos());
      }
      case Incoming.StartFailed of -> startFailed(of);
      case Incoming.LeaderExited of -> {
        log.debug("{}: the leader has ended, its descendants have not", of.uid());
        commands.attemptEnds(of.uid());
      }
      case Incoming.Exited of -> {
        passed.started(of.uid());
        release(of.slot(), of.uid());
        if (of.facts().has(Protocol.E_PRE_STOP_FAILED)) {
          log.warn(
              "{}: its preStop command could not be run, failed or outlived the grace", of.uid());
        }
        if (of.facts().has(Protocol.E_LEAF_LEFT)) {
          leaves.ended(Leaves.nameOf(of.uid()));
        }
        durable.once(
            of.position(), () -> heard().ended(of.uid(), Ends.of(of.facts(), wallNanos())));
      }
      case Incoming.Done of -> answers.done(of);
      case Incoming.Stopping of ->
          log.debug("{}: signal {} sent (cause {})", of.uid(), of.signal(), of.cause());
      case Incoming.Stuck of -> heard().stuck(of.uid(), of.processes());
      case Incoming.ExecStarted of -> commands.started(of);
      case Incoming.ExecFailed of -> free(of.slot(), commands.failed(of));
      case Incoming.ExecExited of -> free(of.slot(), commands.exited(of));
      case Incoming.Input of -> answers.input(of, passedFd);
      case Incoming.Other of -> {
        log.debug("message of type {} passed over", of.type());
        if (passedFd >= 0) {
          linux.close(passedFd);
        }
      }
    }
  }

  private void startFailed(Incoming.StartFailed of) {
    Shim shim = busy.get(of.uid());
    StartRequest request = shim == null ? null : shim.request;
    String task = request == null ? of.uid().toString() : request.name();
    StartFailure why = Results.of(of.facts(), task, request);
    passed.started(of.uid());
    release(of.slot(), of.uid());
    leaves.ended(Leaves.nameOf(of.uid()));
    durable.once(of.position(), () -> heard().startFailed(of.uid(), why, of.facts().realNanos()));
  }

  // ---- shims ----

  private void shim(Incoming.Shim of, int passedFd) {
    Shim shim = new Shim(of.slot(), of.pid(), passedFd, of.lastSeq(), of.uid());
    shims.put(of.slot(), shim);
    LauncherConnection open = connection;
    if (open != null) {
      open.watch(passedFd);
    }
    if (recovered) {
      shim.answered = true;
      adoptOrFree(shim);
    }
  }

  private void adoptOrFree(Shim shim) {
    if (shim.uid != null) {
      busy.put(shim.uid, shim);
    } else {
      idle.push(shim);
    }
  }

  /** A command has left the shim. */
  private void free(int slot, boolean left) {
    Shim shim = shims.get(slot);
    if (left && shim != null && shim.uid == null && recovered) {
      idle.push(shim);
      assign();
    }
  }

  private void release(int slot, Uid uid) {
    busy.remove(uid);
    deadlines.remove(uid);
    commands.attemptEnds(uid);
    Shim shim = shims.get(slot);
    if (shim != null && uid.equals(shim.uid)) {
      shim.free();
      if (recovered) {
        idle.push(shim);
      }
    }
    assign();
  }

  private void assign() {
    if (!recovered) {
      return;
    }
    while (!waiting.isEmpty() && !idle.isEmpty()) {
      Shim shim = idle.pop();
      StartRequest request = waiting.removeFirst();
      shim.uid = request.uid();
      shim.request = request;
      shim.startSeq = ++shim.seq;
      busy.put(request.uid(), shim);
      Deadline deadline =
          deadlines.getOrDefault(
              request.uid(), new Deadline(request.uid(), request.deadlineBootNanos(), false));
      if (!TaskInput.sendStart(linux, shim, request, deadline, passed.of(request.uid()))) {
        // Not even a whole request: it cannot be claimed. The shim is not used again.
        busy.remove(request.uid());
        waiting.addFirst(request);
      }
    }
    while (commands.waits() && !idle.isEmpty()) {
      Shim shim = idle.pop();
      commands.handTo(shim);
    }
    LauncherConnection open = connection;
    int wanted = waiting.size() + commands.waitingCount();
    if (wanted > 0 && !growing && open != null && shims.size() < capacity()) {
      growing = true;
      open.send(Outgoing.grow(Math.min(Math.max(GROW_STEP, wanted), capacity() - shims.size())));
    }
  }

  /** The replacement has the same slot, socket and attempt. */
  private void shimDead(Incoming.ShimDead of) {
    log.warn(
        "shim {} died; {} goes on with {}",
        of.slot(),
        of.newPid() == 0 ? "nobody yet" : "process " + of.newPid(),
        of.uid() == null ? "nothing" : of.uid());
    Shim shim = shims.get(of.slot());
    if (shim != null) {
      shim.pid = of.newPid();
    }
    free(of.slot(), commands.shimDied(of.slot()));
    if (shim == null || shim.uid == null || of.uid() != null) {
      return;
    }
    if (shim.request != null && of.lastSeq() >= shim.startSeq) {
      lookUp(shim, shim.request);
    }
  }

  /** The dead shim had taken the start and guarded nothing: the journal knows which of two. */
  private void lookUp(Shim shim, StartRequest request) {
    Incoming.Welcome of = welcome;
    if (of == null) {
      return;
    }
    try {
      Account account = JournalReader.read(Path.of(of.journalDirectory())).get(request.uid());
      if (account == null) {
        busy.remove(request.uid());
        shim.free();
        idle.push(shim);
        again(request);
      } else if (account.ended()) {
        release(shim.slot, request.uid());
        durable.once(account.endPosition, () -> recordedEnd(account));
      }
    } catch (IOException e) {
      log.error("cannot read the launcher's journal: {}; trying again", e.toString());
      timers.after(
          RECONNECT,
          () -> {
            if (request.equals(shim.request)) {
              lookUp(shim, request);
            }
          });
    }
  }

  private void recordedEnd(Account account) {
    End end = Ends.of(account, wallNanos());
    if (end != null) {
      heard().ended(account.uid, end);
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
        recoverOnceAnswered();
      }
      return;
    }
    if (answers.refused(of)) {
      return;
    }
    if (commands.refused(of)) {
      freeLater(of.slot());
      return;
    }
    StartRequest request = shim == null ? null : shim.request;
    if (shim == null || request == null || of.seq() != shim.startSeq) {
      // Such as a stop that came after the end.
      log.debug("the launcher refused a request (slot {}): {}", of.slot(), of.text());
      return;
    }
    log.warn("{} was refused: {}", request.name(), of.text());
    busy.remove(request.uid());
    shim.free();
    switch (of.code()) {
      // The launcher ends, or the slot is not what it seemed: not claimed, another shim may do.
      case Protocol.REFUSED_BUSY, Protocol.REFUSED_RETIRING -> {
        freeLater(of.slot());
        again(request);
      }
      // Something else has its claim, and will tell.
      case Protocol.REFUSED_CLAIMED, Protocol.REFUSED_STALE -> idle.push(shim);
      // It waited too long; nothing was claimed.
      case Protocol.REFUSED_LEASE -> {
        idle.push(shim);
        deadlines.remove(request.uid());
        heard().dropped(request.uid());
      }
      default -> {
        idle.push(shim);
        deadlines.remove(request.uid());
        heard().startFailed(request.uid(), Results.of(of, request), wallNanos());
      }
    }
  }

  /** A shim that refused may be free soon: such as one whose command ends with its agent. */
  private void freeLater(int slot) {
    Shim shim = shims.get(slot);
    timers.after(
        RECONNECT,
        () -> {
          if (shim != null && shims.get(slot) == shim && !idle.contains(shim)) {
            free(slot, true);
          }
        });
  }

  // ---- what was before ----

  private void recoverOnceAnswered() {
    LauncherConnection open = connection;
    if (open == null || recovered || !open.keeper().complete()) {
      return;
    }
    if (shims.values().stream().allMatch(shim -> shim.answered)) {
      recover(open);
    }
  }

  /** Every shim has answered: what the journal does not claim now was never forked. */
  private void recover(LauncherConnection from) {
    Incoming.Welcome of = welcome;
    if (of == null) {
      return;
    }
    Map<Uid, Account> accounts;
    try {
      accounts = JournalReader.read(Path.of(of.journalDirectory()));
    } catch (IOException e) {
      log.error("cannot read the launcher's journal: {}; trying again", e.toString());
      timers.after(RECONNECT, this::recoverOnceAnswered);
      return;
    }
    recovered = true;
    shims.values().forEach(this::adoptOrFree);
    orphans.begin(Orphans.Place.of(of));
    Recovered before =
        Recovered.of(accounts.values(), busy, orphans, durable, of.bootId(), wallNanos());
    leaves.begin(of.cgroup(), before.living());
    from.keeper().hand(passed);
    heard().connected(before.found());
    for (Account account : before.undurableYet()) {
      durable.once(account.endPosition, () -> recordedEnd(account));
    }
    orphans.poll((uid, end) -> heard().ended(uid, end));
    assign();
  }

  // ---- small things ----

  private void send(Shim shim, byte[] message) {
    try {
      linux.send(shim.fd, message, message.length, List.of(), true);
    } catch (LinuxException e) {
      log.warn("cannot reach shim {}: {}", shim.slot, e.getMessage());
    }
  }

  private long wallNanos() {
    Instant now = clock.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }
}

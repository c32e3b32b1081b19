package orch.agent.service;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.stream.Stream;
import orch.agent.core.Notification;
import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;
import orch.agent.process.DescriptorKeeper;
import orch.agent.process.PassedDescriptors;
import orch.api.model.Uid;
import orch.api.seam.Clock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A NOTIFY_SOCKET for each attempt that wants one, read by one thread. What was said is handed to
 * the agent's loop; nobody is believed but processes of the attempt itself. Methods may be called
 * by any thread.
 */
public final class ServiceSockets implements PassedDescriptors, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ServiceSockets.class);

  /** Messages of one socket that are read before the others have their turn. */
  private static final int TURN = 32;

  /** Between two complaints about one socket. */
  private static final long COMPLAINT_PAUSE_NANOS = 10_000_000_000L;

  private final Linux linux;
  private final Path directory;
  private final SenderCheck check;
  private final Clock clock;
  private final Executor loop;
  private final int wake;
  private final Thread thread;
  private volatile @Nullable Listener listener;
  private volatile boolean closed;

  // Guarded by this.
  private final WatchedDescriptors watched;
  private final TreeMap<Uid, Place> places = new TreeMap<>();
  private final Map<Integer, Place> byFd = new HashMap<>();
  private final DescriptorStore store;
  private final LauncherCopies copies;

  /** Sockets of an agent before this one, until it is known which attempts live. */
  private final TreeMap<Uid, DescriptorKeeper.Held> inherited = new TreeMap<>();

  private boolean wasConnected;
  private final TreeMap<Uid, List<Integer>> handed = new TreeMap<>();

  /** Called on the loop. */
  public interface Listener {
    void said(Uid uid, Notification what);

    /** For people: a stranger spoke, or what was said makes no sense. */
    void refused(Uid uid, String why);
  }

  private static final class Place {
    final Uid uid;
    final DescriptorStore.TaskKey task;
    final Path path;
    int fd;
    boolean ready;
    String status = "";
    long watchdogMicros;
    long complainedNanos;
    long passedOver;

    Place(Uid uid, DescriptorStore.TaskKey task, Path path, int fd) {
      this.uid = uid;
      this.task = task;
      this.path = path;
      this.fd = fd;
    }
  }

  /**
   * Makes the directory; nothing is read before {@link #begin}.
   *
   * @param directory of the sockets; made here, others may pass through it
   * @param cgroup path of the agent's subtree as /proc/PID/cgroup gives it; empty: no cgroups
   */
  public ServiceSockets(Linux linux, Path directory, String cgroup, Clock clock, Executor loop)
      throws IOException {
    this.linux = linux;
    this.directory = directory;
    this.check = new SenderCheck(Path.of("/proc"), cgroup, linux.effectiveUser());
    this.clock = clock;
    this.loop = loop;
    this.watched = new WatchedDescriptors(linux);
    this.copies = new LauncherCopies(this, loop);
    this.store = new DescriptorStore(watched, copies);
    Files.createDirectories(directory);
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
    this.wake = linux.eventFd();
    watched.watch(wake, Linux.IN);
    this.thread = Thread.ofPlatform().name("notify").daemon().unstarted(this::run);
  }

  /** Starts the thread. */
  public void begin(Listener heard) {
    listener = heard;
    thread.start();
  }

  private void tell(Consumer<Listener> what) {
    loop.execute(() -> {
      Listener heard = listener;
      if (heard != null) {
        what.accept(heard);
      }
    });
  }

  /**
   * The socket of an attempt that is about to start.
   *
   * @param owner user and group that may send; null: the agent's own
   * @return its path, for NOTIFY_SOCKET
   */
  public synchronized String open(Uid uid, Uid job, int index, int @Nullable [] owner)
      throws IOException {
    Path path = path(uid);
    // A start that its launcher did not take is prepared anew.
    started(uid);
    Place before = places.get(uid);
    if (before != null) {
      forget(before);
    }
    Files.deleteIfExists(path);
    DescriptorStore.TaskKey task = new DescriptorStore.TaskKey(job, index);
    listen(new Place(uid, task, path, bind(path, owner)));
    store.expire(clock.bootNanos());
    store.begun(task);
    return path.toString();
  }

  private Path path(Uid uid) {
    return directory.resolve(uid.toString());
  }

  private Path memory(Uid uid) {
    return directory.resolve(uid + ".said");
  }

  private int bind(Path path, int @Nullable [] owner) throws IOException {
    int fd = linux.bindDatagram(path.toString());
    boolean done = false;
    try {
      // Between bind and this the agent's own umask holds, which lets nobody else send.
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
      if (owner != null) {
        linux.changeOwner(path.toString(), owner[0], owner[1]);
      }
      done = true;
      return fd;
    } finally {
      if (!done) {
        linux.close(fd);
      }
    }
  }

  /** In place of a socket that nobody reads any more, for the same senders. */
  private int bindAgain(Path path) throws IOException {
    int[] owner = {
      (Integer) Files.getAttribute(path, "unix:uid"), (Integer) Files.getAttribute(path, "unix:gid")
    };
    Files.delete(path);
    return bind(path, linux.effectiveUser() == 0 ? owner : null);
  }

  private void listen(Place place) throws LinuxException {
    try {
      watched.watch(place.fd, Linux.IN);
    } catch (LinuxException e) {
      forget(place);
      throw e;
    }
    places.put(place.uid, place);
    byFd.put(place.fd, place);
    copies.want(KeptNames.socket(place.uid), place.fd, true);
  }

  private void forget(Place place) {
    places.remove(place.uid);
    byFd.remove(place.fd);
    copies.unwant(KeptNames.socket(place.uid));
    watched.close(place.fd);
  }

  /**
   * Takes over an attempt of an agent before this one, if it had a socket; what it said before is
   * said again, and what it has said since is read.
   */
  public synchronized void adopt(Uid uid, Uid job, int index) {
    Path path = path(uid);
    if (places.containsKey(uid) || !Files.exists(path)) {
      return;
    }
    DescriptorKeeper.Held held = inherited.remove(uid);
    DescriptorStore.TaskKey task = new DescriptorStore.TaskKey(job, index);
    Place place = new Place(uid, task, path, held == null ? -1 : held.descriptor());
    recall(place);
    store.begun(task);
    if (held == null || held.shut()) {
      renew(place);
      return;
    }
    try {
      listen(place);
    } catch (LinuxException e) {
      log.warn("{} cannot be heard any more: {}", uid, e.toString());
    }
  }

  /** A socket for one that takes no more; what waits in that is read first. */
  private void renew(Place place) {
    int shut = place.fd;
    byFd.remove(shut);
    try {
      place.fd = bindAgain(place.path);
      listen(place);
    } catch (IOException e) {
      places.remove(place.uid);
      copies.unwant(KeptNames.socket(place.uid));
      log.warn("{} cannot be heard any more: {}", place.uid, e.toString());
    }
    if (shut >= 0) {
      drain(place, shut);
      watched.close(shut);
    }
  }

  private void drain(Place place, int shut) {
    try {
      read(place, shut, Integer.MAX_VALUE, new byte[NotifyMessage.MAX_BYTES + 1]);
    } catch (LinuxException e) {
      log.warn("what {} said while no agent ran is lost: {}", place.uid, e.toString());
    }
  }

  private void recall(Place place) {
    Path memory = memory(place.uid);
    if (!Files.exists(memory)) {
      return;
    }
    try {
      List<String> lines = Files.readAllLines(memory, StandardCharsets.UTF_8);
      if (lines.size() < 3) {
        return;
      }
      place.ready = lines.get(0).equals("ready");
      place.watchdogMicros = Long.parseLong(lines.get(1));
      place.status = lines.get(2);
    } catch (IOException | NumberFormatException e) {
      log.warn("what {} said before is forgotten: {}", place.uid, e.toString());
      return;
    }
    Notification what = Notification.remembered(place.ready, place.status, place.watchdogMicros);
    tell(heard -> heard.said(place.uid, what));
  }

  /** In a file, so that an agent after this one knows it: it is said but once. */
  private void remember(Place place) {
    try {
      Files.writeString(
          memory(place.uid),
          (place.ready ? "ready" : "-") + "\n" + place.watchdogMicros + "\n" + place.status + "\n");
    } catch (IOException e) {
      log.warn("cannot note what {} said: {}", place.uid, e.toString());
    }
  }

  /** The attempt has ended: nobody is to be heard any more. */
  public synchronized void ended(Uid uid) {
    started(uid);
    Place place = places.get(uid);
    if (place == null) {
      return;
    }
    forget(place);
    store.ended(place.task, clock.bootNanos());
    store.expire(clock.bootNanos());
    try {
      Files.deleteIfExists(place.path);
      Files.deleteIfExists(memory(uid));
    } catch (IOException e) {
      log.warn("cannot remove {}: {}", place.path, e.toString());
    }
  }

  /**
   * What the launcher keeps is an agent's before this one, at the first connection of this one;
   * later only what this one knows of is not over.
   */
  @Override
  public synchronized Set<String> connected(
      List<DescriptorKeeper.Held> held, DescriptorKeeper keeper) {
    Set<String> taken = new TreeSet<>();
    for (DescriptorKeeper.Held each : held) {
      Uid uid = KeptNames.socketOf(each.name());
      Place place = uid == null ? null : places.get(uid);
      if (place != null && each.shut()) {
        renew(place);
      } else if (place == null && !wasConnected && inherit(uid, each)) {
        taken.add(each.name());
      }
    }
    wasConnected = true;
    copies.connected(held, keeper);
    return taken;
  }

  private boolean inherit(@Nullable Uid uid, DescriptorKeeper.Held held) {
    if (uid != null) {
      inherited.put(uid, held);
      if (!held.shut()) {
        copies.want(held.name(), held.descriptor(), true);
      }
      return true;
    }
    KeptNames.Stored stored = KeptNames.storedOf(held.name(), held.descriptor());
    return stored != null && store.restore(stored.task(), stored.kept(), clock.bootNanos());
  }

  /** Removes what attempts left behind that this host does not know any more. */
  public synchronized void removeAllBut(SortedSet<Uid> known) {
    inherited.forEach((uid, held) -> {
      copies.unwant(KeptNames.socket(uid));
      linux.close(held.descriptor());
    });
    inherited.clear();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        String name = String.valueOf(file.getFileName());
        int dot = name.indexOf('.');
        Uid uid = Uid.parse(dot < 0 ? name : name.substring(0, dot));
        if (!known.contains(uid) && !places.containsKey(uid)) {
          Files.deleteIfExists(file);
        }
      }
    } catch (IOException | IllegalArgumentException e) {
      log.warn("cannot look through {}: {}", directory, e.toString());
    }
  }

  /**
   * What the task left here, for its new attempt: copies, handed out by {@link #of} until {@link
   * #started}. Answers their names, in the same order.
   */
  public synchronized List<String> handBack(Uid uid, Uid job, int index) throws LinuxException {
    List<String> names = new ArrayList<>();
    List<Integer> duplicates = new ArrayList<>();
    handed.put(uid, duplicates);
    for (DescriptorStore.Kept each : store.of(new DescriptorStore.TaskKey(job, index))) {
      duplicates.add(linux.duplicate(each.fd()));
      names.add(each.name());
    }
    return names;
  }

  @Override
  public synchronized List<Integer> of(Uid uid) {
    return List.copyOf(handed.getOrDefault(uid, List.of()));
  }

  @Override
  public synchronized void started(Uid uid) {
    List<Integer> duplicates = handed.remove(uid);
    if (duplicates != null) {
      duplicates.forEach(linux::close);
    }
  }

  /** Ends the thread: what is said from now on waits for the agent after this one. */
  @Override
  public void close() {
    closed = true;
    try {
      linux.eventSignal(wake);
      thread.join();
    } catch (LinuxException e) {
      log.warn("cannot wake the thread of the sockets: {}", e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  // ---- on the thread

  private void run() {
    byte[] buffer = new byte[NotifyMessage.MAX_BYTES + 1];
    try {
      while (!closed) {
        watched.await();
        // Asked anew under the lock, without which nothing is closed.
        synchronized (this) {
          for (Linux.Ready ready : watched.ready()) {
            if (ready.fd() != wake) {
              take(ready, buffer);
            }
          }
        }
      }
    } catch (LinuxException e) {
      log.error("what tasks say of themselves cannot be heard any more", e);
    }
  }

  private void take(Linux.Ready ready, byte[] buffer) throws LinuxException {
    Place place = byFd.get(ready.fd());
    if (place == null) {
      if (store.hungUp(ready.fd())) {
        log.debug("a kept descriptor hung up");
      }
      return;
    }
    read(place, place.fd, TURN, buffer);
  }

  /** At most so many of the messages that wait in a socket of the place. */
  private void read(Place place, int socket, int most, byte[] buffer) throws LinuxException {
    for (int count = 0; count < most; count++) {
      Linux.Delivery delivery = linux.receiveFrom(socket, buffer);
      if (delivery == null) {
        return;
      }
      take(place, buffer, delivery);
    }
  }

  private void take(Place place, byte[] buffer, Linux.Delivery delivery) {
    List<Integer> descriptors = new ArrayList<>(delivery.descriptors());
    try {
      String stranger = check.refusal(place.uid, place.path.toString(), delivery);
      if (stranger != null) {
        complain(place, "a message to its NOTIFY_SOCKET was refused: " + stranger);
        return;
      }
      List<String> problems = new ArrayList<>();
      NotifyMessage message =
          delivery.truncated() ? null : NotifyMessage.read(buffer, delivery.length(), problems);
      if (message == null) {
        complain(
            place,
            "a message of the task was refused: "
                + (problems.isEmpty()
                    ? "more than " + NotifyMessage.MAX_BYTES + " bytes or too many descriptors"
                    : problems.getFirst()));
        return;
      }
      obey(place, message, delivery.pid(), descriptors);
    } finally {
      descriptors.forEach(linux::close);
    }
  }

  /** Takes out of {@code descriptors} what is not to be closed now. */
  private void obey(Place place, NotifyMessage message, int sender, List<Integer> descriptors) {
    if (message.barrier()) {
      if (descriptors.size() == 1) {
        // All that was said before went to the loop before this.
        int fd = descriptors.removeFirst();
        loop.execute(() -> linux.close(fd));
      } else {
        complain(place, "BARRIER=1 has to come with one descriptor");
      }
      return;
    }
    Notification what = message.said();
    List<String> problems = new ArrayList<>(message.problems());
    if (what.mainPid() > 0 && what.mainPid() != sender && !check.isOf(place.uid, what.mainPid())) {
      problems.add("MAINPID=" + what.mainPid() + " is no process of this task");
      what =
          new Notification(
              what.ready(),
              what.reloading(),
              what.stopping(),
              what.status(),
              0,
              what.ping(),
              what.trigger(),
              what.watchdogMicros(),
              what.extendMicros());
    }
    descriptors(place, message, descriptors, problems);
    if (notes(place, what)) {
      remember(place);
    }
    if (!what.equals(Notification.NOTHING)) {
      Notification said = what;
      tell(heard -> heard.said(place.uid, said));
    }
    if (!problems.isEmpty()) {
      complain(place, "of what the task said this was passed over: " + problems.getFirst());
    }
  }

  private void descriptors(
      Place place, NotifyMessage message, List<Integer> descriptors, List<String> problems) {
    if (message.remove() && !message.name().isEmpty()) {
      int removed = store.remove(place.task, message.name());
      log.debug("{} took {} descriptors back", place.uid, removed);
    }
    if (!message.store()) {
      return;
    }
    while (!descriptors.isEmpty()) {
      int fd = descriptors.removeFirst();
      if (!store.keep(place.task, fd, message.name(), message.poll())) {
        problems.add(
            "a descriptor to keep: there are "
                + DescriptorStore.MAX_OF_A_TASK
                + " of this task already");
      }
    }
  }

  /** Whether there is something that another agent would have to know. */
  private static boolean notes(Place place, Notification what) {
    boolean ready = (place.ready || what.ready()) && !what.stopping();
    String status = Objects.requireNonNullElse(what.status(), place.status);
    long watchdog = what.watchdogMicros() > 0 ? what.watchdogMicros() : place.watchdogMicros;
    boolean news =
        ready != place.ready || !status.equals(place.status) || watchdog != place.watchdogMicros;
    place.ready = ready;
    place.status = status;
    place.watchdogMicros = watchdog;
    return news;
  }

  private void complain(Place place, String why) {
    long now = clock.bootNanos();
    if (place.complainedNanos != 0 && now - place.complainedNanos < COMPLAINT_PAUSE_NANOS) {
      place.passedOver++;
      return;
    }
    String all =
        place.passedOver == 0 ? why : why + " (and " + place.passedOver + " others before)";
    place.complainedNanos = now;
    place.passedOver = 0;
    tell(heard -> heard.refused(place.uid, all));
  }
}

package orch.controller.rpc;

import com.google.rpc.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import orch.controller.core.Change;
import orch.controller.core.StateView;
import orch.controller.port.CommittedListener;
import orch.controller.port.ControllerPort;
import org.jspecify.annotations.Nullable;

/**
 * Tells streams of what commits. What each recent revision touched is kept in one ring for all;
 * every stream has its own place in it and reads the state of what was touched since, so that a
 * slow one costs nothing and sees several changes of a thing as one. A stream that falls behind the
 * ring, or resumes from before it, is ended with ABORTED and reason COMPACTED.
 */
final class Watches implements CommittedListener, AutoCloseable {
  /** Things touched that the ring holds; the oldest revisions go first. */
  static final int MAX_WEIGHT = 1 << 20;

  static final int MAX_STREAMS = 10_000;

  /** Calls that wait for a revision. */
  private static final int MAX_AWAITING = 10_000;

  private static final Duration REVISION_TIMEOUT = Duration.ofSeconds(10);

  private final Requests requests;
  private final int maxWeight;
  private final Duration bookmarkInterval;
  private final ControllerPort.Subscription subscription;
  private final AtomicInteger streams = new AtomicInteger();

  private final Map<Long, List<Runnable>> jobActions = new ConcurrentHashMap<>();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition advanced = lock.newCondition();
  // Everything below is guarded by the lock.
  private final Deque<Entry> ring = new ArrayDeque<>();
  private final TreeMap<Long, List<Waiter>> awaiting = new TreeMap<>();
  private int awaitingCount;
  private int weight;

  /** The ring holds every revision after this one; -1: the state is not known yet. */
  private long floor = -1;

  private long revision = -1;
  private int incarnation;

  /**
   * Rises when the state is rebuilt, since revisions heard before may not have been the cluster's;
   * and when another may lead by now.
   */
  private int generation;

  private boolean closed;

  /** A call that waits for a revision. */
  private static final class Waiter {
    private final CompletableFuture<Void> reached = new CompletableFuture<>();
  }

  private record Entry(long revision, Touches touches) {}

  Watches(Requests requests, int maxWeight, Duration bookmarkInterval) {
    this.requests = requests;
    this.maxWeight = maxWeight;
    this.bookmarkInterval = bookmarkInterval;
    this.subscription = requests.port().addListener(this);
  }

  /** What a kind of watch shows; used by the thread of one stream. */
  interface Watch<T> {
    /**
     * Begins.
     *
     * @param resumed what there is was shown by the stream before: only changes are
     */
    void begin(boolean resumed, Sink<T> out) throws InterruptedException;

    void changed(Touches.Merged touched, Sink<T> out) throws InterruptedException;

    /** Nothing more will come that the caller wants. */
    boolean ended();

    /** The message with its token; {@code event} null: a bookmark. */
    T stamped(@Nullable T event, String token);
  }

  interface Sink<T> {
    void event(T event) throws InterruptedException;
  }

  /** Runs {@code action} on the loop whenever the job changed; it must be short. */
  ControllerPort.Subscription onJob(long number, Runnable action) {
    List<Runnable> actions =
        jobActions.compute(
            number,
            (_, present) -> {
              List<Runnable> list = present == null ? new CopyOnWriteArrayList<>() : present;
              list.add(action);
              return list;
            });
    return () ->
        jobActions.computeIfPresent(
            number,
            (_, present) -> {
              actions.remove(action);
              return present.isEmpty() ? null : present;
            });
  }

  // ---- what the loop tells

  @Override
  public void committed(long newRevision, Instant now, List<Change> changes, StateView view) {
    Touches touches = Touches.of(changes);
    List<Waiter> reached;
    lock.lock();
    try {
      for (Change change : changes) {
        if (change instanceof Change.ClusterCreated created) {
          incarnation = created.incarnation();
        }
      }
      revision = newRevision;
      ring.add(new Entry(newRevision, touches));
      weight += touches.weight();
      while (weight > maxWeight && ring.size() > 1) {
        Entry oldest = ring.remove();
        weight -= oldest.touches.weight();
        floor = oldest.revision;
      }
      advanced.signalAll();
      reached = reached();
    } finally {
      lock.unlock();
    }
    reached.forEach(this::release);
    if (!jobActions.isEmpty()) {
      for (long job : touches.jobs()) {
        jobActions.getOrDefault(job, List.of()).forEach(Runnable::run);
      }
    }
  }

  @Override
  public void rebuilt(long newRevision, StateView view) {
    int newIncarnation = view.cluster().incarnation();
    List<Waiter> reached;
    lock.lock();
    try {
      ring.clear();
      weight = 0;
      floor = newRevision;
      revision = newRevision;
      incarnation = newIncarnation;
      generation++;
      advanced.signalAll();
      reached = reached();
    } finally {
      lock.unlock();
    }
    reached.forEach(this::release);
    jobActions.values().forEach(actions -> actions.forEach(Runnable::run));
  }

  @Override
  public void suspended() {
    lock.lock();
    try {
      generation++;
      advanced.signalAll();
    } finally {
      lock.unlock();
    }
    jobActions.values().forEach(actions -> actions.forEach(Runnable::run));
  }

  private List<Waiter> reached() {
    List<Waiter> reached = new ArrayList<>();
    while (!awaiting.isEmpty() && awaiting.firstKey() <= revision) {
      reached.addAll(awaiting.pollFirstEntry().getValue());
    }
    awaitingCount -= reached.size();
    return reached;
  }

  private void release(Waiter waiter) {
    requests.executor().execute(() -> waiter.reached.complete(null));
  }

  /** Completes when the revision has committed; fails after a while with UNAVAILABLE. */
  CompletionStage<Void> awaitRevision(long wanted) {
    lock.lock();
    try {
      if (wanted <= revision || wanted <= 0) {
        return CompletableFuture.completedFuture(null);
      }
      if (awaitingCount >= MAX_AWAITING) {
        throw Errors.error(
            Code.RESOURCE_EXHAUSTED,
            "OVERLOADED",
            MAX_AWAITING + " calls wait for a revision already; try again later");
      }
      Waiter waiter = new Waiter();
      awaiting.computeIfAbsent(wanted, _ -> new ArrayList<>()).add(waiter);
      awaitingCount++;
      CompletableFuture<Void> result = waiter.reached.copy();
      result.orTimeout(REVISION_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
      return result.handle((_, failure) -> {
        if (failure != null) {
          giveUp(wanted, waiter);
          throw Errors.error(
              Code.UNAVAILABLE,
              "REVISION_NOT_REACHED",
              "revision " + wanted + " did not come within 10 s; try again");
        }
        return null;
      });
    } finally {
      lock.unlock();
    }
  }

  private void giveUp(long wanted, Waiter waiter) {
    lock.lock();
    try {
      List<Waiter> waiters = awaiting.get(wanted);
      if (waiters != null && waiters.remove(waiter)) {
        awaitingCount--;
        if (waiters.isEmpty()) {
          awaiting.remove(wanted);
        }
      }
    } finally {
      lock.unlock();
    }
  }

  // ---- streams

  /** Serves a watch; to be called by the service method itself. */
  <T> void stream(ServerCallStreamObserver<T> observer, String token, Watch<T> watch) {
    if (streams.incrementAndGet() > MAX_STREAMS) {
      streams.decrementAndGet();
      observer.onError(
          Errors.error(
              Code.RESOURCE_EXHAUSTED,
              "TOO_MANY_WATCHES",
              MAX_STREAMS + " watches are open already; end some and try again"));
      return;
    }
    Outlet.start("watch", observer, out -> run(out, token, watch), streams::decrementAndGet);
  }

  private <T> void run(Outlet<T> out, String token, Watch<T> watch) throws InterruptedException {
    Place place = token.isEmpty() ? here() : resume(token);
    // Who breaks off in the middle of the beginning has to begin anew.
    inOrder(out, watch, token, place.token(), sink -> watch.begin(!token.isEmpty(), sink));
    // The end itself may have come between the stream before and this one: it is still to be told.
    long missed = token.isEmpty() ? place.revision() : newest();
    out.send(watch.stamped(null, place.token()));
    while (!watch.ended() || place.revision() < missed) {
      Place before = place;
      Step step = next(before);
      place = step.place;
      if (step.touched == null) {
        out.send(watch.stamped(null, place.token()));
      } else {
        Touches.Merged touched = step.touched;
        inOrder(out, watch, before.token(), place.token(), sink -> watch.changed(touched, sink));
      }
    }
  }

  /** What tells the events of one step. */
  private interface Events<T> {
    void tell(Sink<T> sink) throws InterruptedException;
  }

  /** The last event of a step carries the token after it, those before it the token before it. */
  private static <T> void inOrder(
      Outlet<T> out, Watch<T> watch, String before, String after, Events<T> events)
      throws InterruptedException {
    List<T> held = new ArrayList<>(1);
    events.tell(event -> {
      if (!held.isEmpty()) {
        out.send(watch.stamped(held.removeFirst(), before));
      }
      held.add(event);
    });
    if (!held.isEmpty()) {
      out.send(watch.stamped(held.removeFirst(), after));
    }
  }

  /** Where a stream stands: everything up to the revision was told. */
  private record Place(int incarnation, int generation, long revision) {
    String token() {
      return new Tokens.Resume(incarnation, revision).toString();
    }
  }

  /** {@code touched} null: nothing happened for a while. */
  private record Step(Place place, Touches.@Nullable Merged touched) {}

  private Place here() throws InterruptedException {
    // A read tells whether this controller serves, and waits until its state is known.
    get(requests.read((_, seen) -> seen));
    lock.lock();
    try {
      return new Place(incarnation, generation, revision);
    } finally {
      lock.unlock();
    }
  }

  private long newest() {
    lock.lock();
    try {
      return revision;
    } finally {
      lock.unlock();
    }
  }

  private Place resume(String token) throws InterruptedException {
    Tokens.Resume resume = Tokens.Resume.parse(token);
    Place now = here();
    lock.lock();
    try {
      if (resume.incarnation() != now.incarnation
          || resume.revision() < floor
          || resume.revision() > revision) {
        throw Tokens.Resume.compacted();
      }
      return new Place(now.incarnation, now.generation, resume.revision());
    } finally {
      lock.unlock();
    }
  }

  private Step next(Place place) throws InterruptedException {
    List<Touches> since = new ArrayList<>();
    lock.lock();
    try {
      long left = bookmarkInterval.toNanos();
      while (true) {
        if (closed || place.generation != generation) {
          throw Errors.error(
              Code.UNAVAILABLE,
              "LEADER_CHANGED",
              "another controller may lead by now; watch again with the last token");
        }
        if (place.revision < floor) {
          throw Tokens.Resume.compacted();
        }
        if (place.revision < revision) {
          break;
        }
        if (left <= 0) {
          return new Step(place, null);
        }
        left = advanced.awaitNanos(left);
      }
      // From the back: a stream that keeps up looks at the newest entries only.
      for (var entries = ring.descendingIterator(); entries.hasNext(); ) {
        Entry entry = entries.next();
        if (entry.revision <= place.revision) {
          break;
        }
        since.addFirst(entry.touches);
      }
      place = new Place(place.incarnation, place.generation, revision);
    } finally {
      lock.unlock();
    }
    return new Step(place, Touches.Merged.of(since));
  }

  /** The outcome of a stage, which a stream's own thread may wait for. */
  static <T> T get(CompletionStage<T> stage) throws InterruptedException {
    try {
      return stage.toCompletableFuture().get();
    } catch (ExecutionException failure) {
      StatusRuntimeException status =
          Errors.of(failure.getCause() == null ? failure : failure.getCause());
      throw status;
    }
  }

  /** Ends every stream. */
  @Override
  public void close() {
    subscription.cancel();
    lock.lock();
    try {
      closed = true;
      advanced.signalAll();
    } finally {
      lock.unlock();
    }
  }
}

package orch.controller.rpc;

import com.google.protobuf.Message;
import com.google.rpc.Code;
import io.grpc.stub.ServerCallStreamObserver;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import orch.api.model.AgentMessage;
import orch.api.model.AttemptStatus;
import orch.api.model.NodeEvent;
import orch.api.model.Uid;
import orch.controller.core.Change;
import orch.controller.core.StateView;
import orch.controller.port.CommittedListener;
import orch.controller.port.ControllerPort;
import orch.v1.Event;
import orch.v1.EventFilter;
import orch.v1.EventKind;
import orch.v1.WatchEventsResponse;
import org.jspecify.annotations.Nullable;

/**
 * What happened, for people: from what commits, and from what agents tell. Kept in memory by each
 * controller for itself, so a new leader has what committed while it stood by, and of the agents'
 * events those that they still keep. Also what tasks last said of themselves.
 */
final class Events implements CommittedListener, AutoCloseable {
  private static final int MAX_STREAMS = 1_000;
  private static final int MAX_TEXTS = 100_000;
  private static final int MAX_NODES = 50_000;
  private static final byte WATCH = 'e';

  private final Requests requests;
  private final EventRing ring;
  private final Duration bookmarkInterval;
  private final EventWriter writer = new EventWriter();
  private final AtomicInteger streams = new AtomicInteger();
  private final ControllerPort.Subscription subscription;

  /** Tells this process's numbers from those of others. */
  private final long life;

  private volatile long revision = -1;

  /** Newest event heard of each node; guarded by itself. */
  private final Map<String, Heard> heard = bounded(MAX_NODES);

  /** Guarded by itself. */
  private final Map<Uid, String> texts = bounded(MAX_TEXTS);

  private record Heard(long life, long sequence) {}

  Events(Requests requests, EventRing ring, Duration bookmarkInterval, long life) {
    this.requests = requests;
    this.ring = ring;
    this.bookmarkInterval = bookmarkInterval;
    this.life = life;
    this.subscription = requests.port().addListener(this);
  }

  private static <K, V> Map<K, V> bounded(int most) {
    return new LinkedHashMap<>(16, 0.75f, true) {
      private static final long serialVersionUID = 1L;

      @Override
      protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
        return size() > most;
      }
    };
  }

  // ---- what the loop tells

  @Override
  public void committed(long newRevision, Instant now, List<Change> changes, StateView view) {
    revision = newRevision;
    ring.add(writer.write(newRevision, now, changes, view));
  }

  @Override
  public void rebuilt(long newRevision, StateView view) {
    if (newRevision != revision) {
      ring.restart(newRevision);
    }
    revision = newRevision;
  }

  @Override
  public void suspended() {
    ring.interrupt();
  }

  // ---- what agents tell

  /** Those that were not heard of before; they may be told again and again. */
  void heard(String nodeUid, AgentMessage.Events message) {
    List<NodeEvent> news = new ArrayList<>();
    synchronized (heard) {
      Heard before = heard.get(nodeUid);
      long last = before != null && before.life() == message.life() ? before.sequence() : 0;
      for (NodeEvent event : message.events()) {
        if (event.sequence() > last) {
          last = event.sequence();
          news.add(event);
        }
      }
      heard.put(nodeUid, new Heard(message.life(), last));
    }
    if (news.isEmpty()) {
      return;
    }
    var _ =
        requests
            .read((view, seen) -> {
              String node = view.node(nodeUid).map(of -> of.name()).orElse(nodeUid);
              List<Event> events = new ArrayList<>();
              for (NodeEvent event : news) {
                events.add(
                    EventWriter.of(event, node, view.job(event.jobNumber()).orElse(null), seen));
              }
              return events;
            })
            .thenAccept(ring::add);
  }

  /** What tasks say of themselves. */
  void said(List<AttemptStatus> attempts) {
    synchronized (texts) {
      for (AttemptStatus attempt : attempts) {
        if (attempt.statusText().isEmpty()) {
          texts.remove(attempt.uid());
        } else {
          texts.put(attempt.uid(), attempt.statusText());
        }
      }
    }
  }

  /** What the attempt last said of itself, as far as this controller heard it. */
  String textOf(String uid) {
    synchronized (texts) {
      return texts.getOrDefault(Uid.parse(uid), "");
    }
  }

  // ---- who asks

  /** What a filter lets through. */
  record Wanted(Predicate<Event> test, boolean tasks, boolean others) {}

  /** The filter, with its names looked up. */
  CompletionStage<Wanted> wanted(EventFilter filter, Caller caller) {
    Set<EventKind> kinds = new HashSet<>(filter.getKindsList());
    Set<String> types = new HashSet<>(filter.getTypesList());
    String node = filter.getNode().isEmpty() ? "" : Names.node("filter.node", filter.getNode());
    boolean tasks = kinds.isEmpty() || kinds.contains(EventKind.EVENT_KIND_TASK);
    boolean others = kinds.isEmpty() || kinds.size() > (tasks ? 1 : 0);
    Predicate<Event> test =
        event ->
            (kinds.isEmpty() || kinds.contains(event.getKind()))
                && (types.isEmpty() || types.contains(event.getType()))
                && (node.isEmpty() || event.getNode().equals(node));
    if (filter.getSubject().isEmpty()) {
      return CompletableFuture.completedFuture(new Wanted(test, tasks, others));
    }
    String subject = filter.getSubject();
    boolean oneTask = subject.contains("/tasks/") || subject.matches("[^/]+/[0-9]{1,9}");
    Names.Task task = oneTask ? Names.task("filter.subject", subject) : null;
    Names.Job job = task == null ? Names.job("filter.subject", subject) : task.job();
    return requests
        .number(job, caller)
        .thenApply(number ->
            new Wanted(
                test.and(event ->
                    event.getJobNumber() == number
                        && (task == null
                            || (event.hasIndex() && event.getIndex() == task.index()))),
                tasks,
                others));
  }

  /** Newest first; {@code next}: token of the page after it, or empty. */
  record Listed(List<Event> events, String next, boolean compacted) {}

  /**
   * A page of what is kept.
   *
   * @param listing the request without its token and page size
   */
  CompletionStage<Listed> list(
      EventFilter filter, Message listing, String pageToken, int pageSize, Caller caller) {
    int size = Requests.pageSize(pageSize);
    String next = Tokens.next(listing, pageToken);
    long below = next == null ? 0 : Long.parseLong(next);
    // Elsewhere, or after the ring began anew, the numbers mean other events.
    if (next != null && below > ring.newest()) {
      throw Errors.invalid(
          "page_token", "the events of this token are not kept; begin without one");
    }
    // A read tells whether this controller serves.
    return requests
        .read((_, seen) -> seen)
        .thenCompose(_ -> wanted(filter, caller))
        .thenApply(wanted -> {
          EventRing.Page page =
              ring.page(wanted.test(), wanted.tasks(), wanted.others(), below, size);
          return new Listed(
              page.entries().stream().map(EventRing.Entry::event).toList(),
              page.more() ? Tokens.page(listing, "" + page.entries().getLast().sequence()) : "",
              page.compacted());
        });
  }

  /** Where a watch that begins now goes on. */
  String token() {
    return token(ring.newest());
  }

  private String token(long sequence) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(
            ByteBuffer.allocate(1 + 3 * Long.BYTES)
                .put(WATCH)
                .putLong(life)
                .putLong(sequence)
                .putLong(revision)
                .array());
  }

  private long resume(String token) {
    ByteBuffer bytes = decode(token);
    if (bytes == null || bytes.remaining() != 1 + 3 * Long.BYTES || bytes.get() != WATCH) {
      throw Errors.invalid(
          "resume_token", "this is no token of a watch of events; begin without one");
    }
    if (bytes.getLong() == life) {
      return bytes.getLong();
    }
    // Another controller's: its revision is the cluster's.
    bytes.getLong();
    long from = ring.afterRevision(bytes.getLong());
    if (from < 0) {
      throw Tokens.Resume.compacted();
    }
    return from;
  }

  private static @Nullable ByteBuffer decode(String token) {
    try {
      return ByteBuffer.wrap(Base64.getUrlDecoder().decode(token));
    } catch (IllegalArgumentException noBase64) {
      return null;
    }
  }

  /** Serves a watch; to be called by the service method itself. */
  void stream(
      ServerCallStreamObserver<WatchEventsResponse> observer,
      String token,
      CompletionStage<Wanted> wanted) {
    if (streams.incrementAndGet() > MAX_STREAMS) {
      streams.decrementAndGet();
      observer.onError(
          Errors.error(
              Code.RESOURCE_EXHAUSTED,
              "TOO_MANY_WATCHES",
              MAX_STREAMS + " watches of events are open already; end some and try again"));
      return;
    }
    Outlet.start(
        "events", observer, out -> run(out, token, Watches.get(wanted)), streams::decrementAndGet);
  }

  private void run(Outlet<WatchEventsResponse> out, String token, Wanted wanted)
      throws InterruptedException {
    int before = ring.interruptions();
    // A read tells whether this controller serves.
    var _ = Watches.get(requests.read((_, seen) -> seen));
    long place = token.isEmpty() ? ring.newest() : resume(token);
    out.send(bookmark(place));
    while (true) {
      List<EventRing.Entry> news = ring.after(place, bookmarkInterval.toNanos());
      if (news == null) {
        throw Tokens.Resume.compacted();
      }
      if (ring.closed()) {
        throw Errors.error(
            Code.UNAVAILABLE,
            "STOPPING",
            "the controller is ending; watch again with the last token");
      }
      if (ring.interruptions() != before) {
        throw Errors.error(
            Code.UNAVAILABLE,
            "LEADER_CHANGED",
            "another controller may lead by now; watch again with the last token");
      }
      boolean told = false;
      for (EventRing.Entry entry : news) {
        place = entry.sequence();
        told = wanted.test().test(entry.event());
        if (told) {
          out.send(
              WatchEventsResponse.newBuilder()
                  .setEvent(entry.event())
                  .setResumeToken(token(place))
                  .build());
        }
      }
      if (!told) {
        out.send(bookmark(place));
      }
    }
  }

  private WatchEventsResponse bookmark(long place) {
    return WatchEventsResponse.newBuilder().setResumeToken(token(place)).build();
  }

  @Override
  public void close() {
    subscription.cancel();
    ring.close();
  }
}

package orch.controller.rpc;

import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import orch.agent.v1.LogBatch;
import orch.agent.v1.LogCredit;
import orch.api.convert.AttemptConvert;
import orch.api.model.ControllerMessage;
import orch.api.model.Uid;
import orch.controller.core.AttemptView;
import orch.controller.core.JobView;
import orch.controller.core.NodeContact;
import orch.controller.core.NodeView;
import orch.controller.core.StateView;
import orch.controller.core.TaskView;
import orch.controller.port.ControllerPort;
import orch.v1.LogRecord;
import orch.v1.StreamLogsRequest;
import orch.v1.StreamLogsResponse;
import org.jspecify.annotations.Nullable;

/**
 * One client's output, merged from the nodes that have attempts of the job. Nodes send only what
 * they were granted, and are granted more only as the client takes what came, so that a slow client
 * costs the controller at most {@link #CLIENT_BYTES} and a batch a node. Of several nodes the
 * oldest record that is there goes first; the order within an attempt is always kept.
 */
final class LogMerge {
  /** Granted to all nodes of a client together. */
  static final int CLIENT_BYTES = 1024 * 1024;

  private static final int MAX_WINDOW = 256 * 1024;
  private static final int MIN_WINDOW = 16 * 1024;

  /** A node may overdraw its grant by one batch; one that takes more is cut off. */
  private static final int MAX_OVERDRAFT = 8 * 1024 * 1024;

  private static final int BATCH_RECORDS = 512;
  private static final int BATCH_BYTES = 64 * 1024;

  /** Nodes that are read at a time when the output is not followed. */
  private static final int MAX_OPEN = 64;

  private static final long MILLI = 1_000_000L;
  private static final long LOOK_NANOS = 10 * MILLI;
  private static final long OPEN_TIMEOUT_NANOS = 10_000 * MILLI;
  private static final long FIRST_RETRY_NANOS = 100 * MILLI;
  private static final long LONGEST_RETRY_NANOS = 1_000 * MILLI;

  private static final int ALL = -1;
  private static final int NEWEST = -1;

  /** What the client asked for; {@code index} -1: all tasks. */
  record Query(
      Names.Job job,
      int index,
      Names.@Nullable Task task,
      int attempt,
      boolean follow,
      long tail,
      long sinceNanos,
      int stream) {
    static Query of(StreamLogsRequest request) {
      boolean oneTask = request.getName().contains("/tasks/");
      Names.Task task = oneTask ? Names.task("name", request.getName()) : null;
      if (request.getAttempt() < NEWEST) {
        throw Errors.invalid("attempt", "must be a number, 0 for all or -1 for the newest");
      }
      if (request.hasTail() && request.getTail() < 0) {
        throw Errors.invalid("tail", "must be 0 or more, not " + request.getTail());
      }
      return new Query(
          task != null ? task.job() : Names.job("name", request.getName()),
          task != null ? task.index() : ALL,
          task,
          request.getAttempt(),
          request.getFollow(),
          request.hasTail() ? request.getTail() : ALL,
          request.hasSince() ? Math.max(0, AttemptConvert.epochNanos(request.getSince())) : 0,
          request.getStreamValue());
    }
  }

  /** The job as the merge looks at it. */
  private record Look(boolean ended, Map<String, NodeView> nodes) {}

  private final LogStreams streams;
  private final Requests requests;
  private final Watches watches;
  private final Query query;
  private final Caller caller;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  // Guarded by the lock.
  private final Map<String, LogSource> sources = new LinkedHashMap<>();
  private final Map<Long, LogSource> byStream = new LinkedHashMap<>();
  private final PriorityQueue<LogSource> waiting =
      new PriorityQueue<>(
          Comparator.<LogSource>comparingLong(LogSource::nextNanos)
              .thenComparing(source -> source.nodeUid));
  private final List<String> notices = new ArrayList<>();
  private boolean lookAgain = true;

  /** Something happened since the writing thread looked. */
  private boolean news;

  // Of the writing thread.
  private final Map<Integer, Integer> newest = new LinkedHashMap<>();
  private long number;
  private @Nullable Uid jobUid;
  private boolean ended;
  private long lookedNanos;

  LogMerge(LogStreams streams, Requests requests, Watches watches, Query query, Caller caller) {
    this.streams = streams;
    this.requests = requests;
    this.watches = watches;
    this.query = query;
    this.caller = caller;
  }

  // ---- the writing thread

  void write(Outlet<StreamLogsResponse> out) throws InterruptedException {
    resolve();
    ControllerPort.Subscription changes = watches.onJob(number, this::wake);
    try {
      while (true) {
        if (takeLook()) {
          look();
        }
        openSources();
        boolean told = tell(out);
        if (finished()) {
          return;
        }
        if (!told) {
          await();
        }
      }
    } finally {
      changes.cancel();
      abandon();
    }
  }

  private void resolve() throws InterruptedException {
    Optional<JobView> job =
        Watches.get(
            requests.read((view, _) -> {
              OptionalLong found = query.job().resolve(view, caller.principal());
              return found.isEmpty() ? Optional.<JobView>empty() : view.job(found.getAsLong());
            }));
    JobView view = job.orElseThrow(query.job()::notFound);
    number = view.number();
    jobUid = view.uid();
    Names.Task task = query.task();
    if (task != null && view.spec().tasks().ordinalOf(query.index()) < 0) {
      throw task.notFound();
    }
  }

  /** Whether everything was told and nothing more will come. */
  private boolean finished() {
    lock.lock();
    try {
      if (lookAgain || !notices.isEmpty() || !(ended || !query.follow())) {
        return false;
      }
      for (LogSource source : sources.values()) {
        if (source.state != LogSource.State.ENDED || !source.queue.isEmpty()) {
          return false;
        }
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  private boolean takeLook() {
    lock.lock();
    try {
      boolean wanted = lookAgain && System.nanoTime() - lookedNanos >= LOOK_NANOS;
      if (wanted) {
        lookAgain = false;
      }
      return wanted;
    } finally {
      lock.unlock();
    }
  }

  private void look() throws InterruptedException {
    lookedNanos = System.nanoTime();
    Look look = Watches.get(requests.read((view, _) -> look(view)));
    newest.clear();
    lock.lock();
    try {
      ended = look.ended;
      look.nodes.forEach((uid, node) -> {
        LogSource source = sources.computeIfAbsent(uid, _ -> new LogSource(uid, node.name()));
        if (node.contact() == NodeContact.GONE && source.state == LogSource.State.IDLE) {
          complain(source, "is gone; what it kept of the output is not to be had");
          source.state = LogSource.State.ENDED;
        }
      });
    } finally {
      lock.unlock();
    }
  }

  private Look look(StateView view) {
    Set<String> uids = new LinkedHashSet<>();
    boolean over;
    if (query.index() == ALL) {
      over = view.job(number).map(job -> job.state().ended()).orElse(true);
      uids.addAll(view.nodesOf(number));
    } else {
      over = view.task(number, query.index()).map(task -> task.state().ended()).orElse(true);
      for (AttemptView attempt : view.attempts(number, query.index())) {
        uids.add(attempt.nodeUid());
      }
    }
    Map<String, NodeView> nodes = new TreeMap<>();
    for (String uid : uids) {
      view.node(uid).ifPresent(node -> nodes.put(uid, node));
    }
    return new Look(over, nodes);
  }

  /** Asks nodes for their streams, and those that have them to come to an end. */
  private void openSources() throws InterruptedException {
    long now = System.nanoTime();
    List<LogSource> ask = new ArrayList<>();
    List<LogSource> drain = new ArrayList<>();
    lock.lock();
    try {
      int open = 0;
      for (LogSource source : sources.values()) {
        switch (source.state) {
          case IDLE -> {
            if (giveUp(source, now)) {
              complain(source, "does not answer; what it has of the output is missing");
              source.state = LogSource.State.ENDED;
            } else if (now - source.retryNanos >= 0 && (query.follow() || open < MAX_OPEN)) {
              open++;
              ask.add(source);
            }
          }
          case ASKED -> {
            open++;
            if (now - source.askedNanos >= OPEN_TIMEOUT_NANOS) {
              fail(source);
            }
          }
          case OPEN -> {
            open++;
            if (ended && query.follow() && !source.drainAsked) {
              source.drainAsked = true;
              drain.add(source);
            }
          }
          case ENDED -> {}
        }
      }
    } finally {
      lock.unlock();
    }
    for (LogSource source : ask) {
      ask(source);
    }
    for (LogSource source : drain) {
      boolean sent =
          Watches.get(
              requests
                  .port()
                  .send(source.nodeUid, new ControllerMessage.CloseLogs(source.stream, true)));
      if (!sent) {
        // The node lost its session, and its streams go with it.
        broken(source.stream);
      }
    }
  }

  private boolean giveUp(LogSource source, long now) {
    return source.failingSinceNanos != 0
        && (ended || !query.follow())
        && (!source.reachable || now - source.failingSinceNanos >= streams.patienceNanos());
  }

  private void ask(LogSource source) throws InterruptedException {
    Uid job = jobUid;
    if (job == null) {
      throw new IllegalStateException("the job was not looked up");
    }
    long stream = streams.await(this);
    lock.lock();
    try {
      source.stream = stream;
      source.state = LogSource.State.ASKED;
      source.askedNanos = System.nanoTime();
      source.drainAsked = ended;
      byStream.put(stream, source);
      if (source.toldAnything()) {
        if (source.forgetful()) {
          notices.add("node " + source.nodeName + " begins anew: lines may come twice");
        }
        source.repeats();
      }
    } finally {
      lock.unlock();
    }
    boolean again = source.toldAnything();
    boolean sent =
        Watches.get(
            requests
                .port()
                .send(
                    source.nodeUid,
                    new ControllerMessage.OpenLogs(
                        stream,
                        job,
                        query.index(),
                        query.attempt(),
                        // One that has ended is read to its end all the same, without a word more.
                        query.follow() && !ended,
                        again ? ALL : query.tail(),
                        query.sinceNanos(),
                        query.stream())));
    if (!sent) {
      lock.lock();
      try {
        fail(source);
      } finally {
        lock.unlock();
      }
    }
  }

  /** Writes what came; false: nothing. */
  private boolean tell(Outlet<StreamLogsResponse> out) throws InterruptedException {
    List<LogRecord> records = new ArrayList<>();
    StreamLogsResponse.Builder response = StreamLogsResponse.newBuilder();
    lock.lock();
    try {
      response.addAllNotices(notices);
      notices.clear();
      int bytes = 0;
      while (!waiting.isEmpty() && records.size() < BATCH_RECORDS && bytes < BATCH_BYTES) {
        LogSource source = waiting.remove();
        LogRecord record = source.next();
        if (!source.queue.isEmpty()) {
          waiting.add(source);
        }
        source.tell(record);
        bytes += record.getData().size();
        records.add(record);
      }
      grantMore();
    } finally {
      lock.unlock();
    }
    response.addAllRecords(query.attempt() == NEWEST ? newestOf(records) : records);
    boolean any = response.getRecordsCount() > 0 || response.getNoticesCount() > 0;
    if (any) {
      out.send(response.build());
    }
    return any || !records.isEmpty();
  }

  /** A node knows the newest of its own attempts only; a task may have run elsewhere since. */
  private List<LogRecord> newestOf(List<LogRecord> records) throws InterruptedException {
    Set<Integer> unknown = new LinkedHashSet<>();
    for (LogRecord record : records) {
      if (!newest.containsKey(record.getIndex())) {
        unknown.add(record.getIndex());
      }
    }
    if (!unknown.isEmpty()) {
      newest.putAll(
          Watches.get(
              requests.read((view, _) -> {
                Map<Integer, Integer> found = new LinkedHashMap<>();
                for (int index : unknown) {
                  found.put(index, view.task(number, index).map(TaskView::attempts).orElse(0));
                }
                return found;
              })));
    }
    List<LogRecord> kept = new ArrayList<>();
    for (LogRecord record : records) {
      if (record.getAttempt() == newest.getOrDefault(record.getIndex(), 0)) {
        kept.add(record);
      }
    }
    return kept;
  }

  private void grantMore() {
    int open = 1;
    for (LogSource source : sources.values()) {
      open += source.state == LogSource.State.OPEN ? 1 : 0;
    }
    long window = Math.clamp(CLIENT_BYTES / open, MIN_WINDOW, MAX_WINDOW);
    for (LogSource source : sources.values()) {
      ServerCallStreamObserver<LogCredit> credits = source.credits;
      if (source.state == LogSource.State.OPEN && credits != null) {
        long bytes = source.grant(window);
        if (bytes > 0) {
          source.granted += bytes;
          credits.onNext(LogCredit.newBuilder().setBytes(bytes).build());
        }
      }
    }
  }

  /** Until something comes, or it is time to ask a node again. */
  private void await() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      if (!waiting.isEmpty() || !notices.isEmpty()) {
        return;
      }
      long now = System.nanoTime();
      long nanos = Long.MAX_VALUE;
      if (lookAgain) {
        nanos = LOOK_NANOS - (now - lookedNanos);
      }
      long open =
          sources.values().stream()
              .filter(source -> source.state != LogSource.State.IDLE)
              .filter(source -> source.state != LogSource.State.ENDED)
              .count();
      for (LogSource source : sources.values()) {
        if (source.state == LogSource.State.IDLE && (query.follow() || open < MAX_OPEN)) {
          nanos = Math.min(nanos, source.retryNanos - now);
        } else if (source.state == LogSource.State.ASKED) {
          nanos = Math.min(nanos, OPEN_TIMEOUT_NANOS - (now - source.askedNanos));
        }
      }
      while (!news && nanos > 0) {
        nanos = changed.awaitNanos(nanos);
      }
      news = false;
    } finally {
      lock.unlock();
    }
  }

  /** The client is served or gone: nothing more is wanted of any node. */
  private void abandon() {
    List<LogSource> left = new ArrayList<>();
    lock.lock();
    try {
      for (LogSource source : sources.values()) {
        if (source.state == LogSource.State.ASKED || source.state == LogSource.State.OPEN) {
          left.add(source);
          source.state = LogSource.State.ENDED;
        }
      }
      byStream.clear();
    } finally {
      lock.unlock();
    }
    for (LogSource source : left) {
      streams.forget(source.stream);
      requests.port().send(source.nodeUid, new ControllerMessage.CloseLogs(source.stream, false));
      ServerCallStreamObserver<LogCredit> credits = source.credits;
      if (credits != null) {
        close(credits);
      }
    }
  }

  /** Ends the controller's half of a node's stream. */
  static void close(ServerCallStreamObserver<LogCredit> credits) {
    try {
      credits.onCompleted();
    } catch (StatusRuntimeException | IllegalStateException closed) {
      // The node ended it at the same moment.
    }
  }

  // ---- the nodes' streams, on any thread

  private void wake() {
    lock.lock();
    try {
      lookAgain = true;
      signal();
    } finally {
      lock.unlock();
    }
  }

  private void signal() {
    news = true;
    changed.signalAll();
  }

  /** The node opened its stream; false: it is not wanted any more. */
  boolean opened(long stream, ServerCallStreamObserver<LogCredit> credits) {
    lock.lock();
    try {
      LogSource source = byStream.get(stream);
      if (source == null || source.state != LogSource.State.ASKED) {
        return false;
      }
      source.state = LogSource.State.OPEN;
      source.credits = credits;
      grantMore();
      signal();
      return true;
    } finally {
      lock.unlock();
    }
  }

  void received(long stream, LogBatch batch) {
    lock.lock();
    try {
      LogSource source = byStream.get(stream);
      if (source == null || source.state != LogSource.State.OPEN) {
        return;
      }
      source.failures = 0;
      source.failingSinceNanos = 0;
      for (String notice : batch.getNoticesList()) {
        notices.add("node " + source.nodeName + ": " + notice);
      }
      boolean empty = source.queue.isEmpty();
      for (LogRecord record : batch.getRecordsList()) {
        source.granted -= record.getData().size();
        if (source.isNew(record)) {
          source.add(record.getJobNumber() == number ? record : numbered(record));
        }
      }
      if (empty && !source.queue.isEmpty()) {
        waiting.add(source);
      }
      if (source.granted < -MAX_OVERDRAFT) {
        notices.add("node " + source.nodeName + " sends more than it may; its output is cut off");
        end(source);
      } else if (source.queue.isEmpty()) {
        grantMore();
      }
      signal();
    } finally {
      lock.unlock();
    }
  }

  private LogRecord numbered(LogRecord record) {
    return record.toBuilder().setJobNumber(number).build();
  }

  /** The node has sent everything. */
  void completed(long stream) {
    lock.lock();
    try {
      LogSource source = byStream.get(stream);
      if (source != null && source.state == LogSource.State.OPEN) {
        end(source);
        signal();
      }
    } finally {
      lock.unlock();
    }
  }

  /** The node's stream broke off: its agent was restarted, or the network failed. */
  void broken(long stream) {
    lock.lock();
    try {
      LogSource source = byStream.get(stream);
      if (source != null && source.state != LogSource.State.ENDED) {
        fail(source);
        signal();
      }
    } finally {
      lock.unlock();
    }
  }

  private void fail(LogSource source) {
    remove(source);
    waiting.remove(source);
    source.clear();
    source.state = LogSource.State.IDLE;
    source.drainAsked = false;
    long now = System.nanoTime();
    source.retryNanos =
        now + Math.min(LONGEST_RETRY_NANOS, FIRST_RETRY_NANOS << Math.min(source.failures, 10));
    source.failures++;
    if (source.failingSinceNanos == 0) {
      source.failingSinceNanos = now;
    }
    if (query.follow() && !ended && source.failures == 5) {
      complain(source, "does not answer; its output comes when it answers again");
    }
  }

  private void end(LogSource source) {
    source.state = LogSource.State.ENDED;
    remove(source);
  }

  private void remove(LogSource source) {
    byStream.remove(source.stream);
    streams.forget(source.stream);
    source.credits = null;
  }

  private void complain(LogSource source, String what) {
    if (!source.complained) {
      source.complained = true;
      notices.add("node " + source.nodeName + " " + what);
    }
  }
}

package orch.controller.rpc;

import com.google.rpc.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import orch.api.convert.LinkConvert;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.LinkHeader;
import orch.api.model.SpecDefinition;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/**
 * What waits to be sent to one agent. Small and bounded: deltas and acks that wait are made into
 * one message, of an attempt that was desired twice only the newest wish goes out, and when it is
 * full the session is closed, for the next one's full set makes everything good. A reply to a
 * heartbeat passes all others, unless it grants a lease: that must not come before a stop which was
 * sent earlier.
 */
final class AgentOutbox {
  /** Attempts and uids that wait. */
  static final int MAX_ITEMS = 200_000;

  /** Attempts or uids in one message. */
  private static final int MAX_MERGED = 1_000;

  private final ServerCallStreamObserver<orch.agent.v1.ControllerMessage> stream;
  private final Executor executor;
  private final Runnable overflow;
  private final int maxItems;

  private final ReentrantLock lock = new ReentrantLock();
  // Guarded by the lock.
  private final Deque<Item> queue = new ArrayDeque<>();
  private int items;
  private @Nullable Item heartbeat;
  private @Nullable StatusRuntimeException closing;
  private boolean closed;
  private boolean draining;

  private record Item(LinkHeader header, ControllerMessage message) {
    int size() {
      return switch (message) {
        case ControllerMessage.Desired desired -> 1 + desired.attempts().size();
        case ControllerMessage.Forget forget -> 1 + forget.uids().size();
        case ControllerMessage.Welcome _,
            ControllerMessage.HeartbeatReply _,
            ControllerMessage.StopReplaced _,
            ControllerMessage.OpenLogs _,
            ControllerMessage.CloseLogs _,
            ControllerMessage.Signal _,
            ControllerMessage.Inspect _,
            ControllerMessage.OpenExec _,
            ControllerMessage.OpenAttach _ ->
            1;
      };
    }
  }

  /**
   * @param executor converts and writes, one message after the other
   * @param overflow runs when the outbox closed the session because it was full
   */
  AgentOutbox(
      ServerCallStreamObserver<orch.agent.v1.ControllerMessage> stream,
      Executor executor,
      Runnable overflow,
      int maxItems) {
    this.stream = stream;
    this.executor = executor;
    this.overflow = overflow;
    this.maxItems = maxItems;
  }

  /** Queues; never blocks. */
  void send(LinkHeader header, ControllerMessage message) {
    Item item = new Item(header, message);
    boolean full = false;
    lock.lock();
    try {
      if (closed || closing != null) {
        return;
      }
      if (message instanceof ControllerMessage.HeartbeatReply reply && !reply.lease()) {
        heartbeat = item;
      } else {
        queue.add(item);
        items += item.size();
        full = items > maxItems;
      }
    } finally {
      lock.unlock();
    }
    if (full) {
      close(
          Errors.error(
              Code.RESOURCE_EXHAUSTED,
              "OUTBOX_FULL",
              "the agent reads more slowly than its work changes; open a new session"));
      overflow.run();
    } else {
      wake();
    }
  }

  /** Ends the session with an error; what waits is dropped. */
  void close(StatusRuntimeException why) {
    lock.lock();
    try {
      if (closed || closing != null) {
        return;
      }
      closing = why;
      queue.clear();
      items = 0;
      heartbeat = null;
    } finally {
      lock.unlock();
    }
    wake();
  }

  /** The stream is over. */
  void ended() {
    lock.lock();
    try {
      closed = true;
      queue.clear();
      items = 0;
      heartbeat = null;
    } finally {
      lock.unlock();
    }
  }

  /** The stream may be writable. */
  void wake() {
    lock.lock();
    try {
      if (draining || closed) {
        return;
      }
      draining = true;
    } finally {
      lock.unlock();
    }
    executor.execute(this::drain);
  }

  private void drain() {
    while (true) {
      Item next;
      StatusRuntimeException end;
      lock.lock();
      try {
        end = closed ? null : closing;
        next = closed || end != null || !stream.isReady() ? null : take();
        if (next == null) {
          // Whoever makes the stream writable, or queues more, wakes us again.
          draining = false;
          closed |= end != null;
        }
      } finally {
        lock.unlock();
      }
      if (end != null) {
        stream.onError(end);
      }
      if (next == null) {
        return;
      }
      stream.onNext(LinkConvert.toMessage(next.header, next.message));
    }
  }

  private @Nullable Item take() {
    if (heartbeat != null) {
      Item reply = heartbeat;
      heartbeat = null;
      return reply;
    }
    Item first = queue.poll();
    if (first == null) {
      return null;
    }
    items -= first.size();
    return switch (first.message) {
      case ControllerMessage.Desired desired when !desired.full() -> mergeDeltas(first, desired);
      case ControllerMessage.Forget forget -> mergeForgets(first, forget);
      default -> first;
    };
  }

  private Item mergeDeltas(Item first, ControllerMessage.Desired delta) {
    if (nextDelta() == null) {
      return first;
    }
    LinkHeader header = first.header;
    List<SpecDefinition> specs = new ArrayList<>(delta.specs());
    Map<Uid, DesiredAttempt> attempts = new LinkedHashMap<>();
    boolean last = delta.last();
    add(attempts, delta);
    for (ControllerMessage.Desired more = nextDelta();
        more != null && attempts.size() + more.attempts().size() <= MAX_MERGED;
        more = nextDelta()) {
      Item item = queue.remove();
      items -= item.size();
      header = item.header;
      last = more.last();
      specs.addAll(more.specs());
      add(attempts, more);
    }
    return new Item(
        header,
        new ControllerMessage.Desired(false, last, specs, new ArrayList<>(attempts.values())));
  }

  private static void add(Map<Uid, DesiredAttempt> attempts, ControllerMessage.Desired delta) {
    for (DesiredAttempt attempt : delta.attempts()) {
      attempts.put(attempt.uid(), attempt);
    }
  }

  private ControllerMessage.@Nullable Desired nextDelta() {
    Item next = queue.peek();
    return next != null
            && next.message instanceof ControllerMessage.Desired desired
            && !desired.full()
        ? desired
        : null;
  }

  private Item mergeForgets(Item first, ControllerMessage.Forget forget) {
    LinkHeader header = first.header;
    List<Uid> uids = new ArrayList<>(forget.uids());
    while (queue.peek() instanceof Item(LinkHeader newer, ControllerMessage.Forget more)
        && uids.size() + more.uids().size() <= MAX_MERGED) {
      items -= queue.remove().size();
      header = newer;
      uids.addAll(more.uids());
    }
    return new Item(header, new ControllerMessage.Forget(uids));
  }
}

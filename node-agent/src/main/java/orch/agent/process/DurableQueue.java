package orch.agent.process;

import java.util.PriorityQueue;

/** What waits for the launcher's journal to be durable up to a position. */
final class DurableQueue {
  private final PriorityQueue<Waiting> waiting = new PriorityQueue<>();
  private long synced;
  private long sequence;

  private record Waiting(long position, long sequence, Runnable action)
      implements Comparable<Waiting> {
    @Override
    public int compareTo(Waiting other) {
      int byPosition = Long.compareUnsigned(position, other.position);
      return byPosition != 0 ? byPosition : Long.compare(sequence, other.sequence);
    }
  }

  boolean covers(long position) {
    return Long.compareUnsigned(position, synced) <= 0;
  }

  /** Runs the action now, or once the journal is durable so far. */
  void once(long position, Runnable action) {
    if (covers(position)) {
      action.run();
    } else {
      waiting.add(new Waiting(position, sequence++, action));
    }
  }

  /** The journal is durable up to here. */
  void advance(long position) {
    synced = position;
    while (!waiting.isEmpty() && covers(waiting.peek().position())) {
      Waiting next = waiting.remove();
      next.action().run();
    }
  }

  void clear() {
    waiting.clear();
  }
}

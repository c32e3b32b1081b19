package orch.controller.store;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import orch.api.seam.Clock;
import orch.api.seam.Timers;
import org.jspecify.annotations.Nullable;

/**
 * Appends entries under one epoch: {@code multi[check(/epoch, v), check(previous entry),
 * create(entry)]}, up to {@link #MAX_IN_FLIGHT} at a time, in order. What the ends mean:
 *
 * <ul>
 *   <li>OK: committed, and all before it, since each stands on the one before.
 *   <li>BAD_VERSION at operation 0: deposed; nothing more is written.
 *   <li>NO_NODE at operation 1: an entry before was lost on the way; back to the first unresolved.
 *   <li>NODE_EXISTS: an attempt before was done after all, if the node holds this very batch.
 *   <li>CONNECTION_LOSS, SESSION_MOVED, SESSION_EXPIRED: unknown. Once nothing is in flight any
 *       more, everything unresolved is sent again, the identical bytes, from the first on.
 * </ul>
 *
 * <p>Gathering: while nothing is in flight an entry is sent as soon as the loop flushes; else it
 * waits until it has {@link #GATHER_BYTES} or until nothing is in flight.
 *
 * <p>One writer serves one epoch; a deposed one is thrown away.
 */
final class LogWriter {
  static final int MAX_IN_FLIGHT = 4;

  /** An entry of this size is sent although others are in flight. */
  static final int GATHER_BYTES = 64 * 1024;

  /** An entry of several records is no larger than this. */
  static final int MAX_GATHERED_BYTES = 128 * 1024;

  /** A single record; well below ZooKeeper's limit of 1 MB for a request. */
  static final int MAX_RECORD_BYTES = 512 * 1024;

  /** Entries that wait to be sent; above it the loop should take no more inputs. */
  static final int MAX_BACKLOG_BYTES = 1024 * 1024;

  private static final Duration RETRY = Duration.ofMillis(100);

  interface Listener {
    /** Called once for each index, in order. */
    void committed(long index, int bytes);

    /** The epoch was proved again; comes before what was committed with it. */
    void proved();

    void deposed(String why);

    void failed(String why);
  }

  private enum Attempt {
    WAITING,
    SENT,
    VERIFYING
  }

  private static final class Batch {
    final long index;
    final byte[] bytes;
    Attempt attempt = Attempt.WAITING;
    boolean predecessorCommitted;
    boolean committed;

    Batch(long index, byte[] bytes) {
      this.index = index;
      this.bytes = bytes;
    }
  }

  private final ZooKeeperPort port;
  private final LogLayout layout;
  private final Clock clock;
  private final Timers timers;
  private final Claim claim;
  private final Listener listener;

  private final ArrayDeque<Batch> unresolved = new ArrayDeque<>();
  private List<byte[]> open = new ArrayList<>();
  private int openBytes;
  private long nextIndex;
  private long committedIndex;
  private int inFlight;
  private int backlogBytes;
  private boolean recovering;
  private long provedNanos;
  private boolean proving;
  private Timers.@Nullable Timer retry;
  private boolean closed;

  /**
   * @param lastIndex newest entry of the log, read after the epoch was taken
   */
  LogWriter(
      ZooKeeperPort port,
      LogLayout layout,
      Clock clock,
      Timers timers,
      Claim claim,
      long lastIndex,
      Listener listener) {
    this.port = port;
    this.layout = layout;
    this.clock = clock;
    this.timers = timers;
    this.claim = claim;
    this.listener = listener;
    this.committedIndex = lastIndex;
    this.nextIndex = lastIndex + 1;
    this.provedNanos = claim.beganNanos();
  }

  /** Adds a record to the entry that is open; returns that entry's index. */
  long append(byte[] record) {
    if (record.length > MAX_RECORD_BYTES) {
      throw new IllegalArgumentException(
          "a record of " + record.length + " bytes; at most " + MAX_RECORD_BYTES);
    }
    int bytes = Entry.RECORD_HEADER_BYTES + record.length;
    if (!open.isEmpty() && Entry.HEADER_BYTES + openBytes + bytes > MAX_GATHERED_BYTES) {
      seal();
    }
    open.add(record);
    openBytes += bytes;
    long index = nextIndex;
    if (openBytes >= GATHER_BYTES) {
      seal();
    }
    return index;
  }

  /** The loop has nothing more to add for now. */
  void flush() {
    if (inFlight == 0 && !recovering) {
      seal();
    }
  }

  /** Index of the entry that the newest record went into. */
  long appendedIndex() {
    return open.isEmpty() ? nextIndex - 1 : nextIndex;
  }

  long committedIndex() {
    return committedIndex;
  }

  boolean saturated() {
    return backlogBytes > MAX_BACKLOG_BYTES;
  }

  /** When the newest request that proved the epoch was sent, on the boot clock. */
  long provedNanos() {
    return provedNanos;
  }

  /** Proves the epoch by a multi that changes nothing, unless something in flight is about to. */
  void prove() {
    if (closed || inFlight > 0 || proving) {
      return;
    }
    proving = true;
    long beganNanos = clock.bootNanos();
    port.multi(
        List.of(new Operation.Check(layout.epoch(), claim.nodeVersion())),
        result -> {
          proving = false;
          if (closed) {
            return;
          }
          switch (result.code()) {
            case OK -> proved(beganNanos);
            case BAD_VERSION -> depose();
            case CONNECTION_LOSS, SESSION_MOVED, SESSION_EXPIRED, CLOSED -> {}
            default -> fail("cannot check " + layout.epoch() + ": " + result.code());
          }
        });
  }

  /** Connected again: need not wait for the timer. */
  void reconnected() {
    if (retry != null) {
      retry.cancel();
      retry = null;
      send();
    }
  }

  /** Forgets everything; what was sent may be committed or not. */
  void close() {
    closed = true;
    unresolved.clear();
    open = new ArrayList<>();
    openBytes = 0;
    if (retry != null) {
      retry.cancel();
      retry = null;
    }
  }

  /** Closes the entry that is open: what is appended next goes into another. */
  void seal() {
    if (open.isEmpty()) {
      return;
    }
    byte[] bytes = new Entry(claim.number(), claim.nonce(), nextIndex, open).encode();
    unresolved.add(new Batch(nextIndex++, bytes));
    backlogBytes += bytes.length;
    open = new ArrayList<>();
    openBytes = 0;
    send();
  }

  /** Sends what waits, in order, as far as it may. */
  private void send() {
    if (closed || retry != null) {
      return;
    }
    if (recovering) {
      if (inFlight > 0) {
        return;
      }
      recovering = false;
    }
    for (Batch batch : unresolved) {
      if (inFlight >= MAX_IN_FLIGHT) {
        return;
      }
      if (batch.attempt == Attempt.WAITING) {
        send(batch);
      }
    }
  }

  private void send(Batch batch) {
    List<Operation> operations = new ArrayList<>(4);
    operations.add(new Operation.Check(layout.epoch(), claim.nodeVersion()));
    operations.add(new Operation.Check(layout.predecessor(batch.index), Operation.ANY_VERSION));
    if (layout.opensDirectory(batch.index)) {
      operations.add(new Operation.Create(layout.directory(batch.index), new byte[0]));
    }
    operations.add(new Operation.Create(layout.entry(batch.index), batch.bytes));
    batch.attempt = Attempt.SENT;
    batch.predecessorCommitted = batch.index == committedIndex + 1;
    inFlight++;
    backlogBytes -= batch.bytes.length;
    long beganNanos = clock.bootNanos();
    port.multi(operations, result -> answered(batch, result, beganNanos));
  }

  private void answered(Batch batch, MultiResult result, long beganNanos) {
    if (closed) {
      return;
    }
    inFlight--;
    switch (result.code()) {
      case OK -> {
        proved(beganNanos);
        commit(batch.index);
      }
      case BAD_VERSION -> {
        if (result.failedOperation() != 0) {
          refused(batch, result);
          return;
        }
        depose();
        return;
      }
      case NO_NODE -> {
        if (result.failedOperation() != 1 || (batch.predecessorCommitted && !batch.committed)) {
          refused(batch, result);
          return;
        }
        recover(batch);
      }
      case NODE_EXISTS -> {
        if (!batch.committed) {
          verify(batch);
        }
      }
      case CONNECTION_LOSS, SESSION_MOVED, SESSION_EXPIRED -> {
        recover(batch);
        retryLater();
      }
      case CLOSED -> {
        close();
        return;
      }
      case NO_AUTH, NOT_EMPTY, OTHER -> {
        refused(batch, result);
        return;
      }
    }
    proceed();
  }

  /** Some attempt made a node there: ours, if it holds our batch. */
  private void verify(Batch batch) {
    batch.attempt = Attempt.VERIFYING;
    inFlight++;
    port.get(
        layout.entry(batch.index),
        (code, data, version) -> {
          if (closed) {
            return;
          }
          inFlight--;
          if (code == ResultCode.OK && data != null && Arrays.equals(data, batch.bytes)) {
            commit(batch.index);
          } else if (code == ResultCode.OK && data != null && !batch.committed) {
            fail(
                "log entry "
                    + batch.index
                    + " was written by "
                    + writer(batch.index, data)
                    + " under epoch "
                    + claim.number()
                    + " of this controller; two writers in one epoch must never be");
            return;
          } else if (code == ResultCode.NO_AUTH || code == ResultCode.OTHER) {
            fail("cannot read " + layout.entry(batch.index) + ": " + code);
            return;
          } else if (!batch.committed) {
            // Unknown, or a server that lags behind the one that refused: send it again.
            recover(batch);
            retryLater();
          }
          proceed();
        });
  }

  private void recover(Batch batch) {
    if (!batch.committed) {
      batch.attempt = Attempt.WAITING;
      backlogBytes += batch.bytes.length;
      recovering = true;
    }
  }

  private void retryLater() {
    if (recovering && retry == null) {
      retry =
          timers.after(
              RETRY,
              () -> {
                retry = null;
                send();
              });
    }
  }

  private void commit(long index) {
    while (!closed && committedIndex < index) {
      Batch batch = unresolved.remove();
      if (batch.attempt == Attempt.WAITING) {
        backlogBytes -= batch.bytes.length;
      }
      batch.committed = true;
      committedIndex = batch.index;
      listener.committed(batch.index, batch.bytes.length);
    }
  }

  private void proceed() {
    if (closed) {
      return;
    }
    if (unresolved.isEmpty()) {
      recovering = false;
      flush();
    }
    send();
  }

  private void proved(long beganNanos) {
    provedNanos = Math.max(provedNanos, beganNanos);
    listener.proved();
  }

  private void depose() {
    close();
    listener.deposed("epoch " + claim.number() + " of this controller was followed by another");
  }

  private void refused(Batch batch, MultiResult result) {
    fail(
        "log entry "
            + batch.index
            + " was refused: "
            + result.code()
            + " at operation "
            + result.failedOperation()
            + "; somebody else changed "
            + layout.root()
            + ", or its access lists");
  }

  private void fail(String why) {
    close();
    listener.failed(why);
  }

  private static String writer(long index, byte[] data) {
    try {
      Entry entry = Entry.decode(index, data);
      return "epoch " + entry.epoch() + " (nonce " + Long.toHexString(entry.nonce()) + ")";
    } catch (CorruptLogException e) {
      return "nobody knows whom (" + e.getMessage() + ")";
    }
  }
}

package orch.controller.store;

import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import orch.api.seam.Clock;
import orch.api.seam.Randomness;
import orch.api.seam.Timers;
import org.jspecify.annotations.Nullable;

/**
 * The replicated log, as one member sees it: first it reads ({@link LogListener#replayed}), and
 * goes on as the log grows; when it is told to {@link #claim}, it takes the next epoch, reads what
 * is left and appends. All methods and all callbacks are of the loop's thread.
 */
public final class LogClient {
  /** How old a proof of the epoch may be for a lease to be granted on it; C in the design. */
  public static final Duration PROOF_AGE = Duration.ofSeconds(3);

  private static final Duration PROOF_INTERVAL = PROOF_AGE.dividedBy(3);
  private static final Duration RETRY = Duration.ofMillis(100);

  private final ZooKeeperPort port;
  private final LogLayout layout;
  private final String name;
  private final Clock clock;
  private final Timers timers;
  private final Randomness randomness;
  private final LogListener listener;

  private final CheckpointPolicy policy;

  private @Nullable CheckpointLoader loader;
  private @Nullable LogReader reader;
  private @Nullable EpochClaim claiming;
  private @Nullable Claim claim;
  private @Nullable LogWriter writer;
  private @Nullable CheckpointStore checkpoints;

  // What came after the newest checkpoint.
  private long coveredIndex;
  private long coveredBytes;
  private long lastIndex;
  private long tailBytes;
  private Timers.@Nullable Timer timer;
  private boolean closed;

  /** A client with {@link CheckpointPolicy#DEFAULT}. */
  public LogClient(
      ZooKeeperPort port,
      LogLayout layout,
      String name,
      Clock clock,
      Timers timers,
      Randomness randomness,
      LogListener listener) {
    this(port, layout, name, clock, timers, randomness, CheckpointPolicy.DEFAULT, listener);
  }

  /**
   * @param name of this member, for people who look at {@code /epoch}
   */
  public LogClient(
      ZooKeeperPort port,
      LogLayout layout,
      String name,
      Clock clock,
      Timers timers,
      Randomness randomness,
      CheckpointPolicy policy,
      LogListener listener) {
    this.policy = policy;
    this.port = port;
    this.layout = layout;
    this.name = name;
    this.clock = clock;
    this.timers = timers;
    this.randomness = randomness;
    this.listener = listener;
  }

  /** Makes the permanent nodes where they are missing, then begins to read. */
  public void start() {
    port.addSessionListener(event -> {
      if (event == ZooKeeperPort.SessionEvent.CONNECTED) {
        reconnected();
      }
    });
    prepare(layout.permanent().iterator());
  }

  /** Tries to take the next epoch; does nothing while it tries, or leads. */
  public void claim() {
    if (closed || claiming != null || claim != null || reader == null && loader == null) {
      return;
    }
    EpochClaim attempt =
        new EpochClaim(
            port, layout, clock, timers, randomness.nextLong(), name, new ClaimListener());
    claiming = attempt;
    attempt.start();
  }

  /**
   * Appends a record; returns the index of the entry that it goes into, which may already have
   * others and may get more. It is sent at the next {@link #flush}, or later while others are in
   * flight.
   */
  public long append(byte[] record) {
    return leader().append(record);
  }

  /** To be called when the loop has nothing to append for the moment. */
  public void flush() {
    leader().flush();
  }

  /** Index of the newest entry that holds something, sent or not. */
  public long appendedIndex() {
    return leader().appendedIndex();
  }

  public long committedIndex() {
    return leader().committedIndex();
  }

  /** Whether so much waits to be sent that the loop should take no more inputs. */
  public boolean saturated() {
    return leader().saturated();
  }

  /** Whether appends are accepted. */
  public boolean leads() {
    return writer != null;
  }

  /** Whether the epoch was proved by a request that began at most {@link #PROOF_AGE} ago. */
  public boolean proved() {
    return writer != null && clock.bootNanos() - writer.provedNanos() <= PROOF_AGE.toNanos();
  }

  /** How long no request has succeeded that proves the epoch; zero where this member has none. */
  public Duration unproved() {
    return writer == null
        ? Duration.ZERO
        : Duration.ofNanos(clock.bootNanos() - writer.provedNanos());
  }

  /** Asks for a proof now rather than at its time; {@link LogListener#proved} tells of it. */
  public void prove() {
    leader().prove();
  }

  /** Entries since the newest checkpoint, or since the beginning. */
  public long tailEntries() {
    return lastIndex - coveredIndex;
  }

  /** Their size. */
  public long tailBytes() {
    return tailBytes;
  }

  /** Whether the log has grown so much that it is time for a checkpoint, and none is written. */
  public boolean checkpointDue() {
    return checkpoints != null
        && !checkpoints.busy()
        && policy.due(tailEntries(), tailBytes, coveredBytes);
  }

  /**
   * Begins a checkpoint of the state with everything that was appended: the entry that is open is
   * closed for it. {@link CheckpointSink} tells how to go on.
   *
   * @throws IllegalStateException unless this member leads and no checkpoint is being written
   */
  public CheckpointSink beginCheckpoint(CheckpointSink.Listener of) {
    CheckpointStore store = checkpoints;
    if (store == null) {
      throw new IllegalStateException("this member has not taken an epoch");
    }
    LogWriter to = leader();
    to.seal();
    long index = to.appendedIndex();
    long bytesBefore = tailBytes;
    store.begin(
        index,
        new CheckpointStore.Listener() {
          @Override
          public void room() {
            of.room();
          }

          @Override
          public void inForce(Manifest manifest) {
            coveredIndex = index;
            coveredBytes = manifest.stateBytes();
            tailBytes -= bytesBefore;
            of.inForce(manifest);
          }

          @Override
          public void done() {
            of.done();
          }
        });
    return new CheckpointSink(store, index);
  }

  /**
   * Keeps whatever is in force from being deleted until the returned action is run.
   *
   * @throws IllegalStateException unless this member leads
   */
  public Runnable pin() {
    if (checkpoints == null) {
      throw new IllegalStateException("this member has not taken an epoch");
    }
    return checkpoints.pin();
  }

  /** Stops for good. The port is the caller's. */
  public void close() {
    closed = true;
    stop();
  }

  private LogWriter leader() {
    if (writer == null) {
      throw new IllegalStateException("this member has not taken an epoch");
    }
    return writer;
  }

  private void stop() {
    if (timer != null) {
      timer.cancel();
      timer = null;
    }
    if (loader != null) {
      loader.stop();
      loader = null;
    }
    if (reader != null) {
      reader.stop();
      reader = null;
    }
    if (checkpoints != null) {
      checkpoints.close();
      checkpoints = null;
    }
    if (claiming != null) {
      claiming.abandon();
      claiming = null;
    }
    if (writer != null) {
      writer.close();
      writer = null;
    }
    claim = null;
  }

  private void prepare(Iterator<String> paths) {
    if (closed) {
      return;
    }
    if (!paths.hasNext()) {
      lookForRestore();
      return;
    }
    create(paths.next(), paths);
  }

  /** What a restore has not finished is no log. */
  private void lookForRestore() {
    port.get(
        layout.restoring(),
        (code, data, version) -> {
          if (closed) {
            return;
          }
          if (code == ResultCode.NO_NODE) {
            read();
          } else if (code.unknown()) {
            timer = timers.after(RETRY, this::lookForRestore);
          } else if (code == ResultCode.OK) {
            fail(
                "a restore from a backup was not finished: repeat the restore, then start the"
                    + " controllers");
          } else {
            fail("cannot read " + layout.restoring() + ": " + code);
          }
        });
  }

  private void create(String path, Iterator<String> rest) {
    byte[] data = path.equals(layout.epoch()) ? EpochRecord.NONE.encode() : new byte[0];
    port.multi(
        List.of(new Operation.Create(path, data)),
        result -> {
          if (closed) {
            return;
          }
          if (result.code() == ResultCode.OK || result.code() == ResultCode.NODE_EXISTS) {
            prepare(rest);
          } else if (result.code().unknown()) {
            timer = timers.after(RETRY, () -> create(path, rest));
          } else if (result.code() != ResultCode.CLOSED) {
            fail("cannot make " + path + " in ZooKeeper: " + result.code());
          }
        });
  }

  private void read() {
    listener.reset();
    loader = new CheckpointLoader(port, layout, timers, new LoaderListener());
    loader.resume();
  }

  private void readFrom(long next) {
    loader = null;
    coveredIndex = next - 1;
    lastIndex = next - 1;
    tailBytes = 0;
    reader = new LogReader(port, layout, timers, next, new ReaderListener());
    reader.resume();
  }

  private void reconnected() {
    if (loader != null) {
      loader.resume();
    }
    if (reader != null) {
      reader.resume();
    }
    if (writer != null) {
      writer.reconnected();
    }
  }

  private void proveLater() {
    timer =
        timers.after(
            PROOF_INTERVAL,
            () -> {
              if (writer != null) {
                writer.prove();
                proveLater();
              }
            });
  }

  /** What was read is of this epoch: one that was taken here before it is over, and never led. */
  private void followedBy(long epoch, long nonce) {
    if (claim != null && epoch > claim.number()) {
      claim = null;
      listener.claimLost(new EpochRecord(epoch, nonce, "another controller"));
    }
  }

  private void fail(String why) {
    close();
    listener.failed(why);
  }

  private final class LoaderListener implements CheckpointLoader.Listener {
    private boolean begun;

    @Override
    public void begin(Manifest manifest) {
      if (begun) {
        listener.reset();
      }
      begun = true;
    }

    @Override
    public void section(byte[] bytes) {
      listener.section(bytes);
    }

    @Override
    public void loaded(Manifest manifest) {
      coveredBytes = manifest.stateBytes();
      listener.loaded(manifest.index());
      followedBy(manifest.epoch(), 0);
      if (!closed) {
        readFrom(manifest.index() + 1);
      }
    }

    @Override
    public void none() {
      coveredBytes = 0;
      readFrom(1);
    }

    @Override
    public void failed(String why) {
      fail(why);
    }
  }

  private final class ReaderListener implements LogReader.Listener {
    @Override
    public void entry(Entry entry, int bytes) {
      lastIndex = entry.index();
      tailBytes += bytes;
      listener.replayed(entry);
      followedBy(entry.epoch(), entry.nonce());
    }

    @Override
    public void covered() {
      // This member fell behind what the leader keeps.
      reader = null;
      read();
    }

    @Override
    public void end(long lastEntry) {
      Claim taken = claim;
      if (taken == null) {
        listener.caughtUp(lastEntry);
        return;
      }
      if (reader != null) {
        reader.stop();
        reader = null;
      }
      writer = new LogWriter(port, layout, clock, timers, taken, lastEntry, new WriterListener());
      FencedPort fenced =
          new FencedPort(port, layout, timers, taken.nodeVersion(), LogClient.this::fail);
      checkpoints = new CheckpointStore(fenced, layout, taken.number(), policy.keptEntries());
      checkpoints.committed(lastEntry);
      proveLater();
      listener.leading(taken.number(), lastEntry);
    }

    @Override
    public void failed(String why) {
      fail(why);
    }
  }

  private final class ClaimListener implements EpochClaim.Listener {
    @Override
    public void taken(Claim taken) {
      claiming = null;
      claim = taken;
      if (reader != null) {
        // An end that was found before the epoch was taken is not the end.
        reader.resume();
      }
    }

    @Override
    public void lost(EpochRecord other) {
      claiming = null;
      listener.claimLost(other);
    }

    @Override
    public void failed(String why) {
      fail(why);
    }
  }

  private final class WriterListener implements LogWriter.Listener {
    @Override
    public void committed(long index, int bytes) {
      lastIndex = index;
      tailBytes += bytes;
      if (checkpoints != null) {
        checkpoints.committed(index);
      }
      listener.committed(index);
    }

    @Override
    public void proved() {
      listener.proved();
    }

    @Override
    public void deposed(String why) {
      stop();
      listener.deposed(why);
      if (!closed) {
        read();
      }
    }

    @Override
    public void failed(String why) {
      fail(why);
    }
  }
}

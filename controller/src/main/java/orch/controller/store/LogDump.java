package orch.controller.store;

import java.util.Arrays;
import java.util.function.BooleanSupplier;
import orch.api.seam.Timers;
import org.jspecify.annotations.Nullable;

/**
 * Reads all that stands in a log once: the checkpoint in force and the entries, for a backup or a
 * check. It waits while the reader of it has enough, and holds a few nodes in memory at most. While
 * a leader is at work its {@link LogClient#pin} keeps it from deleting what is read here.
 */
public final class LogDump {
  /** Entries that are asked for at a time. */
  static final int READ_AHEAD = 16;

  /** Where it begins. */
  public enum Extent {
    /** With the oldest entry that is there. */
    WHOLE,
    /** With the entry that the checkpoint covers, which is enough to begin anew from. */
    FROM_CHECKPOINT
  }

  /** Hears that it cannot go on. */
  @FunctionalInterface
  public interface Failure {
    void failed(String why);
  }

  private final FencedPort port;
  private final LogLayout layout;
  private final Extent extent;
  private final LogContents to;
  private final BooleanSupplier ready;
  private final Failure failure;
  private @Nullable Manifest manifest;
  private int section;
  private long next;
  private @Nullable Entry[] ahead = new Entry[READ_AHEAD];
  private int awaited;
  private boolean atEnd;
  private boolean waiting;
  private @Nullable Runnable step;

  /**
   * @param ready whether {@code to} takes more now; once it does again, {@link #resume} is to be
   *     called
   */
  public LogDump(
      ZooKeeperPort port,
      LogLayout layout,
      Timers timers,
      Extent extent,
      LogContents to,
      BooleanSupplier ready,
      Failure failure) {
    this.port = new FencedPort(port, layout, timers, Operation.ANY_VERSION, failure::failed);
    this.layout = layout;
    this.extent = extent;
    this.to = to;
    this.ready = ready;
    this.failure = failure;
  }

  public void start() {
    port.sync(this::readEpoch);
  }

  /** Nothing is called back any more. */
  public void stop() {
    port.close();
  }

  /** More is wanted. */
  public void resume() {
    Runnable then = step;
    if (waiting && then != null) {
      waiting = false;
      step = null;
      then.run();
    }
  }

  /** Goes on at once, or when more is wanted. */
  private void proceed(Runnable then) {
    if (ready.getAsBoolean()) {
      then.run();
    } else {
      waiting = true;
      step = then;
    }
  }

  private void fail(String why) {
    port.close();
    failure.failed(why);
  }

  private void readEpoch() {
    port.get(
        layout.epoch(),
        (epoch, version) -> {
          if (epoch == null) {
            fail("there is no cluster at " + layout.root());
            return;
          }
          port.get(layout.manifest(), (data, manifestVersion) -> begin(epoch, data));
        });
  }

  private void begin(byte[] epoch, byte @Nullable [] data) {
    try {
      Manifest found = data == null ? null : Manifest.decode(data);
      manifest = found;
      to.begin(EpochRecord.decode(epoch), found);
    } catch (CorruptLogException e) {
      fail(String.valueOf(e.getMessage()));
      return;
    }
    sections();
  }

  // ---- the checkpoint

  private void sections() {
    Manifest of = manifest;
    if (of == null || section == of.sections().size()) {
      findFirst(of);
      return;
    }
    Manifest.Stored stored = of.sections().get(section++);
    node(stored, 0, new byte[stored.bytes()]);
  }

  private void node(Manifest.Stored stored, int at, byte[] bytes) {
    String path = layout.checkpointNode(stored.firstNode() + at);
    port.get(
        path,
        (data, version) -> {
          int from = at * Manifest.NODE_BYTES;
          if (data == null || data.length != Math.min(Manifest.NODE_BYTES, bytes.length - from)) {
            missing(path);
            return;
          }
          System.arraycopy(data, 0, bytes, from, data.length);
          if (at + 1 < stored.nodes()) {
            node(stored, at + 1, bytes);
          } else if (!stored.fits(bytes)) {
            fail(path + " of the checkpoint is damaged: its checksum does not fit");
          } else {
            take(() -> to.section(bytes), this::sections);
          }
        });
  }

  /** A leader may have replaced the checkpoint meanwhile. */
  private void missing(String path) {
    Manifest before = manifest;
    port.get(
        layout.manifest(),
        (data, version) -> {
          boolean same = data != null && before != null && Arrays.equals(before.encode(), data);
          fail(
              same
                  ? path + " of the checkpoint in force is missing or has the wrong length"
                  : "the checkpoint was replaced while it was read: try again");
        });
  }

  private void take(Runnable giving, Runnable then) {
    try {
      giving.run();
    } catch (RuntimeException e) {
      fail(String.valueOf(e.getMessage()));
      return;
    }
    proceed(then);
  }

  // ---- the entries

  private void findFirst(@Nullable Manifest of) {
    if (of == null) {
      next = 1;
      entries();
    } else if (extent == Extent.FROM_CHECKPOINT) {
      next = of.index();
      entries();
    } else {
      search(of.firstEntry(), of.index());
    }
  }

  /** The first entry that is there is in {@code [low, high]}, and {@code high} should be there. */
  private void search(long low, long high) {
    if (low >= high) {
      next = low;
      entries();
      return;
    }
    long middle = low + (high - low) / 2;
    port.get(
        layout.entry(middle),
        (data, version) -> {
          if (data == null) {
            search(middle + 1, high);
          } else {
            search(low, middle);
          }
        });
  }

  private void entries() {
    long first = next;
    awaited = READ_AHEAD;
    ahead = new Entry[READ_AHEAD];
    for (int i = 0; i < READ_AHEAD; i++) {
      int at = i;
      port.get(
          layout.entry(first + i),
          (data, version) -> {
            try {
              ahead[at] = data == null ? null : Entry.decode(first + at, data);
            } catch (CorruptLogException e) {
              fail(String.valueOf(e.getMessage()));
              return;
            }
            if (--awaited == 0) {
              handOut(first);
            }
          });
    }
  }

  private void handOut(long first) {
    for (int i = 0; i < READ_AHEAD && !atEnd; i++) {
      Entry entry = ahead[i];
      if (entry == null) {
        atEnd = true;
        gap(first + i, i);
      } else {
        try {
          to.entry(entry);
        } catch (RuntimeException e) {
          fail(String.valueOf(e.getMessage()));
          return;
        }
        next = first + i + 1;
      }
    }
    if (!atEnd) {
      proceed(this::entries);
    }
  }

  /** The log ends here, unless an entry comes after the one that is missing. */
  private void gap(long missing, int at) {
    Manifest of = manifest;
    boolean later = of != null && of.index() >= missing;
    for (int i = at + 1; i < READ_AHEAD; i++) {
      later |= ahead[i] != null;
    }
    if (later) {
      // Those that were asked for later may have been appended in between.
      port.get(
          layout.entry(missing),
          (data, version) -> {
            if (data == null) {
              fail("log entry " + missing + " is missing, and later ones are there");
            } else {
              atEnd = false;
              next = missing;
              entries();
            }
          });
      return;
    }
    try {
      to.end();
      port.close();
    } catch (RuntimeException e) {
      fail(String.valueOf(e.getMessage()));
    }
  }
}

package orch.controller.store;

import java.time.Duration;
import orch.api.seam.Timers;
import org.jspecify.annotations.Nullable;

/**
 * Reads the log from an entry to its end, then waits for more by a watch on the entry that is not
 * there yet. Several entries are asked for ahead; the more were found, the more. After anything
 * unknown, and after each reconnection, it starts anew at the next entry, behind a sync, so that a
 * server that lags cannot pass its own end off as the log's.
 */
final class LogReader {
  /** Entries that are asked for at a time: at 128 KB each a bound of 4 MB. */
  static final int MAX_READ_AHEAD = 32;

  private static final Duration RETRY = Duration.ofMillis(100);

  interface Listener {
    void entry(Entry entry, int bytes);

    /** No entry after this one was there; it goes on when there is. */
    void end(long lastIndex);

    /** The next entry was replaced by a checkpoint; the reader has stopped. */
    void covered();

    void failed(String why);
  }

  private final ZooKeeperPort port;
  private final LogLayout layout;
  private final Timers timers;
  private final Listener listener;
  private long next;
  private int readAhead = 1;
  private int asked;
  // Answers to what was asked under an earlier generation are stale.
  private int generation;
  private Timers.@Nullable Timer retry;
  private boolean stopped;

  /**
   * @param next the first entry that is wanted
   */
  LogReader(ZooKeeperPort port, LogLayout layout, Timers timers, long next, Listener listener) {
    this.next = next;
    this.port = port;
    this.layout = layout;
    this.timers = timers;
    this.listener = listener;
  }

  /**
   * Begins, or goes on at once from the next entry and looks for the end anew: {@link Listener#end}
   * that follows was found after this call.
   */
  void resume() {
    if (stopped) {
      return;
    }
    int current = begin();
    port.sync(
        layout.log(),
        code -> {
          if (current != generation) {
            return;
          }
          if (code == ResultCode.OK) {
            ask();
          } else {
            broken(code, layout.log());
          }
        });
  }

  void stop() {
    stopped = true;
    begin();
  }

  private int begin() {
    if (retry != null) {
      retry.cancel();
      retry = null;
    }
    asked = 0;
    return ++generation;
  }

  private void ask() {
    int current = generation;
    while (asked < readAhead && current == generation) {
      long index = next + asked++;
      port.get(
          layout.entry(index),
          (code, data, version) -> {
            if (current == generation) {
              got(index, code, data);
            }
          });
    }
  }

  private void got(long index, ResultCode code, byte @Nullable [] data) {
    if (code == ResultCode.NO_NODE) {
      begin();
      readAhead = 1;
      await(index);
      return;
    }
    if (code != ResultCode.OK || data == null) {
      broken(code, layout.entry(index));
      return;
    }
    Entry entry;
    try {
      entry = Entry.decode(index, data);
    } catch (CorruptLogException e) {
      fail(String.valueOf(e.getMessage()));
      return;
    }
    next = index + 1;
    asked--;
    readAhead = Math.min(MAX_READ_AHEAD, 2 * readAhead);
    int current = generation;
    listener.entry(entry, data.length);
    if (current == generation) {
      ask();
    }
  }

  private void await(long index) {
    int current = generation;
    port.exists(
        layout.entry(index),
        () -> {
          if (current == generation) {
            begin();
            ask();
          }
        },
        code -> {
          if (current != generation) {
            return;
          }
          switch (code) {
            case OK -> {
              begin();
              ask();
            }
            case NO_NODE -> readManifest(index);
            default -> broken(code, layout.entry(index));
          }
        });
  }

  /** An entry may be missing because a checkpoint has made it needless. */
  private void readManifest(long index) {
    int current = generation;
    port.get(
        layout.manifest(),
        (code, data, version) -> {
          if (current != generation) {
            return;
          }
          if (code == ResultCode.NO_NODE) {
            listener.end(index - 1);
          } else if (code == ResultCode.OK && data != null) {
            covered(index, data);
          } else {
            broken(code, layout.manifest());
          }
        });
  }

  private void covered(long index, byte[] data) {
    try {
      Manifest manifest = Manifest.decode(data);
      if (manifest.index() >= index) {
        stop();
        listener.covered();
        return;
      }
    } catch (CorruptLogException e) {
      fail(String.valueOf(e.getMessage()));
      return;
    }
    listener.end(index - 1);
  }

  private void broken(ResultCode code, String path) {
    if (code == ResultCode.CLOSED) {
      stop();
    } else if (code.unknown()) {
      begin();
      retry = timers.after(RETRY, this::resume);
    } else {
      fail("cannot read " + path + ": " + code);
    }
  }

  private void fail(String why) {
    stop();
    listener.failed(why);
  }
}

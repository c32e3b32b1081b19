package orch.controller.runtime;

import java.util.concurrent.Executor;
import orch.controller.core.Section;
import orch.controller.core.Snapshot;
import orch.controller.store.CheckpointSink;
import orch.controller.store.LogClient;
import orch.controller.store.Manifest;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The leader's checkpoints: begins one when the log has grown enough, and encodes it in slices
 * between the loop's other work, no faster than ZooKeeper takes it.
 */
final class Checkpoints {
  private static final Logger LOG = LoggerFactory.getLogger(Checkpoints.class);

  private final LogClient log;
  private final Replica replica;
  private final Executor executor;
  private @Nullable Writing writing;

  /**
   * @param executor of the loop
   */
  Checkpoints(LogClient log, Replica replica, Executor executor) {
    this.log = log;
    this.replica = replica;
    this.executor = executor;
  }

  /** To be called when entries have committed: begins a checkpoint if it is time for one. */
  void look() {
    if (writing == null && log.checkpointDue()) {
      begin();
    }
  }

  private void begin() {
    Writing next = new Writing();
    writing = next;
    next.sink = log.beginCheckpoint(next);
    next.snapshot = replica.freeze();
    next.sliceSoon();
  }

  /** Leadership is over, and with it the state. */
  void lose() {
    writing = null;
  }

  /** One checkpoint. */
  private final class Writing implements CheckpointSink.Listener, Snapshot.Sink {
    private @Nullable CheckpointSink sink;
    private @Nullable Snapshot snapshot;
    private boolean sliceDue;
    private boolean whole;
    private int written;
    private int kept;
    private long bytes;

    void sliceSoon() {
      if (!sliceDue && !whole) {
        sliceDue = true;
        executor.execute(this::slice);
      }
    }

    private void slice() {
      sliceDue = false;
      Snapshot from = snapshot;
      CheckpointSink to = sink;
      if (writing != this || from == null || to == null || whole || !to.room()) {
        return;
      }
      whole = from.slice(this);
      if (whole) {
        to.finish();
      } else {
        sliceSoon();
      }
    }

    @Override
    public void write(Section section, byte[] data) {
      written++;
      bytes += data.length;
      if (sink != null) {
        sink.write(section.id(), data);
      }
    }

    @Override
    public void keep(Section section) {
      kept++;
      if (sink != null) {
        sink.keep(section.id());
      }
    }

    @Override
    public void room() {
      if (writing == this) {
        sliceSoon();
      }
    }

    @Override
    public void inForce(Manifest manifest) {
      if (writing == this && snapshot != null) {
        snapshot.written();
        LOG.info(
            "Checkpoint at revision {}: {} sections, {} of them new ({} kB)",
            manifest.index(),
            written + kept,
            written,
            bytes / 1000);
      }
    }

    @Override
    public void done() {
      if (writing == this) {
        writing = null;
        look();
      }
    }
  }
}

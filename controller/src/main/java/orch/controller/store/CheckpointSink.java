package orch.controller.store;

/**
 * Takes the sections of a checkpoint that is being written. To be used until {@link #finish}; after
 * a demotion what is given to it is of no consequence.
 */
public final class CheckpointSink {
  /** Hears how it goes, on the loop. */
  public interface Listener {
    /** {@link #room} says yes now. */
    void room();

    /** The checkpoint is the one that is loaded from now on. */
    void inForce(Manifest manifest);

    /** What it made needless is deleted; the next checkpoint may begin. */
    void done();
  }

  private final CheckpointStore store;
  private final long index;

  CheckpointSink(CheckpointStore store, long index) {
    this.store = store;
    this.index = index;
  }

  /** The entry that the checkpoint covers, which may not have committed yet. */
  public long index() {
    return index;
  }

  /** Whether more is welcome; if not, {@link Listener#room} tells when it is. */
  public boolean room() {
    return store.room();
  }

  /** Adds a new section under a number that was never used in this leadership. */
  public void write(long id, byte[] bytes) {
    store.write(id, bytes);
  }

  /** Adds a section that the checkpoint before had too. */
  public void keep(long id) {
    store.keep(id);
  }

  /** All sections were added, in their order. */
  public void finish() {
    store.finish();
  }
}

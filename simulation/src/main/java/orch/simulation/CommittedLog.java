package orch.simulation;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import orch.controller.convert.RecordConvert;
import orch.controller.core.Change;
import orch.controller.core.State;
import orch.controller.core.StateView;
import orch.controller.store.Entry;
import orch.controller.store.EpochRecord;
import orch.controller.store.Operation;

/**
 * The truth: every entry as it becomes durable in the ensemble, replayed from the first on, beside
 * all controllers. What anybody says or does is held against it.
 *
 * <p>Invariants 1 (one epoch commits at an index, and it is the one that {@code /epoch} names) and
 * 2 (no gap) are checked here, where entries are born.
 */
final class CommittedLog implements SimulatedZooKeeper.CommitListener {
  /** A hash of the state is kept for every so manyth revision. */
  static final int HASHED = 16;

  private final World world;
  private final List<Revision> revisions = new ArrayList<>();
  private final Map<Long, Long> hashes = new TreeMap<>();
  private final List<Reader> readers = new ArrayList<>();
  private State state = new State();
  private Instant last = Instant.EPOCH;
  private EpochRecord epoch = new EpochRecord(0, 0, "");
  private long lastEpoch;

  /** What an entry holds. */
  record Revision(long epoch, List<Change> changes) {}

  /** Reads each change after the state has it, and each revision after its last change. */
  interface Reader {
    void changed(Change change, Instant now);

    void revision(long revision);
  }

  CommittedLog(World world) {
    this.world = world;
  }

  void add(Reader reader) {
    readers.add(reader);
  }

  /** Newest revision. */
  long revision() {
    return revisions.size();
  }

  long epoch() {
    return epoch.number();
  }

  StateView state() {
    return state;
  }

  List<Change> changes(long revision) {
    return revisions.get((int) revision - 1).changes();
  }

  /** Hash of the state at a revision that is a multiple of {@link #HASHED}; 0: another. */
  long hash(long revision) {
    return hashes.getOrDefault(revision, 0L);
  }

  @Override
  public void committed(List<Operation> operations) {
    for (Operation operation : operations) {
      switch (operation) {
        case Operation.Create create -> made(create.path(), create.data());
        case Operation.SetData set -> {
          if (set.path().equals(SimulatedController.LAYOUT.epoch())) {
            epoch(set.data());
          }
        }
        case Operation.Check _, Operation.Delete _ -> {}
      }
    }
  }

  private void epoch(byte[] data) {
    EpochRecord next = EpochRecord.decode(data);
    world.record(next.leader(), "takes epoch", next.number());
    if (next.number() != epoch.number() + 1) {
      throw new Violation(1, "epoch " + next.number() + " follows " + epoch.number());
    }
    epoch = next;
  }

  private void made(String path, byte[] data) {
    long index = revision() + 1;
    String expected = SimulatedController.LAYOUT.entry(index);
    if (path.equals(expected)) {
      entry(Entry.decode(index, data));
    } else if (path.startsWith(SimulatedController.LAYOUT.log() + "/")
        && path.length() == expected.length()) {
      throw new Violation(2, path + " was written where entry " + index + " is the next");
    }
  }

  private void entry(Entry entry) {
    long index = entry.index();
    if (entry.epoch() != epoch.number() || entry.nonce() != epoch.nonce()) {
      throw new Violation(
          1,
          "entry "
              + index
              + " is of epoch "
              + entry.epoch()
              + " though epoch "
              + epoch.number()
              + " was taken by "
              + epoch.leader());
    }
    if (entry.epoch() < lastEpoch) {
      throw new Violation(1, "entry " + index + " goes back to epoch " + entry.epoch());
    }
    lastEpoch = entry.epoch();
    world.record("log", "entry", index);
    List<Change> changes = new ArrayList<>();
    revisions.add(new Revision(entry.epoch(), changes));
    for (byte[] record : entry.records()) {
      RecordConvert.Decided decided = RecordConvert.decode(record);
      if (decided.now().isBefore(last)) {
        throw new Violation(2, "the log's clock goes back at entry " + index);
      }
      last = decided.now();
      for (Change change : decided.changes()) {
        apply(change, decided.now(), index);
        changes.add(change);
      }
    }
    if (index % HASHED == 0) {
      hashes.put(index, state.hash());
    }
    readers.forEach(reader -> reader.revision(index));
  }

  private void apply(Change change, Instant now, long index) {
    if (world.traced()) {
      world.comment("log", index + " " + change);
    }
    try {
      state.apply(change, now);
    } catch (RuntimeException | Error e) {
      throw new Violation(11, "entry " + index + " cannot be applied: " + change, e);
    }
    readers.forEach(reader -> reader.changed(change, now));
  }
}

package orch.controller.backup;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import orch.controller.convert.RecordConvert;
import orch.controller.convert.StateCodec;
import orch.controller.core.Change;
import orch.controller.core.ClusterView;
import orch.controller.core.State;
import orch.controller.core.StateLoader;
import orch.controller.store.Entry;
import orch.controller.store.EpochRecord;
import orch.controller.store.LogContents;
import orch.controller.store.Manifest;
import org.jspecify.annotations.Nullable;

/**
 * Checks a log and its checkpoint as they go through it: no gap, epochs that rise, each begun by
 * its own first change, one writer an epoch, checksums, records that decode, changes that fit the
 * state, a checkpoint that is whole; and, where the log goes back to its first entry, that the
 * checkpoint is what the entries lead to.
 */
public final class LogVerifier implements LogContents {
  /** What must not be; checking ends with it. */
  public static final class UnsoundLogException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnsoundLogException(String message) {
      super(message);
    }
  }

  private final StateLoader loader = new StateLoader(new StateCodec());
  private final List<String> findings = new ArrayList<>();

  /** From the checkpoint on; or from the beginning, if there is none. */
  private @Nullable State state;

  /** From the first entry, if that is there and there is a checkpoint. */
  private @Nullable State replayed;

  private @Nullable Manifest manifest;
  private EpochRecord epochNode = new EpochRecord(0, 0, "");
  private int sections;
  private long firstIndex;
  private long index;
  private long epoch;
  private long nonce;
  private long records;
  private long changes;
  private boolean ended;

  @Override
  public void begin(EpochRecord of, @Nullable Manifest in) {
    epochNode = of;
    manifest = in;
    if (in == null) {
      state = new State();
      return;
    }
    require(
        in.epoch() <= of.number(),
        "the checkpoint is of epoch "
            + in.epoch()
            + ", later than "
            + "the newest, "
            + of.number());
    require(
        in.firstEntry() >= 1 && in.firstEntry() <= in.index(),
        "the checkpoint at " + in.index() + " keeps entries from " + in.firstEntry() + " on");
  }

  @Override
  public void section(byte[] bytes) {
    sections++;
    loader.add(bytes);
  }

  @Override
  public void entry(Entry entry) {
    Manifest of = manifest;
    if (index == 0) {
      first(entry, of);
    } else {
      require(entry.index() == index + 1, "entry " + entry.index() + " follows " + index);
    }
    writer(entry);
    index = entry.index();
    boolean covered = of != null && entry.index() <= of.index();
    boolean first = true;
    for (byte[] record : entry.records()) {
      RecordConvert.Decided decided = decode(entry, record);
      records++;
      changes += decided.changes().size();
      for (Change change : decided.changes()) {
        if (!covered) {
          applyTo(state, change, decided, entry);
        }
        if (replayed != null) {
          applyTo(replayed, change, decided, entry);
        }
      }
      first = false;
    }
    require(!first, "entry " + entry.index() + " is empty");
    if (of != null && entry.index() == of.index()) {
      compare("at entry " + index);
    }
  }

  private void first(Entry entry, @Nullable Manifest of) {
    firstIndex = entry.index();
    if (of == null) {
      require(firstIndex == 1, "there is no checkpoint, and the log begins with " + firstIndex);
      return;
    }
    state = loader.finish();
    require(
        firstIndex <= of.index(),
        "the checkpoint covers entry " + of.index() + ", the log begins with " + firstIndex);
    if (firstIndex == 1) {
      replayed = new State();
    }
  }

  private void writer(Entry entry) {
    require(
        entry.epoch() >= epoch,
        "entry " + entry.index() + " is of epoch " + entry.epoch() + ", after one of " + epoch);
    require(
        entry.epoch() <= epochNode.number(),
        "entry "
            + entry.index()
            + " is of epoch "
            + entry.epoch()
            + ", the newest is "
            + epochNode.number());
    require(
        entry.epoch() > epoch || entry.nonce() == nonce,
        "entry " + entry.index() + " has a second writer in epoch " + epoch);
    boolean begins = epoch != 0 && entry.epoch() > epoch || entry.index() == 1;
    if (begins) {
      require(
          decode(entry, entry.records().getFirst()).changes().stream()
              .anyMatch(change ->
                  change instanceof Change.EpochStarted started
                      && started.epoch() == entry.epoch()),
          "entry "
              + entry.index()
              + " is the first of epoch "
              + entry.epoch()
              + " and does not begin it");
    }
    epoch = entry.epoch();
    nonce = entry.nonce();
  }

  private static RecordConvert.Decided decode(Entry entry, byte[] record) {
    try {
      return RecordConvert.decode(record);
    } catch (RuntimeException e) {
      throw new UnsoundLogException("entry " + entry.index() + ": " + e.getMessage());
    }
  }

  private static void applyTo(
      @Nullable State to, Change change, RecordConvert.Decided decided, Entry entry) {
    if (to == null) {
      throw new UnsoundLogException("entry " + entry.index() + " comes before the checkpoint");
    }
    try {
      to.apply(change, decided.now());
    } catch (RuntimeException e) {
      throw new UnsoundLogException(
          "entry " + entry.index() + " does not fit the state: " + e.getMessage());
    }
  }

  private void compare(String where) {
    if (replayed != null && state != null) {
      require(
          replayed.hash() == state.hash(),
          where + " the checkpoint is not what the entries from the first on lead to");
    }
  }

  @Override
  public void end() {
    Manifest of = manifest;
    require(
        of == null || index >= of.index(),
        of == null ? "" : "entry " + of.index() + ", which the checkpoint covers, is missing");
    compare("at the end");
    ended = true;
    report(of);
  }

  private void report(@Nullable Manifest of) {
    State last = state;
    if (index == 0 || last == null) {
      findings.add("the log is empty");
      return;
    }
    ClusterView cluster = last.cluster();
    findings.add(
        "cluster "
            + cluster.clusterId()
            + ", incarnation "
            + cluster.incarnation()
            + ", epoch "
            + epochNode.number()
            + ", format level "
            + cluster.formatLevel());
    if (of != null) {
      findings.add(
          String.format(
              "checkpoint at entry %d by epoch %d: %d sections, %,d bytes, whole",
              of.index(), of.epoch(), sections, of.stateBytes()));
    }
    findings.add(
        String.format(
            "entries %d to %d: no gap, epochs rise to %d, %,d records, %,d changes",
            firstIndex, index, epoch, records, changes));
    findings.add(
        of == null
            ? "no checkpoint: all of it was replayed"
            : replayed != null
                ? "the log goes back to its first entry: the checkpoint is what it leads to"
                : "entries before "
                    + firstIndex
                    + " were truncated: the checkpoint and "
                    + (index - of.index())
                    + " entries after it were replayed");
    long jobs = 0;
    for (Map.Entry<?, Long> count : cluster.jobs().entrySet()) {
      jobs += count.getValue();
    }
    findings.add(
        String.format(
            "state: %,d jobs, %,d nodes, hash %016x", jobs, last.nodes().size(), last.hash()));
  }

  /** What was found, in sentences for people; whole once the log has ended. */
  public List<String> findings() {
    return List.copyOf(findings);
  }

  boolean ended() {
    return ended;
  }

  /** The state after the newest entry. */
  State state() {
    State last = state;
    if (!ended || last == null) {
      throw new IllegalStateException("the log has not ended");
    }
    return last;
  }

  long lastIndex() {
    return index;
  }

  /** The newest epoch that anybody took. */
  long newestEpoch() {
    return epochNode.number();
  }

  @Nullable Manifest manifest() {
    return manifest;
  }

  private static void require(boolean sound, String otherwise) {
    if (!sound) {
      throw new UnsoundLogException(otherwise);
    }
  }
}

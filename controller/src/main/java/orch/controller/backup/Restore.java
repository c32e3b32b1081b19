package orch.controller.backup;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import orch.controller.convert.RecordConvert;
import orch.controller.core.Change;
import orch.controller.core.State;
import orch.controller.store.Entry;
import orch.controller.store.EpochRecord;
import orch.controller.store.LogContents;
import orch.controller.store.LogLayout;
import orch.controller.store.Manifest;
import orch.controller.store.MultiResult;
import orch.controller.store.Operation;
import orch.controller.store.ResultCode;
import org.jspecify.annotations.Nullable;

/**
 * Puts a backup into an empty ZooKeeper, as a new incarnation: the checkpoint and the entries byte
 * for byte, and one entry more, which raises the incarnation and begins an epoch. The backup is
 * verified as a whole before anything is written. Until the last step, which is one multi, the
 * cluster is marked as being restored, and no controller starts on it; a restore that was
 * interrupted is simply repeated.
 */
public final class Restore {
  /** The sequence of uids leaps by so much: none that was given after the backup is given again. */
  static final long SEQUENCE_LEAP = 1L << 32;

  /** Incarnations of restores are hours since then at least, so that two are never the same. */
  private static final Instant FIRST_HOUR = Instant.parse("2026-01-01T00:00:00Z");

  /** ZooKeeper, one request after another; what ends with nobody knows what is repeated there. */
  public interface Nodes {
    MultiResult multi(List<Operation> operations) throws IOException;

    byte @Nullable [] get(String path) throws IOException;

    /** Names below a path; none if it is not there. */
    List<String> children(String path) throws IOException;
  }

  private final Path file;
  private final Nodes nodes;
  private final LogLayout layout;
  private final Instant now;
  private final long nonce;

  /**
   * @param nonce random
   */
  public Restore(Path file, Nodes nodes, LogLayout layout, Instant now, long nonce) {
    this.file = file;
    this.nodes = nodes;
    this.layout = layout;
    this.now = now;
    this.nonce = nonce;
  }

  /**
   * Restores.
   *
   * @return what was done, in sentences
   * @throws IOException with a sentence: the backup is unsound, or the cluster not empty
   */
  public List<String> run() throws IOException {
    LogVerifier verifier = new LogVerifier();
    try (InputStream in = open()) {
      String _ = BackupFile.read(in, verifier);
    } catch (LogVerifier.UnsoundLogException | IllegalStateException e) {
      throw new IOException("the backup is unsound: " + e.getMessage() + "; take another", e);
    }
    if (verifier.lastIndex() == 0) {
      throw new IOException("the backup is of an empty cluster: there is nothing to restore");
    }
    prepare();
    long epoch = newEpoch(verifier);
    Entry last = lastEntry(verifier, epoch);
    Copy copy = new Copy();
    try (InputStream in = open()) {
      String _ = BackupFile.read(in, copy);
    } catch (FailedCopyException e) {
      throw e.why;
    }
    entry(last);
    finish(verifier, epoch);
    List<String> done = new ArrayList<>(verifier.findings());
    done.add(
        "restored as incarnation "
            + verifier.state().cluster().incarnation()
            + " at entry "
            + last.index()
            + ": start the controllers");
    return done;
  }

  private InputStream open() throws IOException {
    return new BufferedInputStream(Files.newInputStream(file));
  }

  /** Within an hour the epoch tells two restores apart, as it rises by its seconds. */
  private long newEpoch(LogVerifier verifier) {
    long second = Duration.between(FIRST_HOUR, now).toSeconds() % 3_600;
    return verifier.newestEpoch() + 1 + second;
  }

  private Entry lastEntry(LogVerifier verifier, long epoch) {
    State state = verifier.state();
    long hours = Math.max(0, Duration.between(FIRST_HOUR, now).toHours());
    int incarnation = (int) Math.max(state.cluster().incarnation() + 1L, hours);
    Instant at = now;
    Instant before = Instant.ofEpochSecond(0, state.nowNanos());
    if (before.isAfter(at)) {
      at = before;
    }
    List<Change> changes =
        List.of(
            state.raiseIncarnation(incarnation, SEQUENCE_LEAP),
            new Change.EpochStarted(epoch, "restore", state.formatLevel()));
    for (Change change : changes) {
      state.apply(change, at);
    }
    return new Entry(
        epoch, nonce, verifier.lastIndex() + 1, List.of(RecordConvert.encode(at, changes)));
  }

  // ---- ZooKeeper

  private void prepare() throws IOException {
    for (String path : layout.permanent()) {
      byte[] data = path.equals(layout.epoch()) ? EpochRecord.NONE.encode() : new byte[0];
      create(path, data, true);
    }
    if (!nodes.children(layout.members()).isEmpty()) {
      throw new IOException(
          "controllers are running on this cluster: stop them, and restore into an empty one");
    }
    if (nodes.get(layout.restoring()) != null) {
      // A restore that was interrupted; nothing else can have been written since.
      clear(layout.log());
      clear(layout.checkpoint());
      return;
    }
    boolean empty =
        nodes.children(layout.log()).isEmpty() && nodes.children(layout.checkpoint()).isEmpty();
    if (!empty) {
      throw new IOException(
          "this cluster is not empty: restore into another --data-dir, or another path of"
              + " ZooKeeper; nothing was changed");
    }
    create(layout.restoring(), "from a backup".getBytes(StandardCharsets.UTF_8), false);
  }

  private void clear(String path) throws IOException {
    for (String name : nodes.children(path)) {
      String below = path + "/" + name;
      if (below.equals(layout.restoring())) {
        continue;
      }
      clear(below);
      require(nodes.multi(List.of(new Operation.Delete(below, Operation.ANY_VERSION))), below);
    }
  }

  private void create(String path, byte[] data, boolean mayExist) throws IOException {
    MultiResult result = nodes.multi(List.of(new Operation.Create(path, data)));
    if (result.code() == ResultCode.NODE_EXISTS && (mayExist || isThere(path, data))) {
      return;
    }
    require(result, path);
  }

  /** A repeated request finds what the first has made. */
  private boolean isThere(String path, byte[] data) throws IOException {
    return Arrays.equals(nodes.get(path), data);
  }

  private static void require(MultiResult result, String path) throws IOException {
    if (result.code() != ResultCode.OK) {
      throw new IOException(
          "ZooKeeper refused " + path + ": " + result.code() + "; repeat the restore");
    }
  }

  private void entry(Entry entry) throws IOException {
    create(layout.directory(entry.index()), new byte[0], true);
    create(layout.entry(entry.index()), entry.encode(), false);
  }

  private void finish(LogVerifier verifier, long epoch) throws IOException {
    Manifest manifest = verifier.manifest();
    byte[] record = new EpochRecord(epoch, nonce, "restore").encode();
    List<Operation> operations = new ArrayList<>();
    operations.add(new Operation.SetData(layout.epoch(), record, Operation.ANY_VERSION));
    if (manifest != null) {
      // Older entries were left out of the backup.
      Manifest shorter =
          new Manifest(
              manifest.epoch(),
              manifest.index(),
              manifest.index(),
              manifest.nextNode(),
              manifest.sections());
      operations.add(new Operation.Create(layout.manifest(), shorter.encode()));
    }
    operations.add(new Operation.Delete(layout.restoring(), Operation.ANY_VERSION));
    MultiResult result = nodes.multi(operations);
    if (result.code() != ResultCode.OK && !isThere(layout.epoch(), record)) {
      require(result, layout.root());
    }
  }

  /** Carries a failure through the reader of the backup. */
  private static final class FailedCopyException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    final IOException why;

    FailedCopyException(IOException why) {
      super(why);
      this.why = why;
    }
  }

  private final class Copy implements LogContents {
    private @Nullable Manifest manifest;
    private int section;

    @Override
    public void begin(EpochRecord epoch, @Nullable Manifest in) {
      manifest = in;
    }

    @Override
    public void section(byte[] bytes) {
      Manifest of = manifest;
      if (of == null) {
        return;
      }
      Manifest.Stored stored = of.sections().get(section++);
      try {
        for (int i = 0; i < stored.nodes(); i++) {
          long node = stored.firstNode() + i;
          int from = i * Manifest.NODE_BYTES;
          int to = Math.min(bytes.length, from + Manifest.NODE_BYTES);
          create(layout.checkpointDirectory(node), new byte[0], true);
          create(layout.checkpointNode(node), Arrays.copyOfRange(bytes, from, to), false);
        }
      } catch (IOException e) {
        throw new FailedCopyException(e);
      }
    }

    @Override
    public void entry(Entry entry) {
      try {
        Restore.this.entry(entry);
      } catch (IOException e) {
        throw new FailedCopyException(e);
      }
    }

    @Override
    public void end() {}
  }
}

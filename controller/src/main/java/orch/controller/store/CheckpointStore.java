package orch.controller.store;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Writes the checkpoints of a leadership, one at a time: the sections, then, once the entry that it
 * covers has committed, the manifest, and after that it deletes what is not needed any more ({@link
 * CheckpointCleaner}). A crash at any step leaves the checkpoint before in force, or this one; what
 * lies about then is swept away by the first checkpoint of the next leadership, which begins by
 * looking what there is.
 */
final class CheckpointStore {
  /** Nodes that are being written at a time. */
  static final int MAX_IN_FLIGHT = 2;

  interface Listener {
    /** More sections are taken; not called from within a call. */
    void room();

    /** The manifest is switched. */
    void inForce(Manifest manifest);

    /** What was not needed any more is deleted: the next checkpoint may begin. */
    void done();
  }

  private record Piece(long node, byte[] data) {}

  private final FencedPort port;
  private final LogLayout layout;
  private final long epoch;
  private final CheckpointCleaner cleaner;

  /** Where the sections lie that were written in this leadership. */
  private final Map<Long, Manifest.Stored> stored = new LinkedHashMap<>();

  private final ArrayDeque<Piece> waiting = new ArrayDeque<>();
  private long committedIndex;
  private boolean looked;
  private @Nullable Manifest inForce;
  private int manifestVersion;
  private long nextNode = 1;
  private long madeDirectory = -1;
  private boolean makingDirectory;
  private int inFlight;

  // The checkpoint in the making.
  private @Nullable Listener listener;
  private long index;
  private final List<Long> sections = new ArrayList<>();
  private boolean complete;
  private boolean switching;

  CheckpointStore(FencedPort port, LogLayout layout, long epoch, int keptEntries) {
    this.port = port;
    this.layout = layout;
    this.epoch = epoch;
    this.cleaner = new CheckpointCleaner(port, layout, keptEntries);
  }

  void close() {
    port.close();
    listener = null;
  }

  boolean busy() {
    return listener != null;
  }

  /** Begins a checkpoint of the state after the entry {@code coveredIndex}. */
  void begin(long coveredIndex, Listener newListener) {
    if (listener != null) {
      throw new IllegalStateException("a checkpoint is being written already");
    }
    listener = newListener;
    index = coveredIndex;
    sections.clear();
    complete = false;
    switching = false;
    if (!looked) {
      port.sync(this::look);
    }
  }

  /** What an earlier leader, or this one in an earlier life, left. */
  private void look() {
    port.get(
        layout.manifest(),
        (data, version) -> {
          try {
            inForce = data == null ? null : Manifest.decode(data);
          } catch (CorruptLogException e) {
            port.fail(String.valueOf(e.getMessage()));
            return;
          }
          manifestVersion = version;
          cleaner.find(
              inForce,
              highest -> {
                Manifest before = inForce;
                nextNode = Math.max(before == null ? 1 : before.nextNode(), highest + 1);
                looked = true;
                if (listener != null) {
                  listener.room();
                }
              });
        });
  }

  /** Whether {@link #write} is welcome; if not, {@link Listener#room} tells when it is. */
  boolean room() {
    return looked && waiting.size() < MAX_IN_FLIGHT;
  }

  /** Adds a section, by a number of its own. */
  void write(long id, byte[] bytes) {
    Manifest.Stored at = new Manifest.Stored(nextNode, bytes.length, Manifest.checksum(bytes, 0));
    for (int i = 0; i < at.nodes(); i++) {
      int from = i * Manifest.NODE_BYTES;
      int to = Math.min(bytes.length, from + Manifest.NODE_BYTES);
      waiting.add(new Piece(nextNode++, Arrays.copyOfRange(bytes, from, to)));
    }
    stored.put(id, at);
    sections.add(id);
    send();
  }

  /** Adds a section that was written in this leadership, as it is. */
  void keep(long id) {
    if (!stored.containsKey(id)) {
      throw new IllegalArgumentException("section " + id + " was never written");
    }
    sections.add(id);
  }

  /** All sections were added. */
  void finish() {
    complete = true;
    switchOver();
  }

  void committed(long newIndex) {
    committedIndex = newIndex;
    switchOver();
  }

  private void send() {
    while (inFlight < MAX_IN_FLIGHT && !waiting.isEmpty() && !makingDirectory) {
      Piece piece = waiting.element();
      long directory = piece.node() / LogLayout.DIRECTORY_ENTRIES;
      if (directory != madeDirectory) {
        makeDirectory(piece.node(), directory);
        return;
      }
      waiting.remove();
      create(piece);
    }
  }

  private void makeDirectory(long node, long directory) {
    makingDirectory = true;
    port.multi(
        List.of(new Operation.Create(layout.checkpointDirectory(node), new byte[0])),
        result -> {
          makingDirectory = false;
          if (result.code() != ResultCode.OK && result.code() != ResultCode.NODE_EXISTS) {
            port.fail(refusal(layout.checkpointDirectory(node), result.code()));
            return;
          }
          madeDirectory = directory;
          send();
        });
  }

  private void create(Piece piece) {
    inFlight++;
    String path = layout.checkpointNode(piece.node());
    port.multi(
        List.of(new Operation.Create(path, piece.data())),
        result -> {
          if (result.code() == ResultCode.OK) {
            created();
          } else if (result.code() == ResultCode.NODE_EXISTS) {
            // By an attempt whose end was unknown.
            verify(path, piece);
          } else {
            port.fail(refusal(path, result.code()));
          }
        });
  }

  private void verify(String path, Piece piece) {
    port.get(
        path,
        (data, version) -> {
          if (data == null || !Arrays.equals(data, piece.data())) {
            port.fail(path + " holds what this leader did not write");
            return;
          }
          created();
        });
  }

  private void created() {
    inFlight--;
    send();
    switchOver();
    if (listener != null && !complete && room()) {
      listener.room();
    }
  }

  private static String refusal(String path, ResultCode code) {
    return "cannot make " + path + " of a checkpoint: " + code + "; somebody else changed it";
  }

  // ---- the switch

  private void switchOver() {
    boolean ready =
        listener != null
            && complete
            && !switching
            && inFlight == 0
            && waiting.isEmpty()
            && committedIndex >= index;
    if (!ready) {
      return;
    }
    switching = true;
    List<Manifest.Stored> places = new ArrayList<>(sections.size());
    for (long id : sections) {
      Manifest.Stored place = stored.get(id);
      if (place != null) {
        places.add(place);
      }
    }
    Manifest next = new Manifest(epoch, index, cleaner.firstEntry(), nextNode, places);
    byte[] data = next.encode();
    String path = layout.manifest();
    Operation operation =
        inForce == null
            ? new Operation.Create(path, data)
            : new Operation.SetData(path, data, manifestVersion);
    port.multi(
        List.of(operation),
        result -> {
          switch (result.code()) {
            case OK -> switched(next, inForce == null ? 0 : manifestVersion + 1);
            case BAD_VERSION, NODE_EXISTS ->
                port.get(
                    path,
                    (there, version) -> {
                      if (there != null && Arrays.equals(there, data)) {
                        switched(next, version);
                      } else {
                        port.fail(path + " holds what this leader did not write");
                      }
                    });
            default -> port.fail(refusal(path, result.code()));
          }
        });
  }

  private void switched(Manifest next, int version) {
    Manifest before = inForce;
    inForce = next;
    manifestVersion = version;
    TreeSet<Long> kept = new TreeSet<>(sections);
    stored.keySet().retainAll(kept);
    Listener current = listener;
    if (current == null) {
      return;
    }
    current.inForce(next);
    cleaner.clean(
        before,
        next,
        () -> {
          Listener ended = listener;
          listener = null;
          if (ended != null) {
            ended.done();
          }
        });
  }

  /** Nothing is deleted until the returned action is run: somebody reads what is in force. */
  Runnable pin() {
    return cleaner.pin();
  }
}

package orch.controller.store;

import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import orch.api.seam.Timers;
import org.jspecify.annotations.Nullable;

/**
 * Reads the checkpoint in force, section by section in their order, a few ahead. If a newer one
 * comes into force meanwhile and nodes vanish, it begins anew with that; sections that are in both
 * are not read again.
 */
final class CheckpointLoader {
  /** Sections that are asked for at a time. */
  static final int MAX_READ_AHEAD = 8;

  private static final Duration RETRY = Duration.ofMillis(100);

  interface Listener {
    /** What was handed out before is of no use: the sections come from the first on. */
    void begin(Manifest manifest);

    void section(byte[] bytes);

    void loaded(Manifest manifest);

    /** There is no checkpoint. */
    void none();

    void failed(String why);
  }

  private final ZooKeeperPort port;
  private final LogLayout layout;
  private final Timers timers;
  private final Listener listener;

  /** Sections that were read and are not handed out, or may be wanted again, by first node. */
  private final Map<Long, byte[]> read = new TreeMap<>();

  private @Nullable Manifest manifest;
  private byte @Nullable [] manifestData;
  private int handedOut;
  private int asked;
  private int generation;
  private boolean stopped;

  CheckpointLoader(ZooKeeperPort port, LogLayout layout, Timers timers, Listener listener) {
    this.port = port;
    this.layout = layout;
    this.timers = timers;
    this.listener = listener;
  }

  /** Begins, or goes on after anything unknown, behind a sync. */
  void resume() {
    if (stopped) {
      return;
    }
    int current = ++generation;
    port.sync(
        layout.checkpoint(),
        code -> {
          if (current == generation) {
            if (code == ResultCode.OK) {
              readManifest();
            } else {
              broken(code, layout.checkpoint());
            }
          }
        });
  }

  void stop() {
    stopped = true;
    generation++;
  }

  private void readManifest() {
    int current = generation;
    port.get(
        layout.manifest(),
        (code, data, version) -> {
          if (current != generation) {
            return;
          }
          if (code == ResultCode.NO_NODE) {
            stop();
            listener.none();
          } else if (code == ResultCode.OK && data != null) {
            take(data);
          } else {
            broken(code, layout.manifest());
          }
        });
  }

  private void take(byte[] data) {
    Manifest next;
    try {
      next = Manifest.decode(data);
    } catch (CorruptLogException e) {
      fail(String.valueOf(e.getMessage()));
      return;
    }
    if (manifestData == null || !Arrays.equals(manifestData, data)) {
      manifest = next;
      manifestData = data;
      handedOut = 0;
      read.keySet().retainAll(next.sections().stream().map(Manifest.Stored::firstNode).toList());
      listener.begin(next);
    }
    asked = handedOut;
    proceed(next);
  }

  private void proceed(Manifest of) {
    int current = generation;
    while (current == generation && handedOut < of.sections().size()) {
      byte[] bytes = read.get(of.sections().get(handedOut).firstNode());
      if (bytes == null) {
        break;
      }
      handedOut++;
      listener.section(bytes);
    }
    if (current != generation) {
      return;
    }
    if (handedOut == of.sections().size()) {
      stop();
      listener.loaded(of);
      return;
    }
    asked = Math.max(asked, handedOut);
    while (asked < of.sections().size() && asked < handedOut + MAX_READ_AHEAD) {
      Manifest.Stored section = of.sections().get(asked++);
      if (!read.containsKey(section.firstNode())) {
        ask(section, 0, new byte[section.bytes()]);
      }
    }
  }

  /** Asks for the next node of a section. */
  private void ask(Manifest.Stored section, int node, byte[] bytes) {
    int current = generation;
    String path = layout.checkpointNode(section.firstNode() + node);
    port.get(
        path,
        (code, data, version) -> {
          if (current != generation) {
            return;
          }
          if (code == ResultCode.NO_NODE) {
            replaced(path);
          } else if (code != ResultCode.OK || data == null) {
            broken(code, path);
          } else {
            got(section, node, bytes, data, path);
          }
        });
  }

  private void got(Manifest.Stored section, int node, byte[] bytes, byte[] data, String path) {
    int from = node * Manifest.NODE_BYTES;
    if (data.length != Math.min(Manifest.NODE_BYTES, section.bytes() - from)) {
      fail(path + " of the checkpoint has the wrong length; restore the cluster from a backup");
      return;
    }
    System.arraycopy(data, 0, bytes, from, data.length);
    if (node + 1 < section.nodes()) {
      ask(section, node + 1, bytes);
      return;
    }
    if (!section.fits(bytes)) {
      fail(path + " of the checkpoint is damaged; restore the cluster from a backup");
      return;
    }
    read.put(section.firstNode(), bytes);
    Manifest of = manifest;
    if (of != null) {
      proceed(of);
    }
  }

  /** A node is gone: another checkpoint must be in force, or the server lags. */
  private void replaced(String path) {
    int current = ++generation;
    port.get(
        layout.manifest(),
        (code, data, version) -> {
          if (current != generation) {
            return;
          }
          if (code == ResultCode.OK && data != null && Arrays.equals(data, manifestData)) {
            fail(
                path + " of the checkpoint in force is missing; restore the cluster from a backup");
          } else if (code == ResultCode.OK && data != null) {
            take(data);
          } else {
            broken(code, layout.manifest());
          }
        });
  }

  private void broken(ResultCode code, String path) {
    if (code == ResultCode.CLOSED) {
      stop();
    } else if (code.unknown()) {
      int current = ++generation;
      Timers.Timer _ =
          timers.after(
              RETRY,
              () -> {
                if (current == generation) {
                  resume();
                }
              });
    } else {
      fail("cannot read " + path + ": " + code);
    }
  }

  private void fail(String why) {
    stop();
    listener.failed(why);
  }
}

package orch.controller.store;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import orch.api.seam.Timers;
import org.jspecify.annotations.Nullable;

/**
 * Requests of a leader that are not appends: each multi stands under the epoch's check, and
 * whatever ends with nobody knows what is sent again until it is known. A deposed leader's requests
 * end in silence; that it is deposed, the log's own writer finds out.
 */
final class FencedPort {
  private static final Duration RETRY = Duration.ofMillis(100);

  @FunctionalInterface
  interface GetCallback {
    /** The node, or null if there is none. */
    void done(byte @Nullable [] data, int version);
  }

  @FunctionalInterface
  interface Failure {
    void failed(String why);
  }

  private final ZooKeeperPort port;
  private final LogLayout layout;
  private final Timers timers;
  private final int epochVersion;
  private final Failure failure;
  private boolean closed;

  FencedPort(
      ZooKeeperPort port, LogLayout layout, Timers timers, int epochVersion, Failure failure) {
    this.port = port;
    this.layout = layout;
    this.timers = timers;
    this.epochVersion = epochVersion;
    this.failure = failure;
  }

  /** Nothing is called back any more. */
  void close() {
    closed = true;
  }

  /**
   * Does all operations or none. A repetition may find done what it asks for: the caller sees to
   * it. The failed operation counts from the caller's first.
   */
  void multi(List<Operation> operations, ZooKeeperPort.MultiCallback callback) {
    List<Operation> all = new ArrayList<>(operations.size() + 1);
    all.add(new Operation.Check(layout.epoch(), epochVersion));
    all.addAll(operations);
    send(all, callback);
  }

  private void send(List<Operation> all, ZooKeeperPort.MultiCallback callback) {
    if (closed) {
      return;
    }
    port.multi(
        all,
        result -> {
          if (closed) {
            return;
          }
          if (result.code().unknown()) {
            again(() -> send(all, callback));
          } else if (result.code() == ResultCode.CLOSED
              || result.code() == ResultCode.BAD_VERSION && result.failedOperation() == 0) {
            close();
          } else if (result.code() == ResultCode.NO_AUTH || result.code() == ResultCode.OTHER) {
            fail(
                "a checkpoint was refused: "
                    + result.code()
                    + " at "
                    + all.get(Math.max(0, result.failedOperation())).path());
          } else {
            callback.done(new MultiResult(result.code(), result.failedOperation() - 1));
          }
        });
  }

  void get(String path, GetCallback callback) {
    if (closed) {
      return;
    }
    port.get(
        path,
        (code, data, version) -> {
          if (!closed && answered(code, path, () -> get(path, callback))) {
            callback.done(code == ResultCode.OK ? data : null, version);
          }
        });
  }

  /** Names below a path; none if it is not there. */
  void children(String path, Consumer<List<String>> callback) {
    if (closed) {
      return;
    }
    port.children(
        path,
        (code, names) -> {
          if (!closed && answered(code, path, () -> children(path, callback))) {
            callback.accept(names.stream().sorted().toList());
          }
        });
  }

  /** What is read from now on has everything that was committed before. */
  void sync(Runnable callback) {
    if (closed) {
      return;
    }
    port.sync(
        layout.checkpoint(),
        code -> {
          if (!closed && answered(code, layout.checkpoint(), () -> sync(callback))) {
            callback.run();
          }
        });
  }

  private boolean answered(ResultCode code, String path, Runnable repeat) {
    if (code.unknown()) {
      again(repeat);
      return false;
    }
    if (code == ResultCode.CLOSED) {
      close();
      return false;
    }
    if (code != ResultCode.OK && code != ResultCode.NO_NODE) {
      fail("cannot read " + path + ": " + code);
      return false;
    }
    return true;
  }

  private void again(Runnable repeat) {
    Timers.Timer _ =
        timers.after(
            RETRY,
            () -> {
              if (!closed) {
                repeat.run();
              }
            });
  }

  void fail(String why) {
    if (!closed) {
      close();
      failure.failed(why);
    }
  }
}

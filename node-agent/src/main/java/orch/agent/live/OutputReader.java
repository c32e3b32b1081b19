package orch.agent.live;

import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;

/** Reads a pipe or terminal to its end, on a thread of its own, and sends what it read. */
final class OutputReader {
  private static final int BUFFER = 32 * 1024;
  private static final int POLL_MILLIS = 200;

  private final Linux linux;
  private final int descriptor;
  private final int stream;
  private final Conversation conversation;
  private final Runnable gone;
  private final CountDownLatch done = new CountDownLatch(1);
  private volatile boolean closing;

  /**
   * @param descriptor stays open
   * @param gone told when the receiver is
   */
  OutputReader(Linux linux, int descriptor, int stream, Conversation conversation, Runnable gone) {
    this.linux = linux;
    this.descriptor = descriptor;
    this.stream = stream;
    this.conversation = conversation;
    this.gone = gone;
  }

  void start(String name) {
    Thread.ofPlatform().daemon().name(name).start(this::run);
  }

  /** Stops at the next moment at which nothing is there. */
  void close() {
    closing = true;
  }

  int descriptor() {
    return descriptor;
  }

  /** Waits until everything was sent. */
  void await() throws InterruptedException {
    done.await();
  }

  private void run() {
    byte[] buffer = new byte[BUFFER];
    try {
      while (true) {
        int count = linux.read(descriptor, buffer, POLL_MILLIS);
        if (count < 0 || (count == 0 && closing)) {
          return;
        }
        if (count > 0 && !conversation.send(stream, Arrays.copyOf(buffer, count))) {
          gone.run();
          return;
        }
      }
    } catch (LinuxException broken) {
      // Then there is no more to read.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      done.countDown();
    }
  }
}

package orch.agent.live;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;

/**
 * Writes what comes in to a pipe or terminal, on a thread of its own, and grants credit for what
 * was written: so a command that does not read holds back whoever sends.
 */
final class InputWriter {
  /** Bytes that may be on their way. */
  static final int WINDOW = 256 * 1024;

  /** What a pipe takes without blocking, once poll(2) says that it takes something. */
  private static final int PIECE = 4_096;

  private static final int POLL_MILLIS = 200;

  /** End of transmission, as the line discipline of a terminal reads it. */
  private static final byte[] END_OF_TRANSMISSION = {4};

  private static final byte[] END = new byte[0];

  private final Linux linux;
  private final int descriptor;
  private final boolean terminal;
  private final boolean own;
  private final Conversation conversation;
  private final Runnable ended;
  private final BlockingQueue<byte[]> waiting = new LinkedBlockingQueue<>();
  private final CountDownLatch done = new CountDownLatch(1);
  private volatile boolean closing;

  /**
   * @param terminal the end of the input is said to its line discipline
   * @param own the descriptor is closed in the end
   * @param ended told once the input has ended on purpose
   */
  InputWriter(
      Linux linux,
      int descriptor,
      boolean terminal,
      boolean own,
      Conversation conversation,
      Runnable ended) {
    this.own = own;
    this.linux = linux;
    this.descriptor = descriptor;
    this.terminal = terminal;
    this.conversation = conversation;
    this.ended = ended;
  }

  void start(String name) {
    conversation.credit(WINDOW);
    Thread.ofPlatform().daemon().name(name).start(this::run);
  }

  void write(byte[] bytes) {
    if (bytes.length > 0) {
      waiting.add(bytes);
    }
  }

  void end() {
    waiting.add(END);
  }

  /** Gives up what was not written. */
  void close() {
    closing = true;
    waiting.add(END);
  }

  private void run() {
    boolean open = true;
    boolean over = false;
    try {
      while (!closing) {
        byte[] next = waiting.take();
        if (next.length == 0) {
          if (terminal && !closing) {
            put(END_OF_TRANSMISSION);
            continue;
          }
          over = !closing;
          return;
        }
        // Whoever does not read any more is no reason to hold up who sends.
        open = open && put(next);
        conversation.credit(next.length);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      closeDescriptor();
      done.countDown();
      if (over) {
        ended.run();
      }
    }
  }

  private void closeDescriptor() {
    if (own) {
      linux.close(descriptor);
    }
  }

  /** Instead of {@link #start}. */
  void drop() {
    closeDescriptor();
  }

  /** Waits until nothing is written any more. */
  void await() throws InterruptedException {
    done.await();
  }

  private boolean put(byte[] bytes) {
    try {
      int at = 0;
      while (at < bytes.length && !closing) {
        at += linux.write(descriptor, bytes, at, Math.min(PIECE, bytes.length - at), POLL_MILLIS);
      }
      return true;
    } catch (LinuxException nobodyReads) {
      return false;
    }
  }
}

package orch.controller.http;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import org.eclipse.jetty.io.AbstractEndPoint;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.Callback;

/**
 * Notices that the client of a stream has hung up while nothing is written to it. HTTP/1.1 has no
 * word for that but the end of the connection's input, which nobody else reads during an answer.
 * The connection must be closed after the answer: what the client sent ahead is thrown away.
 */
final class DisconnectWatch implements Callback {
  private static final int BUFFER_BYTES = 1024;

  private final EndPoint endPoint;
  private final Runnable gone;
  private final ReentrantLock lock = new ReentrantLock();
  private boolean stopped;

  DisconnectWatch(EndPoint endPoint, Runnable gone) {
    this.endPoint = endPoint;
    this.gone = gone;
  }

  /** From now on; the request has been read to its end. */
  void start() {
    lock.lock();
    try {
      if (!stopped) {
        // Refused only when somebody else reads, who will notice the end then.
        endPoint.tryFillInterested(this);
      }
    } finally {
      lock.unlock();
    }
  }

  /** No more, and the server may have its connection back. */
  void stop() {
    lock.lock();
    try {
      stopped = true;
    } finally {
      lock.unlock();
    }
    if (endPoint instanceof AbstractEndPoint watched) {
      watched.getFillInterest().onFail(new CancellationException("the answer has ended"));
    }
  }

  @Override
  public void succeeded() {
    ByteBuffer buffer = BufferUtil.allocate(BUFFER_BYTES);
    try {
      int read;
      do {
        BufferUtil.clear(buffer);
        read = endPoint.fill(buffer);
      } while (read > 0);
      if (read == 0) {
        start();
        return;
      }
    } catch (IOException broken) {
      gone.run();
      return;
    }
    gone.run();
  }

  @Override
  public void failed(Throwable failure) {
    if (failure instanceof TimeoutException && endPoint.isOpen()) {
      // The connection's idle timeout: a stream may be silent for as long as it likes.
      start();
    } else {
      gone.run();
    }
  }

  @Override
  public InvocationType getInvocationType() {
    return InvocationType.NON_BLOCKING;
  }
}

package orch.controller.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A stream of answers that is written by a virtual thread of its own, which waits while the client
 * does not read. The thread is interrupted when the client is gone.
 */
final class Outlet<T> {
  private static final Logger LOG = LoggerFactory.getLogger(Outlet.class);

  private final ServerCallStreamObserver<T> observer;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition ready = lock.newCondition();

  private Outlet(ServerCallStreamObserver<T> observer) {
    this.observer = observer;
  }

  /** What writes a stream; returns at its end, and fails with the stream's error. */
  interface Writer<T> {
    void write(Outlet<T> out) throws InterruptedException;
  }

  /**
   * Starts {@code writer}; to be called by the service method itself.
   *
   * @param done runs when the writer has ended
   */
  static <T> void start(
      String name, ServerCallStreamObserver<T> observer, Writer<T> writer, Runnable done) {
    Outlet<T> outlet = new Outlet<>(observer);
    Thread thread = Thread.ofVirtual().name(name).unstarted(() -> outlet.run(writer, done));
    observer.setOnReadyHandler(outlet::signal);
    observer.setOnCancelHandler(thread::interrupt);
    thread.start();
  }

  /** Writes when the client takes it. */
  void send(T message) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (!observer.isReady()) {
        ready.await();
      }
    } finally {
      lock.unlock();
    }
    observer.onNext(message);
  }

  private void signal() {
    lock.lock();
    try {
      ready.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void run(Writer<T> writer, Runnable done) {
    try {
      writer.write(this);
      observer.onCompleted();
    } catch (InterruptedException clientGone) {
      LOG.debug("a client left its stream");
    } catch (RuntimeException failure) {
      if (!observer.isCancelled()) {
        observer.onError(Errors.of(failure));
      }
    } finally {
      done.run();
    }
  }
}

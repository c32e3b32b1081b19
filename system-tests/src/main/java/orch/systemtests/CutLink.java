package orch.systemtests;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A TCP proxy on loopback that can stop to forward, as a broken network does: connections stay
 * open, and what was sent meanwhile arrives once it forwards again.
 */
public final class CutLink implements AutoCloseable {
  private static final int BUFFER = 16 * 1024;

  private final ServerSocket listener;
  private final int target;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private boolean cut;
  private boolean closed;

  /** Forwards to a port of loopback. */
  public CutLink(int target) throws IOException {
    this.target = target;
    listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().name("cut-link").start(this::accept);
  }

  public int port() {
    return listener.getLocalPort();
  }

  /** Nothing passes any more, in neither direction. */
  public void cut() {
    set(true);
  }

  public void heal() {
    set(false);
  }

  private void set(boolean to) {
    lock.lock();
    try {
      cut = to;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        connect(listener.accept());
      } catch (IOException closing) {
        return; // This link is closed.
      }
    }
  }

  private void connect(Socket from) throws IOException {
    Socket to = new Socket();
    try {
      to.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), target));
    } catch (IOException refused) {
      // The controller is down: whoever dialled is told so, and tries again.
      from.close();
      to.close();
      return;
    }
    Thread.ofVirtual().start(() -> forward(from, to));
    Thread.ofVirtual().start(() -> forward(to, from));
  }

  private void forward(Socket from, Socket to) {
    byte[] buffer = new byte[BUFFER];
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        awaitWhole();
        out.write(buffer, 0, n);
        out.flush();
      }
      awaitWhole();
    } catch (IOException broken) {
      return; // Closing both ends tells them.
    }
  }

  private void awaitWhole() throws IOException {
    lock.lock();
    try {
      while (cut && !closed) {
        changed.awaitUninterruptibly();
      }
      if (closed) {
        throw new IOException("the link is closed");
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() throws IOException {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    listener.close();
  }
}

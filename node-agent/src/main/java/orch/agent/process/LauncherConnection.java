package orch.agent.process;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;

/** The sockets to a launcher and its shims, read by one thread. */
final class LauncherConnection {
  interface Reader {
    /** A message; {@code passedFd} -1: none came with it. */
    void message(LauncherConnection from, Incoming message, int passedFd);

    /** The launcher is gone, or speaks nonsense. */
    void broken(LauncherConnection which, String why);
  }

  private static final int EVENTS = 64;

  private final Linux linux;
  private final Reader reader;
  private final int socket;
  private final int epoll;
  private final int wake;
  private final Thread thread;
  private final LauncherKeeper keeper;

  /** Guarded by itself. */
  private final List<Integer> shims = new ArrayList<>();

  private volatile boolean closed;

  private LauncherConnection(Linux linux, Reader reader, int socket) throws LinuxException {
    this.linux = linux;
    this.reader = reader;
    this.socket = socket;
    this.epoll = linux.epollCreate();
    this.wake = linux.eventFd();
    linux.epollAdd(epoll, socket, Linux.IN);
    linux.epollAdd(epoll, wake, Linux.IN);
    this.thread = Thread.ofPlatform().name("launcher").daemon().unstarted(this::run);
    this.keeper = new LauncherKeeper(linux, this::send);
  }

  /** Connects to the launcher, starting one where none listens. */
  static LauncherConnection open(Linux linux, LauncherProcess process, Reader reader)
      throws IOException {
    int socket = process.connect(linux);
    LauncherConnection connection = new LauncherConnection(linux, reader, socket);
    connection.thread.start();
    return connection;
  }

  /** What this launcher keeps for agents to come. */
  LauncherKeeper keeper() {
    return keeper;
  }

  void send(byte[] message) {
    send(message, List.of());
  }

  void send(byte[] message, List<Integer> descriptors) {
    try {
      linux.send(socket, message, message.length, descriptors, true);
    } catch (LinuxException e) {
      reader.broken(this, String.valueOf(e.getMessage()));
    }
  }

  /** Reads this shim's socket too, from now on. */
  void watch(int fd) {
    try {
      synchronized (shims) {
        shims.add(fd);
      }
      linux.epollAdd(epoll, fd, Linux.IN);
    } catch (LinuxException e) {
      reader.broken(this, String.valueOf(e.getMessage()));
    }
  }

  /**
   * Ends the thread, then closes the sockets: whoever calls this is the one who sends, so nothing
   * is ever sent to a descriptor that was closed and given to another.
   */
  void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      linux.eventSignal(wake);
      thread.join();
    } catch (LinuxException e) {
      throw new IllegalStateException("cannot wake the launcher's thread", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    }
    synchronized (shims) {
      shims.forEach(linux::close);
      shims.clear();
    }
    keeper.close();
    linux.close(socket);
    linux.close(epoll);
    linux.close(wake);
  }

  private void run() {
    byte[] buffer = new byte[Protocol.MAX_DATAGRAM];
    try {
      while (!closed) {
        for (Linux.Ready ready : linux.epollWait(epoll, EVENTS, -1)) {
          if (ready.fd() != wake && !closed) {
            readAll(ready.fd(), buffer);
          }
        }
      }
    } catch (LinuxException | Incoming.MalformedException e) {
      reader.broken(this, String.valueOf(e.getMessage()));
    }
  }

  private void readAll(int fd, byte[] buffer) throws LinuxException {
    while (!closed) {
      Linux.Received received = linux.receive(fd, buffer, false);
      if (received == null) {
        return;
      }
      if (received.length() == 0) {
        if (fd == socket) {
          throw new Incoming.MalformedException("the launcher closed the connection");
        }
        // A shim that retired; its launcher tells of replacements.
        linux.epollRemove(epoll, fd);
        return;
      }
      Incoming message = Incoming.read(buffer, received.length());
      int passed = received.descriptors().isEmpty() ? -1 : received.descriptors().getFirst();
      reader.message(this, message, passed);
    }
  }
}

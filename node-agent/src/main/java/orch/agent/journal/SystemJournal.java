package orch.agent.journal;

import orch.agent.linux.Errno;
import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;

/** The journald of this host. */
public final class SystemJournal implements JournalSocket {
  /** Where systemd-journald listens for its native protocol. */
  public static final String PATH = "/run/systemd/journal/socket";

  private final Linux linux;
  private final String path;
  private final int socket;

  public SystemJournal(Linux linux, String path) throws LinuxException {
    this.linux = linux;
    this.path = path;
    this.socket = linux.datagramSocket();
  }

  @Override
  public boolean send(byte[] entry) {
    try {
      return linux.sendTo(socket, path, entry);
    } catch (LinuxException e) {
      // Larger than the socket takes: waiting would not help, the line is in the segments.
      return e.errno() == Errno.EMSGSIZE;
    }
  }

  @Override
  public void close() {
    linux.close(socket);
  }
}

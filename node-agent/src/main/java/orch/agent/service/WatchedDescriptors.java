package orch.agent.service;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Descriptors that are watched until they are closed, and closed here. An epoll instance watches
 * open files, not descriptors: one of which another process holds a duplicate would be reported
 * after its close too, under a number that may be another's by then (epoll(7), questions 6 and 9).
 *
 * <p>Not thread-safe but for {@link #await}.
 */
final class WatchedDescriptors {
  private static final Logger log = LoggerFactory.getLogger(WatchedDescriptors.class);

  private final Linux linux;
  private final int epoll;
  private final Set<Integer> watched = new HashSet<>();

  WatchedDescriptors(Linux linux) throws LinuxException {
    this.linux = linux;
    this.epoll = linux.epollCreate();
  }

  /**
   * Watches until {@link #close(int)}. EPERM: it is of a kind that never has to be waited for, as a
   * regular file.
   */
  void watch(int fd, int events) throws LinuxException {
    linux.epollAdd(epoll, fd, events);
    watched.add(fd);
  }

  /** Closes a descriptor, watched or not. */
  void close(int fd) {
    if (watched.remove(fd)) {
      try {
        linux.epollRemove(epoll, fd);
      } catch (LinuxException e) {
        log.error("descriptor {} is watched for ever", fd, e);
      }
    }
    linux.close(fd);
  }

  /** Returns once there may be something {@link #ready}. */
  void await() throws LinuxException {
    List<Linux.Ready> _ = linux.epollWait(epoll, 1, -1);
  }

  /**
   * At most one, so that what is done about it can close others: nothing that was reported before a
   * close is left to be read after it.
   */
  List<Linux.Ready> ready() throws LinuxException {
    return linux.epollWait(epoll, 1, 0);
  }
}

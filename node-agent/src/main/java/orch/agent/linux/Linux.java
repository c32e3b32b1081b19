package orch.agent.linux;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The Linux calls that the agent needs and the JDK does not have. Descriptors are close-on-exec.
 * Every method throws {@link LinuxException} with the call's errno unless it says otherwise.
 */
public interface Linux {
  /** Bits of {@link Ready#events}: EPOLLIN, EPOLLPRI, EPOLLERR, EPOLLHUP (epoll_ctl(2)). */
  int IN = 1;

  int PRI = 2;
  int ERR = 8;
  int HUP = 16;

  /** A descriptor on which something happened. */
  record Ready(int fd, int events) {}

  /**
   * A datagram that was received.
   *
   * @param length its bytes in the buffer
   * @param descriptors passed with it; the receiver closes them
   * @param truncated whether it was longer than the buffer
   */
  record Received(int length, List<Integer> descriptors, boolean truncated) {
    public Received {
      descriptors = List.copyOf(descriptors);
    }
  }

  /**
   * A datagram and who sent it, as the kernel vouches for it.
   *
   * @param length its bytes in the buffer
   * @param pid of the sender; 0: the kernel did not say
   * @param uid of the sender
   * @param descriptors passed with it; the receiver closes them
   * @param truncated whether it, or what was passed with it, was more than there was room for
   */
  record Delivery(int length, int pid, int uid, List<Integer> descriptors, boolean truncated) {
    public Delivery {
      descriptors = List.copyOf(descriptors);
    }
  }

  /** Flags of {@link #open}: open(2). */
  int READ_ONLY = 0;

  int READ_WRITE = 2;
  int NON_BLOCKING = 0x800;

  /** A connected AF_UNIX SOCK_SEQPACKET socket; unix(7). */
  int connectSeqpacket(String path) throws LinuxException;

  /** A non-blocking, unconnected AF_UNIX SOCK_DGRAM socket; unix(7). */
  int datagramSocket() throws LinuxException;

  /**
   * Sends one datagram to a bound socket without waiting; sendto(2).
   *
   * @return false when its queue is full or nobody is there: EAGAIN, ENOENT, ECONNREFUSED, ENOBUFS
   */
  boolean sendTo(int fd, String path, byte[] datagram) throws LinuxException;

  /**
   * Sends one datagram on a connected socket, with descriptors by SCM_RIGHTS; sendmsg(2) with
   * MSG_NOSIGNAL.
   *
   * @return false when it would block (only with {@code wait} false)
   */
  boolean send(int fd, byte[] datagram, int length, List<Integer> descriptors, boolean wait)
      throws LinuxException;

  /**
   * Receives one datagram; recvmsg(2) with MSG_CMSG_CLOEXEC.
   *
   * @return null when there is none and {@code wait} is false; a length of 0 is the end of the
   *     stream
   */
  @Nullable Received receive(int fd, byte[] buffer, boolean wait) throws LinuxException;

  /**
   * A non-blocking AF_UNIX SOCK_DGRAM socket that is bound to {@code path} and tells who sends:
   * bind(2), SO_PASSCRED of unix(7). What was at the path must be gone: EADDRINUSE.
   */
  int bindDatagram(String path) throws LinuxException;

  /**
   * Receives one datagram with its sender's credentials, without waiting; recvmsg(2) with
   * MSG_CMSG_CLOEXEC, SCM_CREDENTIALS and SCM_RIGHTS of unix(7).
   *
   * @return null when there is none
   */
  @Nullable Delivery receiveFrom(int fd, byte[] buffer) throws LinuxException;

  /** open(2) with O_CLOEXEC and {@code flags}. */
  int open(String path, int flags) throws LinuxException;

  /** Reads a file from its beginning; pread(2). Answers how many bytes there are. */
  int readAtStart(int fd, byte[] buffer) throws LinuxException;

  /**
   * write(2), once.
   *
   * @return false when it would block or nobody reads: EAGAIN, EPIPE
   */
  boolean write(int fd, byte[] bytes) throws LinuxException;

  /** A FIFO with mode 0600; mkfifo(3). */
  void makeFifo(String path) throws LinuxException;

  /** epoll_create1(2). */
  int epollCreate() throws LinuxException;

  /** Adds a descriptor, level-triggered; epoll_ctl(2). */
  void epollAdd(int epoll, int fd, int events) throws LinuxException;

  /** Removes a descriptor; epoll_ctl(2). */
  void epollRemove(int epoll, int fd) throws LinuxException;

  /**
   * Waits; epoll_wait(2). An interrupted wait is an empty list.
   *
   * @param timeoutMillis -1: without end
   */
  List<Ready> epollWait(int epoll, int most, int timeoutMillis) throws LinuxException;

  /** A non-blocking eventfd with the value 0; eventfd(2). */
  int eventFd() throws LinuxException;

  /** Adds 1 to an eventfd. */
  void eventSignal(int fd) throws LinuxException;

  /** Sets an eventfd back to 0. */
  void eventClear(int fd) throws LinuxException;

  /** Another descriptor for the same open file; fcntl(2) with F_DUPFD_CLOEXEC. */
  int duplicate(int fd) throws LinuxException;

  /** close(2); errors are ignored, the descriptor is gone in any case. */
  void close(int fd);

  /**
   * A pipe; pipe2(2).
   *
   * @return reading end and writing end; both block
   */
  Pipe pipe() throws LinuxException;

  /** Ends of a pipe. */
  record Pipe(int reading, int writing) {}

  /** A pseudo-terminal. */
  record Terminal(int master, int slave, String path) {}

  /** A pseudo-terminal that is nobody's controlling one; posix_openpt(3), ptsname(3). */
  Terminal terminal() throws LinuxException;

  /** Tells a terminal how large it is, and its foreground group by SIGWINCH; ioctl_tty(2). */
  void windowSize(int terminal, int rows, int columns) throws LinuxException;

  /** Makes reads and writes return at once; fcntl(2), F_SETFL. */
  void nonBlocking(int fd) throws LinuxException;

  /**
   * Reads what is there, waiting for it; poll(2), read(2).
   *
   * @return -1: the end (of a terminal: nobody has it open any more), 0: nothing came in time
   */
  int read(int fd, byte[] buffer, int timeoutMillis) throws LinuxException;

  /**
   * Writes what fits, waiting until something does; poll(2), write(2).
   *
   * @return bytes written; 0: nothing could be in time
   */
  int write(int fd, byte[] bytes, int offset, int length, int timeoutMillis) throws LinuxException;

  /** pidfd_open(2). */
  int pidfdOpen(int pid) throws LinuxException;

  /** pidfd_send_signal(2); signal 0 only checks. */
  void pidfdSendSignal(int pidfd, int signal) throws LinuxException;

  /** Nanoseconds of CLOCK_BOOTTIME; clock_gettime(2). Does not fail. */
  long bootNanos();

  /** Effective user id; geteuid(2). Does not fail. */
  int effectiveUser();

  /**
   * The user of that login name; getpwnam_r(3) and getgrouplist(3), so by whatever the host's name
   * service knows.
   *
   * @return null when there is no such user
   */
  @Nullable UserAccount userNamed(String name) throws LinuxException;

  /** The user of that id; getpwuid_r(3). Null when there is no such user. */
  @Nullable UserAccount userOf(int uid) throws LinuxException;

  /** chown(2), following symbolic links. */
  void changeOwner(String path, int uid, int gid) throws LinuxException;
}

package orch.agent.linux;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The calls by JNA, for 64-bit Linux on x86-64 and arm64. */
public final class JnaLinux implements Linux {
  private static final int AF_UNIX = 1;
  private static final int SOCK_DGRAM = 2;
  private static final int SOCK_SEQPACKET = 5;
  private static final int SOCK_NONBLOCK = 0x800;
  private static final int SOCK_CLOEXEC = 0x80000;
  private static final int SOL_SOCKET = 1;
  private static final int SCM_RIGHTS = 1;
  private static final int SCM_CREDENTIALS = 2;
  private static final int SO_PASSCRED = 16;
  private static final int F_DUPFD_CLOEXEC = 1030;
  private static final int O_CLOEXEC = 0x80000;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int MSG_CTRUNC = 0x8;
  private static final int MSG_NOSIGNAL = 0x4000;
  private static final int MSG_CMSG_CLOEXEC = 0x40000000;
  private static final int MSG_TRUNC = 0x20;
  private static final int O_RDWR = 2;
  private static final int O_NOCTTY = 0x100;
  private static final int O_NONBLOCK = 0x800;
  private static final int F_GETFL = 3;
  private static final int F_SETFL = 4;
  private static final int OUT = 4;
  private static final long TIOCSWINSZ = 0x5414;
  private static final int EPOLL_CLOEXEC = 0x80000;
  private static final int EPOLL_CTL_ADD = 1;
  private static final int EPOLL_CTL_DEL = 2;
  private static final int EFD_CLOEXEC_NONBLOCK = 0x80800;
  private static final int CLOCK_BOOTTIME = 7;
  private static final long SYS_PIDFD_SEND_SIGNAL = 424;
  private static final long SYS_PIDFD_OPEN = 434;

  /** struct epoll_event is packed on x86-64 only. */
  private static final boolean PACKED_EVENT = System.getProperty("os.arch").equals("amd64");

  private static final int EVENT_SIZE = PACKED_EVENT ? 12 : 16;
  private static final int EVENT_DATA = PACKED_EVENT ? 4 : 8;

  private static final int MAX_PASSED = 64;

  /** struct msghdr and struct iovec on 64-bit Linux; recvmsg(2). */
  private static final int MSG_IOV = 16;

  private static final int MSG_IOVLEN = 24;
  private static final int MSG_CONTROL = 32;
  private static final int MSG_CONTROLLEN = 40;
  private static final int MSG_FLAGS = 48;
  private static final int MSG_SIZE = 56;
  private static final int IOV_SIZE = 16;
  private static final int CMSG_HEADER = 16;

  /** A control message with struct ucred. */
  private static final int CREDENTIALS_SPACE = 32;

  /** struct passwd: name, passwd, uid, gid, gecos, dir, shell. */
  private static final int PASSWD_SIZE = 48;

  private static final int SOCKADDR_PATH = 108;

  /** Message memory of each thread, so that a call allocates nothing. */
  private static final class Buffers {
    final Memory message = new Memory(MSG_SIZE);
    final Memory vector = new Memory(IOV_SIZE);
    final Memory control = new Memory(CREDENTIALS_SPACE + CMSG_HEADER + 4L * MAX_PASSED);
    Memory data = new Memory(65_536);
    Memory events = new Memory(EVENT_SIZE * 256L);
  }

  private final ThreadLocal<Buffers> buffers = ThreadLocal.withInitial(Buffers::new);

  @Override
  public int connectSeqpacket(String path) throws LinuxException {
    int fd = LibC.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    check("socket", "", fd);
    byte[] address = address(path);
    if (LibC.connect(fd, address, address.length) < 0) {
      int errno = Native.getLastError();
      LibC.close(fd);
      throw new LinuxException("connect", path, errno);
    }
    return fd;
  }

  @Override
  public int datagramSocket() throws LinuxException {
    return check("socket", "", LibC.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  }

  @Override
  public boolean sendTo(int fd, String path, byte[] datagram) throws LinuxException {
    byte[] address = address(path);
    while (true) {
      long sent =
          LibC.sendto(
              fd, datagram, datagram.length, MSG_NOSIGNAL | MSG_DONTWAIT, address, address.length);
      if (sent >= 0) {
        return true;
      }
      int errno = Native.getLastError();
      switch (errno) {
        case Errno.EINTR -> {}
        case Errno.EAGAIN, Errno.ENOENT, Errno.ECONNREFUSED, Errno.ENOBUFS -> {
          return false;
        }
        default -> throw new LinuxException("sendto", path, errno);
      }
    }
  }

  @Override
  public boolean send(int fd, byte[] datagram, int length, List<Integer> descriptors, boolean wait)
      throws LinuxException {
    Buffers at = buffers.get();
    at.data = atLeast(at.data, length);
    at.data.write(0, datagram, 0, length);
    prepare(at, length, 0);
    if (!descriptors.isEmpty()) {
      long size = CMSG_HEADER + 4L * descriptors.size();
      at.control.setLong(0, size);
      at.control.setInt(8, SOL_SOCKET);
      at.control.setInt(12, SCM_RIGHTS);
      for (int i = 0; i < descriptors.size(); i++) {
        at.control.setInt(CMSG_HEADER + 4L * i, descriptors.get(i));
      }
      at.message.setPointer(MSG_CONTROL, at.control);
      at.message.setLong(MSG_CONTROLLEN, size);
    }
    while (true) {
      if (LibC.sendmsg(fd, at.message, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT)) >= 0) {
        return true;
      }
      int errno = Native.getLastError();
      if (errno == Errno.EAGAIN && !wait) {
        return false;
      }
      if (errno != Errno.EINTR) {
        throw new LinuxException("sendmsg", "", errno);
      }
    }
  }

  @Override
  public @Nullable Received receive(int fd, byte[] buffer, boolean wait) throws LinuxException {
    Buffers at = buffers.get();
    at.data = atLeast(at.data, buffer.length);
    while (true) {
      prepare(at, buffer.length, CMSG_HEADER + 4L * MAX_PASSED);
      long length = LibC.recvmsg(fd, at.message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
      if (length >= 0) {
        at.data.read(0, buffer, 0, (int) length);
        return new Received(
            (int) length, passed(at), (at.message.getInt(MSG_FLAGS) & MSG_TRUNC) != 0);
      }
      int errno = Native.getLastError();
      if (errno == Errno.EAGAIN && !wait) {
        return null;
      }
      if (errno != Errno.EINTR) {
        throw new LinuxException("recvmsg", "", errno);
      }
    }
  }

  @Override
  public int bindDatagram(String path) throws LinuxException {
    int fd = datagramSocket();
    byte[] address = address(path);
    byte[] one = new byte[4];
    ByteBuffer.wrap(one).order(ByteOrder.nativeOrder()).putInt(1);
    boolean done = false;
    try {
      check(
          "setsockopt",
          "SO_PASSCRED",
          LibC.setsockopt(fd, SOL_SOCKET, SO_PASSCRED, one, one.length));
      check("bind", path, LibC.bind(fd, address, address.length));
      done = true;
      return fd;
    } finally {
      if (!done) {
        LibC.close(fd);
      }
    }
  }

  @Override
  public @Nullable Delivery receiveFrom(int fd, byte[] buffer) throws LinuxException {
    Buffers at = buffers.get();
    at.data = atLeast(at.data, buffer.length);
    while (true) {
      prepare(at, buffer.length, at.control.size());
      long length = LibC.recvmsg(fd, at.message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
      if (length >= 0) {
        at.data.read(0, buffer, 0, (int) length);
        return delivery(at, (int) length);
      }
      int errno = Native.getLastError();
      if (errno == Errno.EAGAIN) {
        return null;
      }
      if (errno != Errno.EINTR) {
        throw new LinuxException("recvmsg", "", errno);
      }
    }
  }

  /** Walks the control messages, each aligned to 8; cmsg(3). */
  private static Delivery delivery(Buffers at, int length) {
    int pid = 0;
    int uid = -1;
    List<Integer> descriptors = new ArrayList<>();
    long end = at.message.getLong(MSG_CONTROLLEN);
    for (long start = 0; start + CMSG_HEADER <= end; ) {
      long size = at.control.getLong(start);
      if (size < CMSG_HEADER || start + size > end) {
        break;
      }
      int type = at.control.getInt(start + 12);
      if (at.control.getInt(start + 8) == SOL_SOCKET && type == SCM_RIGHTS) {
        for (long each = CMSG_HEADER; each + 4 <= size; each += 4) {
          descriptors.add(at.control.getInt(start + each));
        }
      } else if (at.control.getInt(start + 8) == SOL_SOCKET && type == SCM_CREDENTIALS) {
        pid = at.control.getInt(start + CMSG_HEADER);
        uid = at.control.getInt(start + CMSG_HEADER + 4);
      }
      start += (size + 7) & ~7L;
    }
    boolean truncated = (at.message.getInt(MSG_FLAGS) & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    return new Delivery(length, pid, uid, descriptors, truncated);
  }

  @Override
  public int open(String path, int flags) throws LinuxException {
    return check("open", path, LibC.open(path, flags | O_CLOEXEC, 0));
  }

  @Override
  public int readAtStart(int fd, byte[] buffer) throws LinuxException {
    return (int) check("pread", "", LibC.pread(fd, buffer, buffer.length, 0));
  }

  @Override
  public boolean write(int fd, byte[] bytes) throws LinuxException {
    if (LibC.write(fd, bytes, bytes.length) >= 0) {
      return true;
    }
    int errno = Native.getLastError();
    if (errno == Errno.EAGAIN || errno == Errno.EPIPE) {
      return false;
    }
    throw new LinuxException("write", "", errno);
  }

  @Override
  public void makeFifo(String path) throws LinuxException {
    check("mkfifo", path, LibC.mkfifo(path, 0600));
  }

  @Override
  public int epollCreate() throws LinuxException {
    return check("epoll_create1", "", LibC.epoll_create1(EPOLL_CLOEXEC));
  }

  @Override
  public void epollAdd(int epoll, int fd, int events) throws LinuxException {
    byte[] event = new byte[EVENT_SIZE];
    ByteBuffer.wrap(event).order(ByteOrder.nativeOrder()).putInt(0, events).putInt(EVENT_DATA, fd);
    check("epoll_ctl", "add", LibC.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, event));
  }

  @Override
  public void epollRemove(int epoll, int fd) throws LinuxException {
    check("epoll_ctl", "del", LibC.epoll_ctl(epoll, EPOLL_CTL_DEL, fd, new byte[EVENT_SIZE]));
  }

  @Override
  public List<Ready> epollWait(int epoll, int most, int timeoutMillis) throws LinuxException {
    Buffers at = buffers.get();
    at.events = atLeast(at.events, (long) EVENT_SIZE * most);
    int count = LibC.epoll_wait(epoll, at.events, most, timeoutMillis);
    if (count < 0) {
      int errno = Native.getLastError();
      if (errno == Errno.EINTR) {
        return List.of();
      }
      throw new LinuxException("epoll_wait", "", errno);
    }
    List<Ready> ready = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      long offset = (long) EVENT_SIZE * i;
      ready.add(new Ready(at.events.getInt(offset + EVENT_DATA), at.events.getInt(offset)));
    }
    return ready;
  }

  @Override
  public int eventFd() throws LinuxException {
    return check("eventfd", "", LibC.eventfd(0, EFD_CLOEXEC_NONBLOCK));
  }

  @Override
  public void eventSignal(int fd) throws LinuxException {
    byte[] one = new byte[8];
    ByteBuffer.wrap(one).order(ByteOrder.nativeOrder()).putLong(1);
    // A full counter is signalled all the same.
    if (LibC.write(fd, one, one.length) < 0 && Native.getLastError() != Errno.EAGAIN) {
      throw new LinuxException("write", "eventfd", Native.getLastError());
    }
  }

  @Override
  public void eventClear(int fd) throws LinuxException {
    if (LibC.read(fd, new byte[8], 8) < 0 && Native.getLastError() != Errno.EAGAIN) {
      throw new LinuxException("read", "eventfd", Native.getLastError());
    }
  }

  @Override
  public int duplicate(int fd) throws LinuxException {
    return check("fcntl", "F_DUPFD_CLOEXEC", LibC.fcntl(fd, F_DUPFD_CLOEXEC, 3));
  }

  @Override
  public void close(int fd) {
    LibC.close(fd);
  }

  @Override
  public Pipe pipe() throws LinuxException {
    int[] ends = new int[2];
    check("pipe2", "", LibC.pipe2(ends, O_CLOEXEC));
    return new Pipe(ends[0], ends[1]);
  }

  @Override
  public Terminal terminal() throws LinuxException {
    int master = check("posix_openpt", "", LibC.posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    try {
      check("grantpt", "", LibC.grantpt(master));
      check("unlockpt", "", LibC.unlockpt(master));
      byte[] name = new byte[64];
      int errno = LibC.ptsname_r(master, name, name.length);
      if (errno != 0) {
        throw new LinuxException("ptsname_r", "", errno);
      }
      String path = Native.toString(name, StandardCharsets.US_ASCII);
      return new Terminal(
          master, check("open", path, LibC.open(path, O_RDWR | O_NOCTTY | O_CLOEXEC, 0)), path);
    } catch (LinuxException e) {
      LibC.close(master);
      throw e;
    }
  }

  @Override
  public void windowSize(int terminal, int rows, int columns) throws LinuxException {
    byte[] size = new byte[8];
    ByteBuffer.wrap(size)
        .order(ByteOrder.nativeOrder())
        .putShort((short) rows)
        .putShort((short) columns);
    check("ioctl", "TIOCSWINSZ", LibC.ioctl(terminal, TIOCSWINSZ, size));
  }

  @Override
  public void nonBlocking(int fd) throws LinuxException {
    int flags = check("fcntl", "F_GETFL", LibC.fcntl(fd, F_GETFL, 0));
    check("fcntl", "F_SETFL", LibC.fcntl(fd, F_SETFL, flags | O_NONBLOCK));
  }

  /** Whether anything happened on it in time. */
  private static boolean awaits(int fd, int events, int timeoutMillis) throws LinuxException {
    byte[] poll = new byte[8];
    ByteBuffer.wrap(poll).order(ByteOrder.nativeOrder()).putInt(fd).putShort((short) events);
    int ready = LibC.poll(poll, 1, timeoutMillis);
    if (ready < 0 && Native.getLastError() != Errno.EINTR) {
      throw new LinuxException("poll", "", Native.getLastError());
    }
    return ready > 0;
  }

  @Override
  public int read(int fd, byte[] buffer, int timeoutMillis) throws LinuxException {
    if (!awaits(fd, IN, timeoutMillis)) {
      return 0;
    }
    long count = LibC.read(fd, buffer, buffer.length);
    if (count > 0) {
      return (int) count;
    }
    int errno = count == 0 ? Errno.EIO : Native.getLastError();
    return switch (errno) {
      case Errno.EIO -> -1;
      case Errno.EAGAIN, Errno.EINTR -> 0;
      default -> throw new LinuxException("read", "", errno);
    };
  }

  @Override
  public int write(int fd, byte[] bytes, int offset, int length, int timeoutMillis)
      throws LinuxException {
    if (!awaits(fd, OUT, timeoutMillis)) {
      return 0;
    }
    byte[] part =
        offset == 0 && length == bytes.length
            ? bytes
            : Arrays.copyOfRange(bytes, offset, offset + length);
    long count = LibC.write(fd, part, length);
    if (count >= 0) {
      return (int) count;
    }
    int errno = Native.getLastError();
    if (errno == Errno.EAGAIN || errno == Errno.EINTR) {
      return 0;
    }
    throw new LinuxException("write", "", errno);
  }

  @Override
  public int pidfdOpen(int pid) throws LinuxException {
    return (int)
        check("pidfd_open", Integer.toString(pid), LibC.syscall(SYS_PIDFD_OPEN, pid, 0, 0, 0));
  }

  @Override
  public void pidfdSendSignal(int pidfd, int signal) throws LinuxException {
    check(
        "pidfd_send_signal",
        Integer.toString(signal),
        LibC.syscall(SYS_PIDFD_SEND_SIGNAL, pidfd, signal, 0, 0));
  }

  @Override
  public long bootNanos() {
    long[] time = new long[2];
    LibC.clock_gettime(CLOCK_BOOTTIME, time);
    return time[0] * 1_000_000_000L + time[1];
  }

  @Override
  public int effectiveUser() {
    return LibC.geteuid();
  }

  @Override
  public @Nullable UserAccount userNamed(String name) throws LinuxException {
    return account(name, 0);
  }

  @Override
  public @Nullable UserAccount userOf(int uid) throws LinuxException {
    return account(null, uid);
  }

  @Override
  public void changeOwner(String path, int uid, int gid) throws LinuxException {
    check("chown", path, LibC.chown(path, uid, gid));
  }

  private static @Nullable UserAccount account(@Nullable String name, int uid)
      throws LinuxException {
    String what = name == null ? Integer.toString(uid) : name;
    Memory account = new Memory(PASSWD_SIZE);
    long[] result = new long[1];
    for (long size = 1_024; ; size *= 2) {
      Memory strings = new Memory(size);
      int errno =
          name == null
              ? LibC.getpwuid_r(uid, account, strings, size, result)
              : LibC.getpwnam_r(name, account, strings, size, result);
      if (errno == Errno.ERANGE && size < 1 << 20) {
        continue;
      }
      // getpwnam(3): these too may mean that there is no such user.
      if (errno != 0 && errno != Errno.ENOENT && errno != Errno.ESRCH && errno != Errno.EPERM) {
        throw new LinuxException("getpwnam_r", what, errno);
      }
      if (result[0] == 0) {
        return null;
      }
      String login = account.getPointer(0).getString(0);
      int gid = account.getInt(20);
      return new UserAccount(
          login,
          account.getInt(16),
          gid,
          account.getPointer(32).getString(0),
          account.getPointer(40).getString(0),
          groups(login, gid));
    }
  }

  private static List<Integer> groups(String login, int gid) {
    int[] count = {64};
    int[] groups = new int[count[0]];
    while (LibC.getgrouplist(login, gid, groups, count) < 0) {
      groups = new int[Math.max(count[0], groups.length * 2)];
      count[0] = groups.length;
    }
    return Arrays.stream(groups, 0, count[0]).boxed().toList();
  }

  private static void prepare(Buffers at, long length, long control) {
    at.vector.setPointer(0, at.data);
    at.vector.setLong(8, length);
    at.message.clear();
    at.message.setPointer(MSG_IOV, at.vector);
    at.message.setLong(MSG_IOVLEN, 1);
    if (control > 0) {
      at.message.setPointer(MSG_CONTROL, at.control);
      at.message.setLong(MSG_CONTROLLEN, control);
    }
  }

  private static List<Integer> passed(Buffers at) {
    if (at.message.getLong(MSG_CONTROLLEN) < CMSG_HEADER
        || at.control.getInt(8) != SOL_SOCKET
        || at.control.getInt(12) != SCM_RIGHTS) {
      return List.of();
    }
    long size = at.control.getLong(0);
    List<Integer> descriptors = new ArrayList<>();
    for (long offset = CMSG_HEADER; offset + 4 <= size; offset += 4) {
      descriptors.add(at.control.getInt(offset));
    }
    return descriptors;
  }

  private static Memory atLeast(Memory memory, long size) {
    return memory.size() >= size ? memory : new Memory(size);
  }

  private static byte[] address(String path) throws LinuxException {
    byte[] bytes = path.getBytes(StandardCharsets.UTF_8);
    if (bytes.length >= SOCKADDR_PATH) {
      throw new LinuxException("connect", path, Errno.EINVAL);
    }
    byte[] address = new byte[2 + bytes.length + 1];
    ByteBuffer.wrap(address).order(ByteOrder.nativeOrder()).putShort((short) AF_UNIX).put(bytes);
    return address;
  }

  private static int check(String call, String detail, int result) throws LinuxException {
    return (int) check(call, detail, (long) result);
  }

  private static long check(String call, String detail, long result) throws LinuxException {
    if (result < 0) {
      throw new LinuxException(call, detail, Native.getLastError());
    }
    return result;
  }
}

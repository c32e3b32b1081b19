package orch.agent.linux;

import com.sun.jna.Native;
import com.sun.jna.Pointer;

/** The C library, by direct mapping. */
final class LibC {
  static {
    Native.register(LibC.class, "c");
  }

  private LibC() {}

  static native int socket(int domain, int type, int protocol);

  static native int connect(int fd, byte[] address, int length);

  static native long sendto(
      int fd, byte[] data, long length, int flags, byte[] address, int addressLength);

  static native long sendmsg(int fd, Pointer message, int flags);

  static native long recvmsg(int fd, Pointer message, int flags);

  static native int epoll_create1(int flags);

  static native int epoll_ctl(int epoll, int operation, int fd, byte[] event);

  static native int epoll_wait(int epoll, Pointer events, int most, int timeoutMillis);

  static native int eventfd(int initial, int flags);

  static native long read(int fd, byte[] data, long length);

  static native long write(int fd, byte[] data, long length);

  static native int close(int fd);

  static native int fcntl(int fd, int command, long argument);

  static native int bind(int fd, byte[] address, int length);

  static native int setsockopt(int fd, int level, int option, byte[] value, int length);

  static native int open(String path, int flags, int mode);

  static native long pread(int fd, byte[] data, long length, long offset);

  static native int mkfifo(String path, int mode);

  static native int pipe2(int[] ends, int flags);

  static native int poll(byte[] descriptors, long count, int timeoutMillis);

  static native int ioctl(int fd, long request, byte[] argument);

  static native int posix_openpt(int flags);

  static native int grantpt(int fd);

  static native int unlockpt(int fd);

  static native int ptsname_r(int fd, byte[] name, long length);

  static native int clock_gettime(int clock, long[] time);

  static native int geteuid();

  static native int getpwnam_r(
      String name, Pointer account, Pointer buffer, long length, long[] result);

  static native int getpwuid_r(
      int uid, Pointer account, Pointer buffer, long length, long[] result);

  static native int getgrouplist(String name, int gid, int[] groups, int[] count);

  static native int chown(String path, int uid, int gid);

  static native long syscall(long number, long first, long second, long third, long fourth);
}

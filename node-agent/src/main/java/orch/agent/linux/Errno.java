package orch.agent.linux;

/** Error numbers of Linux (errno(3)), the same on x86-64 and arm64. */
public final class Errno {
  public static final int EPERM = 1;
  public static final int ENOENT = 2;
  public static final int ESRCH = 3;
  public static final int EINTR = 4;
  public static final int EIO = 5;
  public static final int E2BIG = 7;
  public static final int ENOEXEC = 8;
  public static final int EAGAIN = 11;
  public static final int ENOMEM = 12;
  public static final int EACCES = 13;
  public static final int EBUSY = 16;
  public static final int EEXIST = 17;
  public static final int ENOTDIR = 20;
  public static final int EISDIR = 21;
  public static final int EINVAL = 22;
  public static final int EMFILE = 24;
  public static final int ETXTBSY = 26;
  public static final int ENOSPC = 28;
  public static final int EROFS = 30;
  public static final int EPIPE = 32;
  public static final int ERANGE = 34;
  public static final int ELOOP = 40;
  public static final int EMSGSIZE = 90;
  public static final int EADDRINUSE = 98;
  public static final int ENOBUFS = 105;
  public static final int ECONNREFUSED = 111;
  public static final int EOWNERDEAD = 130;

  private Errno() {}

  /** {@code No such file or directory (ENOENT)}. */
  public static String describe(int errno) {
    return switch (errno) {
      case EPERM -> "Operation not permitted (EPERM)";
      case ENOENT -> "No such file or directory (ENOENT)";
      case ESRCH -> "No such process (ESRCH)";
      case EINTR -> "Interrupted (EINTR)";
      case E2BIG -> "Argument list too long (E2BIG)";
      case ENOEXEC -> "Exec format error (ENOEXEC)";
      case EAGAIN -> "Resource temporarily unavailable (EAGAIN)";
      case ENOMEM -> "Cannot allocate memory (ENOMEM)";
      case EACCES -> "Permission denied (EACCES)";
      case EBUSY -> "Device or resource busy (EBUSY)";
      case EEXIST -> "File exists (EEXIST)";
      case ENOTDIR -> "Not a directory (ENOTDIR)";
      case EISDIR -> "Is a directory (EISDIR)";
      case EINVAL -> "Invalid argument (EINVAL)";
      case EMFILE -> "Too many open files (EMFILE)";
      case ETXTBSY -> "Text file busy (ETXTBSY)";
      case ENOSPC -> "No space left on device (ENOSPC)";
      case EROFS -> "Read-only file system (EROFS)";
      case EPIPE -> "Broken pipe (EPIPE)";
      case ERANGE -> "Out of range (ERANGE)";
      case ELOOP -> "Too many levels of symbolic links (ELOOP)";
      case EMSGSIZE -> "Message too long (EMSGSIZE)";
      case EADDRINUSE -> "Address already in use (EADDRINUSE)";
      case ENOBUFS -> "No buffer space available (ENOBUFS)";
      case ECONNREFUSED -> "Connection refused (ECONNREFUSED)";
      case EOWNERDEAD -> "Owner died (EOWNERDEAD)";
      default -> "errno " + errno;
    };
  }
}

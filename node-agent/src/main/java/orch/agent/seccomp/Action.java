package orch.agent.seccomp;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of a call.
 *
 * @param value SECCOMP_RET_…, seccomp(2)
 */
record Action(int value) {
  static final Action ALLOW = new Action(0x7FFF0000);
  static final Action LOG = new Action(0x7FFC0000);
  static final Action KILL = new Action(0x80000000);

  private static final int ERRNO = 0x00050000;
  private static final int MAX_ERRNO = 4_095;

  /** Names with their numbers, errno(3): the same on every architecture here. */
  private static final List<String> NAMES =
      List.of(
          "",
          "EPERM",
          "ENOENT",
          "ESRCH",
          "EINTR",
          "EIO",
          "ENXIO",
          "E2BIG",
          "ENOEXEC",
          "EBADF",
          "ECHILD",
          "EAGAIN",
          "ENOMEM",
          "EACCES",
          "EFAULT",
          "ENOTBLK",
          "EBUSY",
          "EEXIST",
          "EXDEV",
          "ENODEV",
          "ENOTDIR",
          "EISDIR",
          "EINVAL",
          "ENFILE",
          "EMFILE",
          "ENOTTY",
          "ETXTBSY",
          "EFBIG",
          "ENOSPC",
          "ESPIPE",
          "EROFS",
          "EMLINK",
          "EPIPE",
          "EDOM",
          "ERANGE",
          "EDEADLK",
          "ENAMETOOLONG",
          "ENOLCK",
          "ENOSYS");

  /** The call fails with this error. */
  static Action errno(int errno) {
    return new Action(ERRNO | errno);
  }

  /** {@code allow}, {@code log}, {@code kill} or {@code errno NAME}; null: none of these. */
  static @Nullable Action parse(String text) {
    return switch (text) {
      case "allow" -> ALLOW;
      case "log" -> LOG;
      case "kill" -> KILL;
      case String other when other.startsWith("errno ") -> ofErrno(other.substring(6).strip());
      default -> null;
    };
  }

  /** By the error's name or number; null: there is no such error. */
  static @Nullable Action ofErrno(String text) {
    int named = NAMES.indexOf(text);
    if (named > 0) {
      return errno(named);
    }
    if (!text.matches("[0-9]{1,4}")) {
      return text.equals("EOPNOTSUPP") ? errno(95) : null;
    }
    int number = Integer.parseInt(text);
    return number >= 1 && number <= MAX_ERRNO ? errno(number) : null;
  }
}

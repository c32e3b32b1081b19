package orch.ctl.command;

import java.util.List;
import java.util.Locale;

/** Numbers of Linux signals by name, signal(7). */
final class SignalNumbers {
  private static final List<String> NAMES =
      List.of(
          "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
          "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
          "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS");

  private static final int FIRST_REAL_TIME = 34;
  private static final int LAST = 64;

  private SignalNumbers() {}

  /** Reads {@code TERM}, {@code SIGTERM}, {@code 15} or {@code RTMIN+2}. */
  static int parse(String text) throws UsageException {
    String name = text.toUpperCase(Locale.ROOT);
    if (name.startsWith("SIG")) {
      name = name.substring(3);
    }
    int index = NAMES.indexOf(name);
    if (index >= 0) {
      return index + 1;
    }
    try {
      int number =
          name.startsWith("RTMIN")
              ? FIRST_REAL_TIME + (name.length() == 5 ? 0 : Integer.parseInt(name.substring(5)))
              : Integer.parseInt(name);
      if (number >= 1 && number <= LAST) {
        return number;
      }
    } catch (NumberFormatException neitherNameNorNumber) {
      // Said below.
    }
    String hint = Nearest.hint(name, NAMES);
    throw new UsageException(
        "there is no signal '"
            + text
            + "'"
            + (hint.isEmpty() ? "; names are TERM, INT, HUP, USR1 …, numbers 1 to 64" : hint));
  }
}

package orch.ctl.output;

import java.io.File;
import java.io.IOException;
import java.util.Map;

/**
 * Which of the standard streams are a terminal.
 *
 * @param input standard input
 * @param output standard output
 * @param error standard error
 * @param colours whether colours are wanted where there is one
 */
public record Terminal(boolean input, boolean output, boolean error, boolean colours) {
  /** Nothing is a terminal. */
  public static Terminal none() {
    return new Terminal(false, false, false, false);
  }

  /** Asks the kernel, by the names of the open files in /proc (proc(5)); NO_COLOR is honoured. */
  public static Terminal ofProcess(Map<String, String> environment) {
    boolean plain =
        !environment.getOrDefault("NO_COLOR", "").isEmpty()
            || environment.getOrDefault("TERM", "dumb").equals("dumb");
    return new Terminal(isTerminal(0), isTerminal(1), isTerminal(2), !plain);
  }

  /** Whether standard output gets colours. */
  public boolean colouredOutput() {
    return output && colours;
  }

  private static boolean isTerminal(int descriptor) {
    try {
      String path = new File("/proc/self/fd/" + descriptor).getCanonicalPath();
      return path.startsWith("/dev/pts/")
          || path.startsWith("/dev/tty")
          || path.equals("/dev/console");
    } catch (IOException unknown) {
      return false;
    }
  }
}

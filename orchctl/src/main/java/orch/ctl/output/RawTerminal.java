package orch.ctl.output;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The caller's terminal without a line discipline of its own, so that every key goes to the task.
 * It is set back by {@link #close}, and by the end of the process however that comes about but by
 * SIGKILL.
 */
public final class RawTerminal implements AutoCloseable {
  private static final File TERMINAL = new File("/dev/tty");

  private final String before;
  private final Thread hook;
  private boolean restored;

  private RawTerminal(String before) {
    this.before = before;
    this.hook =
        new Thread("terminal") {
          @Override
          public void run() {
            restore();
          }
        };
  }

  /** Takes the terminal; fails with a sentence where there is none. */
  public static RawTerminal open() throws IOException {
    RawTerminal terminal = new RawTerminal(stty("-g").strip());
    Runtime.getRuntime().addShutdownHook(terminal.hook);
    stty("raw", "-echo");
    return terminal;
  }

  /** Rows and columns; zeros where they are not known. */
  public static int[] size() {
    try {
      String[] words = stty("size").strip().split(" ", -1);
      return new int[] {Integer.parseInt(words[0]), Integer.parseInt(words[1])};
    } catch (IOException | RuntimeException unknown) {
      return new int[] {0, 0};
    }
  }

  /** Whether it is still taken. */
  public synchronized boolean isTaken() {
    return !restored;
  }

  private synchronized void restore() {
    if (!restored) {
      restored = true;
      try {
        stty(before);
      } catch (IOException gone) {
        // So is what could be set back.
      }
    }
  }

  @Override
  public void close() {
    restore();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException ending) {
      // The hook runs already, and finds nothing to do.
    }
  }

  private static String stty(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("stty"));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command)
            .redirectInput(TERMINAL)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try (InputStream said = process.getInputStream()) {
      String text = new String(said.readAllBytes(), StandardCharsets.US_ASCII);
      if (process.waitFor() != 0) {
        throw new IOException("stty " + String.join(" ", arguments) + " failed on /dev/tty");
      }
      return text;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }
}

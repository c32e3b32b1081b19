package orch.ctl;

import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Arguments and environment of this process. Java reads both in the locale's encoding, and in the
 * locale C, which cron and build systems set, it loses every letter that is not ASCII; then they
 * are read from /proc (proc(5)) as the UTF-8 that they are.
 */
final class ProcessWords {
  private static final char LOST = '\uFFFD';

  private ProcessWords() {}

  /** The arguments of main. */
  static String[] arguments(String[] decoded) {
    if (!anyLost(List.of(decoded))) {
      return decoded;
    }
    List<String> words = read("/proc/self/cmdline");
    int first = words.size() - decoded.length;
    return first < 0 ? decoded : words.subList(first, words.size()).toArray(new String[0]);
  }

  /** The environment. */
  static Map<String, String> environment() {
    Map<String, String> decoded = System.getenv();
    if (!anyLost(decoded.values()) && !anyLost(decoded.keySet())) {
      return decoded;
    }
    Map<String, String> environment = new LinkedHashMap<>();
    for (String variable : read("/proc/self/environ")) {
      int equals = variable.indexOf('=');
      if (equals > 0) {
        environment.put(variable.substring(0, equals), variable.substring(equals + 1));
      }
    }
    return environment.isEmpty() ? decoded : environment;
  }

  /** The working directory. */
  static String directory(Map<String, String> environment) {
    return directoryOr(System.getProperty("user.dir", "/"), environment);
  }

  /** The directory, or what the shell calls it where Java cannot name it. */
  static String directoryOr(String directory, Map<String, String> environment) {
    return directory.indexOf(LOST) < 0 ? directory : environment.getOrDefault("PWD", directory);
  }

  /** The caller's login name, or its number where it has none, as in some containers. */
  static String user() {
    String name = System.getProperty("user.name", "");
    if (!name.isEmpty() && !name.equals("?")) {
      return name;
    }
    try (InputStream in = new FileInputStream("/proc/self/status")) {
      return effectiveUid(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException notLinux) {
      return "";
    }
  }

  /** The second number of the line "Uid:" of a status file. */
  static String effectiveUid(String status) {
    int line = status.indexOf("\nUid:\t");
    int from = status.indexOf('\t', line + 6) + 1;
    int to = status.indexOf('\t', from);
    return line < 0 || from == 0 || to < 0 ? "" : status.substring(from, to);
  }

  private static boolean anyLost(Iterable<String> words) {
    for (String word : words) {
      if (word.indexOf(LOST) >= 0) {
        return true;
      }
    }
    return false;
  }

  /** The words of a file, each with a zero byte behind it. */
  static List<String> read(String file) {
    List<String> words = new ArrayList<>();
    try (InputStream in = new FileInputStream(file)) {
      byte[] bytes = in.readAllBytes();
      ByteArrayOutputStream word = new ByteArrayOutputStream();
      for (byte b : bytes) {
        if (b == 0) {
          words.add(word.toString(StandardCharsets.UTF_8));
          word.reset();
        } else {
          word.write(b);
        }
      }
    } catch (IOException notLinux) {
      return List.of();
    }
    return words;
  }
}

package orch.agent.pressure;

import java.nio.charset.StandardCharsets;
import java.util.SortedMap;
import java.util.TreeMap;

/** Text of the files of cgroup v2 and /proc that memory is read from. */
final class CgroupFile {
  private CgroupFile() {}

  /** A file with one number; 0: {@code max}, or nothing that is a number. */
  static long number(byte[] bytes, int length) {
    return number(new String(bytes, 0, length, StandardCharsets.US_ASCII).strip());
  }

  private static long number(String text) {
    if (text.isEmpty() || text.length() > 18) {
      return 0;
    }
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) < '0' || text.charAt(i) > '9') {
        return 0;
      }
    }
    return Long.parseLong(text);
  }

  /** A flat keyed file: {@code NAME VALUE} lines, such as memory.events. */
  static SortedMap<String, Long> flat(byte[] bytes, int length) {
    SortedMap<String, Long> values = new TreeMap<>();
    for (String line : new String(bytes, 0, length, StandardCharsets.US_ASCII).split("\n", -1)) {
      int space = line.indexOf(' ');
      if (space > 0) {
        values.put(line.substring(0, space), number(line.substring(space + 1).strip()));
      }
    }
    return values;
  }

  /** A value of /proc/meminfo in bytes; 0: it is not there. */
  static long memory(byte[] bytes, int length, String name) {
    for (String line : new String(bytes, 0, length, StandardCharsets.US_ASCII).split("\n", -1)) {
      if (line.startsWith(name + ":") && line.endsWith(" kB")) {
        return number(line.substring(name.length() + 1, line.length() - 3).strip()) * 1_024;
      }
    }
    return 0;
  }
}

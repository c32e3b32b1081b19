package orch.agent.journal;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * One entry in journald's native protocol (systemd's JOURNAL_NATIVE_PROTOCOL): {@code KEY=value\n},
 * or for a value that holds a newline {@code KEY\n}, its length as 64 bits little endian, the
 * bytes, {@code \n}. Writing a raw newline as text would let a task forge fields.
 */
final class JournalEntry {
  /** journald drops an entry's other fields. */
  static final int MAX_FIELDS = 1024;

  private static final int MAX_NAME = 64;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
  private int fields;

  JournalEntry field(String name, String value) {
    return field(name, value.getBytes(StandardCharsets.UTF_8));
  }

  /** Adds a field; names are A-Z, 0-9 and _, at most 64, not starting with a digit or _. */
  JournalEntry field(String name, byte[] value) {
    if (!isName(name)) {
      throw new IllegalArgumentException("journald would drop the field " + name);
    }
    if (fields == MAX_FIELDS) {
      return this;
    }
    fields++;
    bytes.writeBytes(name.getBytes(StandardCharsets.US_ASCII));
    if (holdsNewline(value)) {
      bytes.write('\n');
      for (int shift = 0; shift < 64; shift += 8) {
        bytes.write((int) ((long) value.length >>> shift));
      }
    } else {
      bytes.write('=');
    }
    bytes.writeBytes(value);
    bytes.write('\n');
    return this;
  }

  byte[] toByteArray() {
    return bytes.toByteArray();
  }

  static boolean isName(String name) {
    if (name.isEmpty() || name.length() > MAX_NAME) {
      return false;
    }
    char first = name.charAt(0);
    if (first < 'A' || first > 'Z') {
      return false;
    }
    for (int i = 1; i < name.length(); i++) {
      char c = name.charAt(i);
      if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')) {
        return false;
      }
    }
    return true;
  }

  private static boolean holdsNewline(byte[] value) {
    for (byte b : value) {
      if (b == '\n') {
        return true;
      }
    }
    return false;
  }
}

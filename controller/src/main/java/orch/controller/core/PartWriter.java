package orch.controller.core;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes numbered fields: a tag, {@code number * 2 + type}, then a zigzag varint (type 0) or a
 * length and bytes (type 1). What is 0, false, empty or absent is not written, so that a field that
 * a later version adds means the old behaviour where it is not there. Numbers are never given
 * again.
 */
final class PartWriter {
  private byte[] bytes = new byte[128];
  private int length;

  byte[] toByteArray() {
    return Arrays.copyOf(bytes, length);
  }

  int size() {
    return length;
  }

  void number(int field, long value) {
    if (value != 0) {
      present(field, value);
    }
  }

  /** Written even if it is 0, which then is not the same as absent. */
  void present(int field, long value) {
    varint(2L * field);
    zigzag(value);
  }

  void flag(int field, boolean value) {
    number(field, value ? 1 : 0);
  }

  void text(int field, @Nullable String value) {
    if (value != null && !value.isEmpty()) {
      bytes(field, Text.encode(value));
    }
  }

  void name(int field, @Nullable Enum<?> value) {
    text(field, value == null ? null : value.name());
  }

  void texts(int field, List<String> values) {
    for (String value : values) {
      bytes(field, Text.encode(value));
    }
  }

  /** Written even if there are none. */
  void bytes(int field, byte[] value) {
    varint(2L * field + 1);
    varint(value.length);
    raw(value, value.length);
  }

  void part(int field, PartWriter value) {
    varint(2L * field + 1);
    varint(value.length);
    raw(value);
  }

  /** A column, each value as its difference to the one before; nothing if all are 0. */
  void column(int field, long[] values) {
    boolean any = false;
    for (long value : values) {
      any |= value != 0;
    }
    if (any) {
      wholeColumn(field, values);
    }
  }

  /** As {@link #column}, but written even if all are 0. */
  void wholeColumn(int field, long[] values) {
    PartWriter packed = new PartWriter();
    long before = 0;
    for (long value : values) {
      packed.zigzag(value - before);
      before = value;
    }
    part(field, packed);
  }

  void column(int field, int[] values) {
    long[] wide = new long[values.length];
    Arrays.setAll(wide, i -> values[i]);
    column(field, wide);
  }

  void column(int field, byte[] values) {
    long[] wide = new long[values.length];
    Arrays.setAll(wide, i -> values[i]);
    column(field, wide);
  }

  /** Without a tag: for packed values and for the frames of parts. */
  void zigzag(long value) {
    varint((value << 1) ^ (value >> 63));
  }

  void varint(long value) {
    room(10);
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      bytes[length++] = (byte) (rest & 0x7f | 0x80);
      rest >>>= 7;
    }
    bytes[length++] = (byte) rest;
  }

  void raw(PartWriter from) {
    raw(from.bytes, from.length);
  }

  void raw(byte[] from, int count) {
    room(count);
    System.arraycopy(from, 0, bytes, length, count);
    length += count;
  }

  private void room(int more) {
    if (length + more > bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.max(length + more, 2 * bytes.length));
    }
  }
}

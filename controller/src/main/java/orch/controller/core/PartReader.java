package orch.controller.core;

import java.util.Arrays;

/**
 * Reads what {@link PartWriter} wrote. A field that the reading version does not know ends it: the
 * state would not be the one that was written.
 */
final class PartReader {
  private final byte[] bytes;
  private final int end;
  private final String what;
  private int at;
  private int field;
  private boolean numeric;

  /**
   * @param what is read, for people
   */
  PartReader(byte[] bytes, String what) {
    this(bytes, 0, bytes.length, what);
  }

  private PartReader(byte[] bytes, int from, int end, String what) {
    this.bytes = bytes;
    this.at = from;
    this.end = end;
    this.what = what;
  }

  /** Goes to the next field; its value must be read then. False: there is none. */
  boolean next() {
    if (at == end) {
      return false;
    }
    long tag = varint();
    field = (int) (tag >>> 1);
    numeric = (tag & 1) == 0;
    return true;
  }

  int field() {
    return field;
  }

  long number() {
    if (!numeric) {
      throw damaged("field " + field + " holds bytes where a number was expected");
    }
    return zigzag();
  }

  int integer() {
    return Math.toIntExact(number());
  }

  boolean flag() {
    return number() != 0;
  }

  String text() {
    return Text.decode(bytes());
  }

  byte[] bytes() {
    int from = skip();
    return Arrays.copyOfRange(bytes, from, at);
  }

  PartReader part(String of) {
    int from = skip();
    return new PartReader(bytes, from, at, of);
  }

  /** A column of so many values. */
  long[] column(int length) {
    PartReader packed = part(what);
    long[] values = new long[length];
    long before = 0;
    for (int i = 0; i < length; i++) {
      before += packed.zigzag();
      values[i] = before;
    }
    if (packed.at != packed.end) {
      throw damaged("column " + field + " is longer than its tasks are many");
    }
    return values;
  }

  void ints(int[] to) {
    long[] values = column(to.length);
    Arrays.setAll(to, i -> (int) values[i]);
  }

  void bytes(byte[] to) {
    long[] values = column(to.length);
    for (int i = 0; i < to.length; i++) {
      to[i] = (byte) values[i];
    }
  }

  void longs(long[] to) {
    System.arraycopy(column(to.length), 0, to, 0, to.length);
  }

  <E extends Enum<E>> E name(Class<E> type) {
    String name = text();
    for (E value : type.getEnumConstants()) {
      if (value.name().equals(name)) {
        return value;
      }
    }
    throw new UnreadableStateException(
        "the checkpoint says "
            + name
            + " in "
            + what
            + " where this version knows other kinds of "
            + type.getSimpleName()
            + "; upgrade this controller");
  }

  UnreadableStateException unknown() {
    return new UnreadableStateException(
        "the checkpoint has field "
            + field
            + " in "
            + what
            + ", which this version does not know; upgrade this controller");
  }

  UnreadableStateException damaged(String how) {
    return new UnreadableStateException(
        "the checkpoint is damaged in "
            + what
            + ": "
            + how
            + "; restore the cluster from a backup");
  }

  boolean atEnd() {
    return at == end;
  }

  long zigzag() {
    long value = varint();
    return (value >>> 1) ^ -(value & 1);
  }

  long varint() {
    long value = 0;
    for (int shift = 0; shift < Long.SIZE; shift += 7) {
      if (at == end) {
        throw damaged("it ends too early");
      }
      byte b = bytes[at++];
      value |= (long) (b & 0x7f) << shift;
      if (b >= 0) {
        return value;
      }
    }
    throw damaged("a number is too long");
  }

  /** Goes over a length and its bytes; returns where they begin. */
  private int skip() {
    if (numeric) {
      throw damaged("field " + field + " holds a number where bytes were expected");
    }
    long length = varint();
    if (length < 0 || length > end - at) {
      throw damaged("field " + field + " reaches over its end");
    }
    int from = at;
    at += (int) length;
    return from;
  }

  /** The next {@code kind, length, payload} of a section, as a reader of the payload. */
  PartReader framed(String of) {
    numeric = false;
    int from = skip();
    return new PartReader(bytes, from, at, of);
  }
}

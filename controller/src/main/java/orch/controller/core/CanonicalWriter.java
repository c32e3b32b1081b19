package orch.controller.core;

import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import orch.api.model.Blob;
import org.jspecify.annotations.Nullable;

/**
 * Hashes values over canonical bytes of our own: FNV-1a with 64 bits; numbers as eight bytes,
 * lowest first, texts as their length and their UTF-16 units, enums by name, collections as their
 * size and their entries, so that it is the same on every replica and in every JVM.
 */
final class CanonicalWriter {
  private static final long OFFSET_BASIS = 0xcbf29ce484222325L;
  private static final long PRIME = 0x100000001b3L;
  private static final long ABSENT = -1;

  private long hash = OFFSET_BASIS;

  long hash() {
    return hash;
  }

  void number(long value) {
    long h = hash;
    for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
      h = (h ^ ((value >>> shift) & 0xff)) * PRIME;
    }
    hash = h;
  }

  void flag(boolean value) {
    hash = (hash ^ (value ? 1 : 0)) * PRIME;
  }

  void fraction(double value) {
    number(Double.doubleToLongBits(value));
  }

  void text(@Nullable String value) {
    if (value == null) {
      number(ABSENT);
      return;
    }
    number(value.length());
    for (int i = 0; i < value.length(); i++) {
      hash = (hash ^ value.charAt(i)) * PRIME;
    }
  }

  void name(@Nullable Enum<?> value) {
    text(value == null ? null : value.name());
  }

  void bytes(Blob blob) {
    number(blob.size());
    for (byte b : blob.toByteArray()) {
      hash = (hash ^ (b & 0xff)) * PRIME;
    }
  }

  void texts(List<String> values) {
    number(values.size());
    values.forEach(this::text);
  }

  void textMap(SortedMap<String, String> map) {
    number(map.size());
    map.forEach((key, value) -> {
      text(key);
      text(value);
    });
  }

  void numberMap(SortedMap<String, Integer> map) {
    number(map.size());
    for (Map.Entry<String, Integer> entry : map.entrySet()) {
      text(entry.getKey());
      number(entry.getValue());
    }
  }

  /**
   * Records, and lists, maps and optionals of them, by their own text form, which Java defines by
   * their components: for specs, which are large, rare and never altered.
   */
  void record(Record value) {
    text(value.toString());
  }
}

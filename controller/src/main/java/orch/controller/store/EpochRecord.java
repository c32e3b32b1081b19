package orch.controller.store;

import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Data of {@code /epoch}: one line for people too, {@code 1 NUMBER NONCE LEADER}, where 1 is the
 * format and the nonce 16 hexadecimal digits. The number lives here and not in the node's version:
 * a node that is made anew starts at version 0.
 *
 * @param number of the newest epoch; 0: none was ever taken
 * @param nonce of the attempt to take it, so that an attempt with an unknown end finds itself again
 * @param leader name of who took it; empty: nobody
 */
public record EpochRecord(long number, long nonce, String leader) {
  /** No epoch was ever taken. */
  public static final EpochRecord NONE = new EpochRecord(0, 0, "");

  private static final String FORMAT = "1";

  public byte[] encode() {
    return String.join(" ", FORMAT, Long.toString(number), String.format("%016x", nonce), leader)
        .getBytes(StandardCharsets.UTF_8);
  }

  /** Throws {@link CorruptLogException} on anything that {@link #encode} does not make. */
  public static EpochRecord decode(byte[] data) {
    String text = new String(data, StandardCharsets.UTF_8);
    List<String> parts = List.of(text.split(" ", 4));
    if (parts.size() != 4 || !parts.getFirst().equals(FORMAT)) {
      throw new CorruptLogException(
          "the epoch node holds \"" + text + "\", which this version cannot read");
    }
    try {
      return new EpochRecord(
          Long.parseLong(parts.get(1)), Long.parseUnsignedLong(parts.get(2), 16), parts.get(3));
    } catch (NumberFormatException e) {
      throw new CorruptLogException("the epoch node holds \"" + text + "\": " + e.getMessage());
    }
  }
}

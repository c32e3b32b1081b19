package orch.controller.core;

import java.util.Arrays;

/**
 * Texts as bytes: UTF-8, but that a lone surrogate is three bytes of its own and not lost, so that
 * every text comes back as it was.
 */
final class Text {
  private Text() {}

  static byte[] encode(String text) {
    byte[] bytes = new byte[text.length() * 3];
    int to = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean pair =
          Character.isHighSurrogate(c)
              && i + 1 < text.length()
              && Character.isLowSurrogate(text.charAt(i + 1));
      if (c < 0x80) {
        bytes[to++] = (byte) c;
      } else if (c < 0x800) {
        bytes[to++] = (byte) (0xc0 | c >> 6);
        bytes[to++] = (byte) (0x80 | c & 0x3f);
      } else if (pair) {
        int point = Character.toCodePoint(c, text.charAt(++i));
        bytes[to++] = (byte) (0xf0 | point >> 18);
        bytes[to++] = (byte) (0x80 | point >> 12 & 0x3f);
        bytes[to++] = (byte) (0x80 | point >> 6 & 0x3f);
        bytes[to++] = (byte) (0x80 | point & 0x3f);
      } else {
        bytes[to++] = (byte) (0xe0 | c >> 12);
        bytes[to++] = (byte) (0x80 | c >> 6 & 0x3f);
        bytes[to++] = (byte) (0x80 | c & 0x3f);
      }
    }
    return Arrays.copyOf(bytes, to);
  }

  /**
   * What {@link #encode} made.
   *
   * @throws UnreadableStateException on bytes that it does not make
   */
  static String decode(byte[] bytes) {
    StringBuilder text = new StringBuilder(bytes.length);
    int at = 0;
    while (at < bytes.length) {
      int first = bytes[at++] & 0xff;
      int more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
      int point = more == 0 ? first : first & 0x3f >> more;
      if (more > bytes.length - at) {
        throw new UnreadableStateException("the checkpoint is damaged: a text ends too early");
      }
      for (int i = 0; i < more; i++) {
        point = point << 6 | bytes[at++] & 0x3f;
      }
      if (!Character.isValidCodePoint(point)) {
        throw new UnreadableStateException("the checkpoint is damaged: no text");
      }
      text.appendCodePoint(point);
    }
    return text.toString();
  }
}

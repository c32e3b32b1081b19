package orch.controller.core;

import java.time.Duration;
import java.util.List;
import orch.api.model.AttemptStatus;

/**
 * A limit on everything that may grow. They keep the changes of one input below {@link
 * #MAX_ENCODED_BYTES} and the state within its heap.
 */
public final class Limits {
  /** Attempts in one report or one part of an inventory. */
  public static final int MAX_REPORTS = 250;

  /** Placements in one slice of scheduling. */
  public static final int MAX_PLACEMENTS = 1_000;

  /** Encoded changes of any one input. */
  public static final int MAX_ENCODED_BYTES = 400_000;

  /** An encoded job spec, checked by the services with INVALID_ARGUMENT / SPEC_TOO_LARGE. */
  public static final int MAX_SPEC_BYTES = 320_000;

  /** Jobs or tasks named in one request. */
  public static final int MAX_BATCH = 1_000;

  /** Tasks of a service. */
  public static final int MAX_SERVICE_TASKS = 10_000;

  /** Index ranges in one request or one spec. */
  public static final int MAX_RANGES = 1_000;

  /** Tasks of a job that are placed all together or not at all. */
  public static final int MAX_GANG = MAX_PLACEMENTS;

  public static final int MAX_JOBS = 1_000_000;
  public static final long MAX_TASKS = 20_000_000;
  public static final int MAX_NODES = 20_000;
  public static final int MAX_NODE_LABELS = 64;

  /** Agents that want to join and may not; more push out others. */
  public static final int MAX_REFUSED_NODES = 100;

  /** Nodes of other clusters that are let in and may not have come yet. */
  public static final int MAX_ADMITTED_NODES = MAX_NODES;

  /** Labels and attributes of a node that its agent sends. */
  public static final int MAX_NODE_ATTRIBUTES = 256;

  public static final int MAX_LABEL_LENGTH = 63;
  public static final int MAX_ATTRIBUTE_LENGTH = 256;

  /** Bytes in UTF-8 of reasons and messages of agents and callers; the rest is cut off. */
  public static final int MAX_REASON_BYTES = 240;

  public static final int MAX_PRINCIPAL_BYTES = 128;
  public static final int MAX_TRACESTATE_BYTES = 512;
  public static final int MAX_DEPENDENCIES = 64;
  public static final int MAX_PORTS = 16;

  /** Older attempts of a task that are kept beside the newest; the oldest go first. */
  public static final int MAX_HISTORY = 50;

  /** Versions of a service that are kept. */
  public static final int MAX_VERSIONS = 20;

  /** Answers kept for repeated requests. */
  public static final int MAX_REQUESTS = 250_000;

  /** An older request id is refused. */
  public static final Duration REQUEST_ID_AGE = Duration.ofMinutes(10);

  /** A request id from further in the future is refused: the caller's clock is wrong. */
  public static final Duration REQUEST_ID_AHEAD = Duration.ofMinutes(5);

  private static final int ELLIPSIS_BYTES = 3;

  private Limits() {}

  static List<AttemptStatus> reports(List<AttemptStatus> attempts) {
    if (attempts.size() > MAX_REPORTS) {
      throw new IllegalArgumentException(
          attempts.size() + " attempts in one input, at most " + MAX_REPORTS + ": split them");
    }
    return List.copyOf(attempts);
  }

  /** {@code text}, at most {@link #MAX_REASON_BYTES} of it. */
  static String cut(String text) {
    return cut(text, MAX_REASON_BYTES);
  }

  /** {@code text}, at most so many bytes of UTF-8; what is cut off leaves an ellipsis. */
  static String cut(String text, int bytes) {
    // A char is at most three bytes.
    if (text.length() * 3L <= bytes || utf8Length(text) <= bytes) {
      return text;
    }
    int room = bytes - ELLIPSIS_BYTES;
    int end = 0;
    while (end < text.length()) {
      int next = end + Character.charCount(text.codePointAt(end));
      int length = utf8Length(text.substring(end, next));
      if (length > room) {
        break;
      }
      room -= length;
      end = next;
    }
    return text.substring(0, end) + "…";
  }

  /** Bytes of a text in UTF-8; a lone surrogate counts as its replacement. */
  static int utf8Length(String text) {
    int bytes = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : 3;
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        bytes++;
        i++;
      }
    }
    return bytes;
  }
}

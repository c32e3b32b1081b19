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
  public static final int MAX_REPORTS = 500;

  /** Placements in one slice of scheduling. */
  public static final int MAX_PLACEMENTS = 1_000;

  /** Encoded changes of any one input. */
  public static final int MAX_ENCODED_BYTES = 400_000;

  /** An encoded job spec, checked by the services with INVALID_ARGUMENT / SPEC_TOO_LARGE. */
  public static final int MAX_SPEC_BYTES = 320_000;

  /** Jobs or tasks named in one request. */
  public static final int MAX_BATCH = 1_000;

  /** Index ranges in one request or one spec. */
  public static final int MAX_RANGES = 1_000;

  /** Tasks of a job that are placed all together or not at all. */
  public static final int MAX_GANG = MAX_PLACEMENTS;

  public static final int MAX_JOBS = 1_000_000;
  public static final long MAX_TASKS = 20_000_000;
  public static final int MAX_NODES = 20_000;
  public static final int MAX_NODE_LABELS = 64;

  /** Labels and attributes of a node that its agent sends. */
  public static final int MAX_NODE_ATTRIBUTES = 256;

  public static final int MAX_LABEL_LENGTH = 63;
  public static final int MAX_ATTRIBUTE_LENGTH = 256;

  /** Reasons and messages of agents and callers; the rest is cut off, with an ellipsis. */
  public static final int MAX_REASON_LENGTH = 200;

  public static final int MAX_PRINCIPAL_LENGTH = 256;
  public static final int MAX_TRACESTATE_LENGTH = 512;
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

  private Limits() {}

  static List<AttemptStatus> reports(List<AttemptStatus> attempts) {
    if (attempts.size() > MAX_REPORTS) {
      throw new IllegalArgumentException(
          attempts.size() + " attempts in one input, at most " + MAX_REPORTS + ": split them");
    }
    return List.copyOf(attempts);
  }

  /** {@code text}, at most {@link #MAX_REASON_LENGTH} characters of it. */
  static String cut(String text) {
    return cut(text, MAX_REASON_LENGTH);
  }

  static String cut(String text, int length) {
    if (text.length() <= length) {
      return text;
    }
    int end = length - 1;
    if (Character.isHighSurrogate(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(0, end) + "…";
  }
}

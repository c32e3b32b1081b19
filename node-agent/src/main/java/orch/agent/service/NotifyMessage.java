package orch.agent.service;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import orch.agent.core.Notification;
import org.jspecify.annotations.Nullable;

/**
 * One datagram of sd_notify(3): lines of {@code NAME=VALUE}. What is not understood is passed over,
 * as systemd does it; a value that makes no sense is left out and named among the problems. Of a
 * name that comes twice the first counts.
 *
 * @param barrier BARRIER=1: the one descriptor that came along is to be closed once all before it
 *     was obeyed
 * @param store FDSTORE=1: the descriptors that came along are to be kept
 * @param remove FDSTOREREMOVE=1: those of {@code name} are to be closed
 * @param name FDNAME=; empty: not said
 * @param poll false with FDPOLL=0: keep them whatever becomes of their other ends
 */
record NotifyMessage(
    Notification said,
    boolean barrier,
    boolean store,
    boolean remove,
    String name,
    boolean poll,
    List<String> problems) {
  /** Longest datagram; systemd's own limit. */
  static final int MAX_BYTES = 4_096;

  static final int MAX_LINES = 64;

  /** Longest STATUS, in characters; the rest is cut off. */
  static final int MAX_STATUS = 256;

  private static final int MAX_NAME = 255;
  private static final long LONGEST_MICROS = 365L * 24 * 3_600 * 1_000_000;
  private static final Pattern NUMBER = Pattern.compile("[0-9]{1,18}");

  NotifyMessage {
    problems = List.copyOf(problems);
  }

  /**
   * Reads a datagram.
   *
   * @param length of it in {@code bytes}
   * @return null when none of it can be believed; {@code why} then says so
   */
  static @Nullable NotifyMessage read(byte[] bytes, int length, List<String> why) {
    int end = length > 0 && bytes[length - 1] == 0 ? length - 1 : length;
    if (end > MAX_BYTES) {
      why.add("a message of more than " + MAX_BYTES + " bytes");
      return null;
    }
    for (int i = 0; i < end; i++) {
      if (bytes[i] == 0) {
        why.add("a message with a NUL byte in it");
        return null;
      }
    }
    SortedMap<String, String> values = new TreeMap<>();
    int lines = 0;
    for (int from = 0; from < end; ) {
      int to = from;
      while (to < end && bytes[to] != '\n') {
        to++;
      }
      if (++lines > MAX_LINES) {
        why.add("a message of more than " + MAX_LINES + " lines");
        return null;
      }
      line(bytes, from, to, values, why);
      from = to + 1;
    }
    return of(values, why);
  }

  private static void line(
      byte[] bytes, int from, int to, SortedMap<String, String> values, List<String> problems) {
    int equals = from;
    while (equals < to && bytes[equals] != '=') {
      equals++;
    }
    if (equals == from || equals == to) {
      return;
    }
    String name = new String(bytes, from, equals - from, StandardCharsets.ISO_8859_1);
    try {
      values.putIfAbsent(
          name,
          StandardCharsets.UTF_8
              .newDecoder()
              .decode(ByteBuffer.wrap(bytes, equals + 1, to - equals - 1))
              .toString());
    } catch (CharacterCodingException e) {
      problems.add(printable(name, 32) + " is no UTF-8");
    }
  }

  private static NotifyMessage of(SortedMap<String, String> values, List<String> problems) {
    boolean barrier = isOne(values, "BARRIER");
    if (barrier && values.size() > 1) {
      problems.add("BARRIER has to come alone");
      barrier = false;
    }
    String status = values.get("STATUS");
    String watchdog = values.getOrDefault("WATCHDOG", "");
    Notification said =
        new Notification(
            isOne(values, "READY"),
            isOne(values, "RELOADING"),
            isOne(values, "STOPPING"),
            status == null ? null : printable(status, MAX_STATUS),
            (int) number(values, "MAINPID", Integer.MAX_VALUE, problems),
            watchdog.equals("1"),
            watchdog.equals("trigger"),
            number(values, "WATCHDOG_USEC", LONGEST_MICROS, problems),
            number(values, "EXTEND_TIMEOUT_USEC", LONGEST_MICROS, problems));
    // Only its presence is asked for: it tells a reload from an old READY.
    long _ = number(values, "MONOTONIC_USEC", Long.MAX_VALUE, problems);
    String name = values.getOrDefault("FDNAME", "");
    if (!isName(name)) {
      problems.add("FDNAME has to be printable ASCII without ':', at most " + MAX_NAME);
      name = "";
    }
    return new NotifyMessage(
        said,
        barrier,
        isOne(values, "FDSTORE"),
        isOne(values, "FDSTOREREMOVE"),
        name,
        !values.getOrDefault("FDPOLL", "").equals("0"),
        problems);
  }

  private static boolean isOne(SortedMap<String, String> values, String name) {
    return values.getOrDefault(name, "").equals("1");
  }

  /** 0: not said, or not believed. */
  private static long number(
      SortedMap<String, String> values, String name, long most, List<String> problems) {
    String value = values.get(name);
    if (value == null) {
      return 0;
    }
    long number = NUMBER.matcher(value).matches() ? Long.parseLong(value) : 0;
    if (number < 1 || number > most) {
      problems.add(name + "=" + printable(value, 32) + " is no number from 1 to " + most);
      return 0;
    }
    return number;
  }

  private static boolean isName(String name) {
    return name.length() <= MAX_NAME
        && name.chars().allMatch(each -> each > 0x20 && each < 0x7f && each != ':');
  }

  /** Without what could steer a terminal or hide text, and not longer than {@code most}. */
  static String printable(String text, int most) {
    StringBuilder to = new StringBuilder();
    List<Integer> points = new ArrayList<>(text.codePoints().boxed().toList());
    for (int point : points) {
      if (to.length() + Character.charCount(point) > most) {
        break;
      }
      boolean shown =
          switch (Character.getType(point)) {
            case Character.CONTROL,
                Character.FORMAT,
                Character.LINE_SEPARATOR,
                Character.PARAGRAPH_SEPARATOR,
                Character.SURROGATE,
                Character.PRIVATE_USE,
                Character.UNASSIGNED ->
                false;
            default -> true;
          };
      to.appendCodePoint(shown ? point : ' ');
    }
    return to.toString().strip();
  }
}

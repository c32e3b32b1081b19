package orch.ctl.command;

import java.util.ArrayList;
import java.util.List;
import orch.ctl.json.JsonArray;
import orch.ctl.json.JsonObject;

/**
 * Indexes as Slurm writes them: {@code 0-9:2%4} are 0, 2, 4, 6 and 8, at most four at a time.
 *
 * @param ranges first, last and step of each range, ascending
 * @param parallelism at most so many at a time; 0: not said
 */
record IndexRanges(List<Range> ranges, int parallelism) {
  private static final int LARGEST = Integer.MAX_VALUE - 1;

  /** From {@code first} in steps up to {@code last}. */
  record Range(int first, int last, int step) {}

  IndexRanges {
    ranges = List.copyOf(ranges);
  }

  /** Reads {@code 3,7-9} or {@code 0-9:2%4}. */
  static IndexRanges parse(String text) throws UsageException {
    int percent = text.indexOf('%');
    int parallelism = 0;
    if (percent >= 0) {
      parallelism = number(text, text.substring(percent + 1));
      if (parallelism == 0) {
        throw wrong(text, "after the percent sign stands how many may run at a time, at least 1");
      }
    }
    List<Range> ranges = new ArrayList<>();
    int least = 0;
    for (String part : split(percent < 0 ? text : text.substring(0, percent))) {
      Range range = range(text, part);
      if (range.first < least) {
        throw wrong(text, "indexes stand in rising order, each once");
      }
      least = range.last + 1;
      ranges.add(range);
    }
    return new IndexRanges(ranges, parallelism);
  }

  private static Range range(String text, String part) throws UsageException {
    int dash = part.indexOf('-');
    int colon = part.indexOf(':');
    if (dash < 0) {
      if (colon >= 0) {
        throw wrong(text, "a step belongs to a range, as in 0-9:2");
      }
      int index = number(text, part);
      return new Range(index, index, 1);
    }
    int first = number(text, part.substring(0, dash));
    int last = number(text, part.substring(dash + 1, colon < 0 ? part.length() : colon));
    int step = colon < 0 ? 1 : number(text, part.substring(colon + 1));
    if (last < first) {
      throw wrong(text, "the range " + part + " ends before it begins");
    }
    if (step == 0) {
      throw wrong(text, "a step is at least 1");
    }
    return new Range(first, last, step);
  }

  private static int number(String text, String digits) throws UsageException {
    try {
      int number = Integer.parseInt(digits);
      if (number >= 0 && number <= LARGEST && Character.isDigit(digits.charAt(0))) {
        return number;
      }
    } catch (NumberFormatException notANumber) {
      // Said below.
    }
    throw wrong(text, digits.isEmpty() ? "a number is missing" : "'" + digits + "' is no number");
  }

  private static UsageException wrong(String text, String why) {
    return new UsageException(
        "'"
            + text
            + "' is no list of indexes: "
            + why
            + "; write for example 0-9, 1,3,5-7 or 0-9:2%4");
  }

  private static List<String> split(String text) {
    List<String> parts = new ArrayList<>();
    int from = 0;
    for (int comma = text.indexOf(','); comma >= 0; comma = text.indexOf(',', from)) {
      parts.add(text.substring(from, comma).strip());
      from = comma + 1;
    }
    parts.add(text.substring(from).strip());
    return parts;
  }

  /** As the API's {@code IndexRange} messages. */
  JsonArray json() {
    JsonArray array = new JsonArray();
    for (Range range : ranges) {
      array.add(
          new JsonObject()
              .put("first", range.first)
              .put("last", range.last)
              .put("step", range.step));
    }
    return array;
  }

  /** How many indexes there are. */
  long count() {
    long count = 0;
    for (Range range : ranges) {
      count += ((long) range.last - range.first) / range.step + 1;
    }
    return count;
  }
}

package orch.api.convert;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Checks the five fields of a cron expression: minute, hour, day of month, month, day of week, each
 * a list of {@code *}, values, ranges and steps; months and weekdays also by name.
 */
final class SpecConvertCron {
  private static final List<String> MONTHS =
      List.of("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC");

  private static final List<String> DAYS = List.of("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT");

  private record Field(String name, int least, int most, List<String> words) {}

  private static final List<Field> FIELDS =
      List.of(
          new Field("minute", 0, 59, List.of()),
          new Field("hour", 0, 23, List.of()),
          new Field("day of month", 1, 31, List.of()),
          new Field("month", 1, 12, MONTHS),
          new Field("day of week", 0, 7, DAYS));

  /** Days of the longest month, by month number minus 1. */
  private static final int[] LONGEST = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

  private SpecConvertCron() {}

  static void check(String path, String cron, SpecConvertProblems problems) {
    String text = cron.strip();
    if (text.isEmpty()) {
      problems.add(path, "is missing: five fields, for example \"*/5 * * * *\"");
      return;
    }
    if (text.startsWith("@")) {
      problems.add(path, "'" + text + "' is a short form; write its five fields" + expanded(text));
      return;
    }
    String[] parts = text.split("\\s+");
    if (parts.length == 6) {
      problems.add(
          path,
          "has six fields, and cron has five: minute, hour, day of month, month, day of week;"
              + " there are no seconds (and no years), drop the extra field");
      return;
    }
    if (parts.length != FIELDS.size()) {
      problems.add(
          path,
          "has "
              + parts.length
              + (parts.length == 1 ? " field" : " fields")
              + ", and cron has five: minute, hour, day of month, month, day of week");
      return;
    }
    boolean good = true;
    for (int i = 0; i < parts.length; i++) {
      String problem = problem(parts[i], FIELDS.get(i));
      if (problem != null) {
        problems.add(path, problem);
        good = false;
      }
    }
    if (good) {
      neverComes(path, parts, problems);
    }
  }

  private static @Nullable String problem(String part, Field field) {
    for (String item : part.split(",", -1)) {
      String[] step = item.split("/", -1);
      String where = field.name() + " '" + item + "'";
      if (step.length > 2 || step[0].isEmpty()) {
        return where + " is not understood; write *, 5, 1-5, */10 or lists of them";
      }
      if (step.length == 2 && !step[1].matches("[1-9][0-9]{0,3}")) {
        return where + ": the step after '/' must be 1 or more";
      }
      if (step[0].equals("*")) {
        continue;
      }
      String[] ends = step[0].split("-", -1);
      if (ends.length > 2) {
        return where + " is not understood; write *, 5, 1-5, */10 or lists of them";
      }
      int previous = -1;
      for (String end : ends) {
        int value = value(end, field);
        if (value < 0) {
          return where + unknown(end, field);
        }
        if (value < previous) {
          return where + ": ends before it begins";
        }
        previous = value;
      }
    }
    return null;
  }

  private static int value(String text, Field field) {
    if (text.matches("[0-9]{1,4}")) {
      int value = Integer.parseInt(text);
      return value >= field.least() && value <= field.most() ? value : -1;
    }
    int index = field.words().indexOf(text.toUpperCase(Locale.ROOT));
    return index < 0 ? -1 : index + field.least();
  }

  private static String unknown(String text, Field field) {
    return ": '"
        + text
        + "' is none of "
        + field.least()
        + " to "
        + field.most()
        + (field.words().isEmpty()
            ? ""
            : " or " + field.words().getFirst() + " to " + field.words().getLast());
  }

  /** The 31st of April, which is no day of any year. */
  private static void neverComes(String path, String[] parts, SpecConvertProblems problems) {
    if (!parts[4].equals("*") || !parts[2].matches("[0-9]+") || !parts[3].matches("[0-9]+")) {
      return;
    }
    int day = Integer.parseInt(parts[2]);
    int month = Integer.parseInt(parts[3]);
    if (day > LONGEST[month - 1]) {
      problems.add(path, "day " + day + " of month " + month + " never comes");
    }
  }

  private static String expanded(String shortForm) {
    return switch (shortForm.toLowerCase(Locale.ROOT)) {
      case "@hourly" -> ": 0 * * * *";
      case "@daily", "@midnight" -> ": 0 0 * * *";
      case "@weekly" -> ": 0 0 * * 0";
      case "@monthly" -> ": 0 0 1 * *";
      case "@yearly", "@annually" -> ": 0 0 1 1 *";
      default -> ", for example 0 0 * * *";
    };
  }
}

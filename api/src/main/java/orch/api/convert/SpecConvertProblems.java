package orch.api.convert;

import com.google.protobuf.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import orch.api.model.NearestName;
import orch.api.model.Quantity;
import orch.api.model.Signal;
import orch.api.model.Template;
import org.jspecify.annotations.Nullable;

/** Gathers what is wrong, and holds the checks that many fields share. */
final class SpecConvertProblems {
  /** Longer ones would overflow a count of nanoseconds somewhere. */
  static final java.time.Duration LONGEST = java.time.Duration.ofDays(36_500);

  private final List<FieldProblem> problems = new ArrayList<>();
  private final boolean trusting;

  SpecConvertProblems() {
    this(false);
  }

  /**
   * @param trusting nothing is a problem, and values are taken as they are, as far as the model can
   *     hold them
   */
  SpecConvertProblems(boolean trusting) {
    this.trusting = trusting;
  }

  void add(String path, String message) {
    if (!trusting) {
      problems.add(new FieldProblem(path, message));
    }
  }

  List<FieldProblem> list() {
    return problems;
  }

  boolean any() {
    return !problems.isEmpty();
  }

  /** The value itself, or {@code least} when it lies outside of the range. */
  int range(String path, int value, int least, int most) {
    return (int) range(path, (long) value, least, most);
  }

  long range(String path, long value, long least, long most) {
    if (trusting || value >= least && value <= most) {
      return value;
    }
    if (most == Long.MAX_VALUE || most == Integer.MAX_VALUE) {
      add(path, "must be " + grouped(least) + " or more, not " + grouped(value));
    } else {
      add(path, "must be " + grouped(least) + " to " + grouped(most) + ", not " + grouped(value));
    }
    return least;
  }

  double range(String path, double value, double least, double most) {
    if (trusting || value >= least && value <= most) {
      return value;
    }
    add(path, "must be " + plain(least) + " to " + plain(most) + ", not " + plain(value));
    return least;
  }

  void notNegativeBytes(String path, long bytes) {
    if (bytes < 0) {
      add(path, "must be 0 bytes or more, not " + grouped(bytes));
    }
  }

  /** The duration, or {@code unset} when the field is; must be more than 0. */
  java.time.Duration positive(
      String path, boolean isSet, Duration proto, java.time.Duration unset) {
    java.time.Duration duration = orNull(path, isSet, proto);
    return duration == null ? unset : positive(path, duration);
  }

  /** The duration, or null when the field is unset; must be more than 0. */
  java.time.@Nullable Duration positiveOrNull(String path, boolean isSet, Duration proto) {
    java.time.Duration duration = orNull(path, isSet, proto);
    return duration == null ? null : positive(path, duration);
  }

  /** The duration, or {@code unset} when the field is; may be 0. */
  java.time.Duration duration(
      String path, boolean isSet, Duration proto, java.time.Duration unset) {
    java.time.Duration duration = orNull(path, isSet, proto);
    return duration == null ? unset : duration;
  }

  private java.time.Duration positive(String path, java.time.Duration duration) {
    if (duration.isZero()) {
      add(path, "must be longer than 0; leave it out for the default");
    }
    return duration;
  }

  private java.time.@Nullable Duration orNull(String path, boolean isSet, Duration proto) {
    if (!isSet) {
      return null;
    }
    if (trusting) {
      return java.time.Duration.ofSeconds(proto.getSeconds(), proto.getNanos());
    }
    if (proto.getSeconds() < 0 || proto.getNanos() < 0) {
      add(path, "must not be negative");
      return LONGEST;
    }
    if (proto.getNanos() > 999_999_999 || proto.getSeconds() > LONGEST.toSeconds()) {
      add(path, "is too long; at most 100 years (36500d)");
      return LONGEST;
    }
    return java.time.Duration.ofSeconds(proto.getSeconds(), proto.getNanos());
  }

  /** A signal number, {@code unset} when it is 0. */
  int signal(String path, int number, int unset) {
    if (number == 0) {
      return unset;
    }
    if (!trusting && (number < 0 || number > Signal.MAX)) {
      add(path, "must be a signal's number, 1 to 64, not " + number);
      return unset;
    }
    return number;
  }

  /** {@code value} when it matches, with a problem that shows the {@code rule} when not. */
  void matches(String path, String value, Pattern pattern, String rule) {
    if (!pattern.matcher(value).matches()) {
      add(path, "'" + shortened(value) + "' " + rule);
    }
  }

  /** Text that goes to execve(2) or a path: no NUL, at most 128 KiB (MAX_ARG_STRLEN). */
  void text(String path, String value) {
    if (value.indexOf('\0') >= 0) {
      add(path, "contains a NUL character, which no argument, variable or path can hold");
    }
    if (value.length() >= 131_072) {
      add(path, "is longer than the 128 KiB that Linux takes as one argument or variable");
    }
  }

  void template(String path, String value, Template.Scope scope) {
    text(path, value);
    Template.problems(value, scope).forEach(problem -> add(path, problem));
  }

  /** Program and arguments: a program, no NUL, known names only. */
  void command(String path, List<String> command, Template.Scope scope) {
    if (!command.isEmpty() && command.getFirst().isEmpty()) {
      add(path + "[0]", "is empty; the first word is the program");
    }
    for (int i = 0; i < command.size(); i++) {
      template(path + "[" + i + "]", command.get(i), scope);
    }
  }

  /** The constant of the same name without the prefix, {@code unset} for number 0. */
  <E extends Enum<E>> E constant(String path, Enum<?> value, E unset) {
    String name = value.name();
    if (name.endsWith("_UNSPECIFIED")) {
      return unset;
    }
    for (E constant : unset.getDeclaringClass().getEnumConstants()) {
      if (name.endsWith("_" + constant.name())) {
        return constant;
      }
    }
    add(
        path,
        "has a value that this version does not know; known are "
            + Arrays.stream(unset.getDeclaringClass().getEnumConstants())
                .map(SpecConvertProblems::word)
                .collect(Collectors.joining(", ")));
    return unset;
  }

  /** No value twice. */
  <T> void distinct(String path, List<T> values, String what) {
    for (int i = 0; i < values.size(); i++) {
      int first = values.indexOf(values.get(i));
      if (first < i) {
        add(path + "[" + i + "]", "names the " + what + " '" + values.get(i) + "' a second time");
      }
    }
  }

  void known(String path, String value, List<String> known, String what) {
    if (!known.contains(value)) {
      String hint = NearestName.hint(value, known);
      add(
          path,
          "there is no "
              + what
              + " '"
              + shortened(value)
              + "'"
              + (hint.isEmpty() ? "; known are " + String.join(", ", known) : hint));
    }
  }

  /** Every list has a limit. */
  void atMost(String path, int count, int most) {
    if (count > most) {
      add(path, "has " + grouped(count) + " entries; at most " + grouped(most));
    }
  }

  static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  static String grouped(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }

  static String plain(double number) {
    return number == Math.rint(number) && Math.abs(number) < 1e15
        ? Long.toString((long) number)
        : Double.toString(number);
  }

  static String shown(java.time.Duration duration) {
    return Quantity.formatDuration(duration);
  }

  static String shortened(String text) {
    return text.length() <= 80 ? text : text.substring(0, 77) + "…";
  }
}

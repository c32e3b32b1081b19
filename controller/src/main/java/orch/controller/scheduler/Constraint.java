package orch.controller.scheduler;

import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * An expression over a node's labels and attributes, as people write it: {@code gpu}, {@code !gpu},
 * {@code rack = a} (or {@code ==}), {@code rack != a}, {@code rack in (a, b)}, {@code rack not in
 * (a, b)}, {@code kernel >= 6.1} (and {@code <}, {@code <=}, {@code >}). A node without the key
 * meets {@code !key}, {@code !=} and {@code not in} only. Order is that of {@link Versions}.
 */
public final class Constraint {
  enum Operator {
    EXISTS,
    ABSENT,
    IN,
    NOT_IN,
    LESS,
    AT_MOST,
    MORE,
    AT_LEAST
  }

  private final String text;
  private final String key;
  private final Operator operator;
  private final List<String> values;

  Constraint(String text, String key, Operator operator, List<String> values) {
    this.text = text;
    this.key = key;
    this.operator = operator;
    this.values = List.copyOf(values);
  }

  /**
   * Reads an expression.
   *
   * @throws IllegalArgumentException saying what is wrong and what would be right
   */
  public static Constraint parse(String text) {
    return new ConstraintParser(text).parse();
  }

  /** The key must exist. */
  static Constraint exists(String key) {
    return new Constraint(key, key, Operator.EXISTS, List.of());
  }

  public boolean holds(SortedMap<String, String> node) {
    @Nullable String value = node.get(key);
    return switch (operator) {
      case EXISTS -> value != null;
      case ABSENT -> value == null;
      case IN -> value != null && values.contains(value);
      case NOT_IN -> value == null || !values.contains(value);
      case LESS -> value != null && order(value) < 0;
      case AT_MOST -> value != null && order(value) <= 0;
      case MORE -> value != null && order(value) > 0;
      case AT_LEAST -> value != null && order(value) >= 0;
    };
  }

  private int order(String value) {
    return Versions.compare(value, values.getFirst());
  }

  /** The expression as it was written. */
  @Override
  public String toString() {
    return text;
  }
}

package orch.api.model;

import java.util.List;
import java.util.SortedMap;

/**
 * A condition on a node's facts (labels and attributes), as in {@code Placement.constraints} and in
 * affinities:
 *
 * <pre>
 *   gpu               the fact exists
 *   !gpu              it does not
 *   rack = a          it has this very value ({@code ==} is the same)
 *   rack != a         it has another value, or does not exist
 *   kernel &gt;= 6.1     compared as a version: 6.10 is more than 6.9; also &lt; &lt;= &gt;
 *   rack in (a, b)    it has one of the values
 *   rack not in (a)   it has none of them, or does not exist
 * </pre>
 *
 * <p>A value with other characters than letters, digits and {@code . _ - / : + @ ~} stands in
 * single or double quotes.
 *
 * @param key name of the fact
 * @param values one for a comparison, at least one for a list, none for existence
 */
public record Constraint(String key, Operator operator, List<String> values) {
  /** How the fact is compared. */
  public enum Operator {
    EXISTS(""),
    ABSENT("!"),
    EQUAL("="),
    NOT_EQUAL("!="),
    LESS("<"),
    AT_MOST("<="),
    MORE(">"),
    AT_LEAST(">="),
    IN("in"),
    NOT_IN("not in");

    private final String symbol;

    Operator(String symbol) {
      this.symbol = symbol;
    }

    /** As it is written. */
    public String symbol() {
      return symbol;
    }
  }

  public Constraint {
    values = List.copyOf(values);
  }

  /**
   * Reads the form above; throws IllegalArgumentException with a sentence that quotes the
   * expression and says what was expected.
   */
  public static Constraint parse(String text) {
    return new ConstraintParser(text).parse();
  }

  /** Whether a node with these facts fulfils the condition. */
  public boolean matches(SortedMap<String, String> facts) {
    String fact = facts.get(key);
    return switch (operator) {
      case EXISTS -> fact != null;
      case ABSENT -> fact == null;
      case EQUAL, IN -> fact != null && values.contains(fact);
      case NOT_EQUAL, NOT_IN -> fact == null || !values.contains(fact);
      case LESS -> fact != null && VersionOrder.isVersion(fact) && compare(fact) < 0;
      case AT_MOST -> fact != null && VersionOrder.isVersion(fact) && compare(fact) <= 0;
      case MORE -> fact != null && VersionOrder.isVersion(fact) && compare(fact) > 0;
      case AT_LEAST -> fact != null && VersionOrder.isVersion(fact) && compare(fact) >= 0;
    };
  }

  /** A text that {@link #parse} reads as an equal constraint. */
  @Override
  public String toString() {
    return switch (operator) {
      case EXISTS -> key;
      case ABSENT -> "!" + key;
      case IN, NOT_IN ->
          key
              + " "
              + operator.symbol()
              + " ("
              + String.join(", ", values.stream().map(ConstraintParser::quoted).toList())
              + ")";
      default -> key + " " + operator.symbol() + " " + ConstraintParser.quoted(values.getFirst());
    };
  }

  private int compare(String fact) {
    return VersionOrder.compare(fact, values.getFirst());
  }
}

package orch.api.model;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads one {@link Constraint}; its messages quote the expression and show a right one. */
final class ConstraintParser {
  private static final int MAX_LENGTH = 1_024;

  private final String text;
  private int position;

  ConstraintParser(String text) {
    this.text = text;
  }

  static String quoted(String value) {
    if (!value.isEmpty() && value.chars().allMatch(c -> isWordCharacter((char) c))) {
      return value;
    }
    return value.indexOf('"') < 0 ? '"' + value + '"' : "'" + value + "'";
  }

  Constraint parse() {
    if (text.isBlank()) {
      throw new IllegalArgumentException(
          "an expression is empty; write one such as: rack in (a, b)");
    }
    if (text.length() > MAX_LENGTH) {
      throw new IllegalArgumentException(
          "an expression has " + text.length() + " characters; at most " + MAX_LENGTH);
    }
    if (accept("!")) {
      if (peek() == '=') {
        throw wrong("the name before '!=' is missing, as in: rack != a");
      }
      Constraint absent = new Constraint(key(), Constraint.Operator.ABSENT, List.of());
      end("'!' stands before a name alone, as in: !gpu");
      return absent;
    }
    String key = key();
    Constraint.Operator operator = operator();
    return switch (operator) {
      case EXISTS, ABSENT -> new Constraint(key, operator, List.of());
      case IN, NOT_IN -> {
        List<String> values = list(key, operator);
        end("nothing may follow the closing ')'");
        yield new Constraint(key, operator, values);
      }
      case EQUAL, NOT_EQUAL -> {
        String value = value(key, operator);
        if (peek() == ',') {
          throw wrong(
              "one value only after '"
                  + operator.symbol()
                  + "'; for several write: "
                  + key
                  + (operator == Constraint.Operator.EQUAL ? " in (" : " not in (")
                  + value
                  + ", …)");
        }
        end("put a value with spaces in quotes");
        yield new Constraint(key, operator, List.of(value));
      }
      case LESS, AT_MOST, MORE, AT_LEAST -> {
        String value = value(key, operator);
        if (!VersionOrder.isVersion(value)) {
          throw wrong(
              "'"
                  + operator.symbol()
                  + "' compares numbers and versions, and '"
                  + value
                  + "' is neither");
        }
        end("put a value with spaces in quotes");
        yield new Constraint(key, operator, List.of(value));
      }
    };
  }

  private Constraint.Operator operator() {
    skipSpaces();
    if (position == text.length()) {
      return Constraint.Operator.EXISTS;
    }
    if (accept("!=")) {
      return Constraint.Operator.NOT_EQUAL;
    }
    if (accept("=~") || accept("~")) {
      throw wrong("there is no match by pattern; list the values, as in: rack in (a, b)");
    }
    if (accept("==") || accept("=")) {
      return Constraint.Operator.EQUAL;
    }
    if (accept("<=")) {
      return Constraint.Operator.AT_MOST;
    }
    if (accept("<")) {
      return Constraint.Operator.LESS;
    }
    if (accept(">=")) {
      return Constraint.Operator.AT_LEAST;
    }
    if (accept(">")) {
      return Constraint.Operator.MORE;
    }
    if (acceptWord("in")) {
      return Constraint.Operator.IN;
    }
    if (acceptWord("not")) {
      if (acceptWord("in")) {
        return Constraint.Operator.NOT_IN;
      }
      throw wrong("expected 'in' after 'not', as in: rack not in (a, b)");
    }
    throw wrong(rest());
  }

  private String rest() {
    String rest = text.substring(position).strip();
    if (rest.startsWith("&") || rest.startsWith("|") || rest.matches("(?i)(and|or)\\b.*")) {
      return "one condition an expression; list several, all of which must hold, and use"
          + " 'in (a, b)' for a choice";
    }
    return "expected one of = != < <= > >= in 'not in' before '" + rest + "'";
  }

  private String key() {
    skipSpaces();
    int start = position;
    while (position < text.length() && isKeyCharacter(text.charAt(position))) {
      position++;
    }
    if (position == start) {
      throw wrong("expected the name of a label or attribute at its begin, as in: rack = a");
    }
    return text.substring(start, position);
  }

  private String value(String key, Constraint.Operator operator) {
    String value = word();
    if (value == null) {
      throw wrong(
          "a value is missing after '"
              + operator.symbol()
              + "', as in: "
              + key
              + " "
              + operator.symbol()
              + " 1");
    }
    return value;
  }

  private List<String> list(String key, Constraint.Operator operator) {
    String example = key + " " + operator.symbol() + " (a, b)";
    skipSpaces();
    if (!accept("(")) {
      throw wrong("expected '(' after '" + operator.symbol() + "', as in: " + example);
    }
    List<String> values = new ArrayList<>();
    do {
      String value = word();
      if (value == null) {
        throw wrong("a value is missing in the list, as in: " + example);
      }
      values.add(value);
      skipSpaces();
    } while (accept(","));
    if (!accept(")")) {
      throw wrong("expected ',' or ')' in the list, as in: " + example);
    }
    return values;
  }

  /** A plain or quoted value, or null when none stands here. */
  private @Nullable String word() {
    skipSpaces();
    char quote = peek();
    if (quote == '\'' || quote == '"') {
      int close = text.indexOf(quote, position + 1);
      if (close < 0) {
        throw wrong("the quote " + quote + " is not closed");
      }
      String value = text.substring(position + 1, close);
      position = close + 1;
      return value;
    }
    int start = position;
    while (position < text.length() && isWordCharacter(text.charAt(position))) {
      position++;
    }
    return position == start ? null : text.substring(start, position);
  }

  private void end(String expectation) {
    skipSpaces();
    if (position < text.length()) {
      String rest = text.substring(position).strip();
      if (rest.startsWith("&") || rest.startsWith("|") || rest.matches("(?i)(and|or)\\b.*")) {
        throw wrong(rest());
      }
      throw wrong("'" + rest + "' is too much: " + expectation);
    }
  }

  private IllegalArgumentException wrong(String why) {
    return new IllegalArgumentException("'" + text + "': " + why);
  }

  private boolean accept(String symbol) {
    skipSpaces();
    if (text.startsWith(symbol, position)) {
      position += symbol.length();
      return true;
    }
    return false;
  }

  private boolean acceptWord(String word) {
    skipSpaces();
    int after = position + word.length();
    if (text.startsWith(word, position)
        && (after >= text.length() || !isWordCharacter(text.charAt(after)))) {
      position = after;
      return true;
    }
    return false;
  }

  private char peek() {
    skipSpaces();
    return position < text.length() ? text.charAt(position) : '\0';
  }

  private void skipSpaces() {
    while (position < text.length() && Character.isWhitespace(text.charAt(position))) {
      position++;
    }
  }

  private static boolean isKeyCharacter(char c) {
    return isAlphanumeric(c) || c == '.' || c == '_' || c == '-' || c == '/';
  }

  private static boolean isWordCharacter(char c) {
    return isKeyCharacter(c) || c == ':' || c == '+' || c == '@' || c == '~';
  }

  private static boolean isAlphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  }
}

package orch.controller.scheduler;

import java.util.ArrayList;
import java.util.List;
import orch.controller.scheduler.Constraint.Operator;

/** Reads one {@link Constraint}. */
final class ConstraintParser {
  private static final int MAX_LENGTH = 512;

  private final String text;
  private int at;

  ConstraintParser(String text) {
    this.text = text;
  }

  Constraint parse() {
    if (text.length() > MAX_LENGTH) {
      throw wrong("it is longer than " + MAX_LENGTH + " characters");
    }
    space();
    if (take("!")) {
      space();
      return end(word("a key after !"), Operator.ABSENT, List.of());
    }
    String key = word("a key");
    space();
    if (at == text.length()) {
      return end(key, Operator.EXISTS, List.of());
    }
    return switch (operator()) {
      case "=", "==" -> end(key, Operator.IN, List.of(value()));
      case "!=" -> end(key, Operator.NOT_IN, List.of(value()));
      case "<" -> end(key, Operator.LESS, List.of(value()));
      case "<=" -> end(key, Operator.AT_MOST, List.of(value()));
      case ">" -> end(key, Operator.MORE, List.of(value()));
      case ">=" -> end(key, Operator.AT_LEAST, List.of(value()));
      case "in" -> end(key, Operator.IN, list());
      case "not in" -> end(key, Operator.NOT_IN, list());
      default -> throw wrong("after the key comes =, !=, <, <=, >, >=, in (…) or not in (…)");
    };
  }

  private Constraint end(String key, Operator operator, List<String> values) {
    space();
    if (at < text.length()) {
      throw wrong(
          "'" + text.substring(at) + "' is too much; several conditions are several entries");
    }
    return new Constraint(text.strip(), key, operator, values);
  }

  private String operator() {
    for (String symbol : List.of("==", "!=", "<=", ">=", "=", "<", ">")) {
      if (take(symbol)) {
        return symbol;
      }
    }
    int start = at;
    String word = wordOrEmpty();
    if (word.equals("not")) {
      space();
      return wordOrEmpty().equals("in") ? "not in" : "";
    }
    return start < at ? word : "";
  }

  private String value() {
    space();
    return word("a value");
  }

  private List<String> list() {
    space();
    if (!take("(")) {
      throw wrong("after in comes a list in parentheses: rack in (a,b)");
    }
    List<String> values = new ArrayList<>();
    do {
      space();
      values.add(word("a value"));
      space();
    } while (take(","));
    if (!take(")")) {
      throw wrong("the list is not closed by )");
    }
    return values;
  }

  private String word(String what) {
    String word = wordOrEmpty();
    if (word.isEmpty()) {
      throw wrong("there is no " + what.replaceFirst("^an? ", "") + " at column " + (at + 1));
    }
    return word;
  }

  /** A quoted text, or a run of letters, digits and {@code _ - . / : + ~ @}. */
  private String wordOrEmpty() {
    if (at < text.length() && (text.charAt(at) == '"' || text.charAt(at) == '\'')) {
      int close = text.indexOf(text.charAt(at), at + 1);
      if (close < 0) {
        throw wrong("the quote at column " + (at + 1) + " is not closed");
      }
      String quoted = text.substring(at + 1, close);
      at = close + 1;
      return quoted;
    }
    int start = at;
    while (at < text.length() && isWord(text.charAt(at))) {
      at++;
    }
    return text.substring(start, at);
  }

  private static boolean isWord(char c) {
    return Character.isLetterOrDigit(c) || "_-./:+~@".indexOf(c) >= 0;
  }

  private boolean take(String symbol) {
    if (text.startsWith(symbol, at)) {
      at += symbol.length();
      return true;
    }
    return false;
  }

  private void space() {
    while (at < text.length() && text.charAt(at) == ' ') {
      at++;
    }
  }

  private IllegalArgumentException wrong(String why) {
    return new IllegalArgumentException("constraint '" + text + "': " + why);
  }
}

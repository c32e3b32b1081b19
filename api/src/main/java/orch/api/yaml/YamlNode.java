package orch.api.yaml;

import java.util.List;
import java.util.regex.Pattern;

/** A value of a document; lines and columns count from 1. */
public sealed interface YamlNode {
  int line();

  int column();

  /** Nodes below and including this one, an alias counting as what it stands for. */
  long size();

  /** What it is, for a sentence: {@code text 'three'}, {@code a list}. */
  String described();

  /** Whether the text, written without quotes, is a text and no number, truth or nothing. */
  static boolean isPlainText(String text) {
    return Scalar.kindOf(text) == Kind.TEXT;
  }

  /** What a scalar is by the core schema of YAML 1.2. */
  enum Kind {
    TEXT,
    INTEGER,
    FLOAT,
    BOOLEAN,
    NULL,
    BINARY
  }

  /**
   * A single value.
   *
   * @param text as written, without quotes
   */
  record Scalar(int line, int column, String text, Kind kind) implements YamlNode {
    private static final Pattern INTEGER = Pattern.compile("[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+");

    private static final Pattern FLOAT =
        Pattern.compile(
            "[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\\.(inf|Inf|INF)|\\.(nan|NaN|NAN)");

    /** The kind of an unquoted text. */
    static Kind kindOf(String plain) {
      return switch (plain) {
        case "", "~", "null", "Null", "NULL" -> Kind.NULL;
        case "true", "True", "TRUE", "false", "False", "FALSE" -> Kind.BOOLEAN;
        default ->
            INTEGER.matcher(plain).matches()
                ? Kind.INTEGER
                : FLOAT.matcher(plain).matches() ? Kind.FLOAT : Kind.TEXT;
      };
    }

    @Override
    public long size() {
      return 1;
    }

    @Override
    public String described() {
      return switch (kind) {
        case TEXT -> "text '" + shortened() + "'";
        case INTEGER, FLOAT -> "the number " + shortened();
        case BOOLEAN -> text;
        case NULL -> "nothing";
        case BINARY -> "binary data";
      };
    }

    private String shortened() {
      String line = text.replace("\n", "\\n");
      return line.length() <= 60 ? line : line.substring(0, 57) + "…";
    }
  }

  /** A list. */
  record Sequence(int line, int column, List<YamlNode> values, long size) implements YamlNode {
    @Override
    public String described() {
      return "a list";
    }
  }

  /** Keys with values, in the order of the file. */
  record Mapping(int line, int column, List<Entry> entries, long size) implements YamlNode {
    @Override
    public String described() {
      return "a mapping";
    }
  }

  /** One key of a mapping with its value. */
  record Entry(Scalar key, YamlNode value) {}
}

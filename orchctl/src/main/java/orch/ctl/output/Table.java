package orch.ctl.output;

import java.util.ArrayList;
import java.util.List;

/** Rows under a heading, in columns as wide as their longest cell. */
public final class Table {
  private static final int GAP = 2;

  private final List<Cell[]> rows = new ArrayList<>();
  private final boolean[] alignRight;
  private final boolean coloured;

  private record Cell(String text, Colour colour) {}

  /** A table with these column names; those that begin with {@code >} are aligned to the right. */
  public Table(boolean coloured, String... columns) {
    this.coloured = coloured;
    this.alignRight = new boolean[columns.length];
    Cell[] heading = new Cell[columns.length];
    for (int i = 0; i < columns.length; i++) {
      alignRight[i] = columns[i].startsWith(">");
      heading[i] = new Cell(alignRight[i] ? columns[i].substring(1) : columns[i], Colour.BOLD);
    }
    rows.add(heading);
  }

  /** Adds a row; cells that are missing at its end are empty. */
  public Table row(String... cells) {
    Cell[] row = new Cell[alignRight.length];
    for (int i = 0; i < row.length; i++) {
      String text = i < cells.length ? oneLine(cells[i]) : "";
      row[i] = new Cell(text, Colour.NONE);
    }
    rows.add(row);
    return this;
  }

  /** Colours a cell of the last row, if the table has colours. */
  public Table colour(int column, Colour colour) {
    Cell[] row = rows.get(rows.size() - 1);
    row[column] = new Cell(row[column].text(), colour);
    return this;
  }

  /** The table, each row a line; no blanks at the ends of lines. */
  public String render() {
    int[] widths = new int[alignRight.length];
    for (Cell[] row : rows) {
      for (int i = 0; i < row.length; i++) {
        widths[i] = Math.max(widths[i], width(row[i].text()));
      }
    }
    StringBuilder out = new StringBuilder(rows.size() * 64);
    for (Cell[] row : rows) {
      render(row, widths, out);
    }
    return out.toString();
  }

  private void render(Cell[] row, int[] widths, StringBuilder out) {
    int pending = 0;
    for (int i = 0; i < row.length; i++) {
      String text = row[i].text();
      int padding = widths[i] - width(text);
      if (alignRight[i]) {
        pending += padding;
      }
      if (!text.isEmpty()) {
        out.repeat(' ', pending);
        pending = 0;
        out.append(coloured ? row[i].colour().paint(text) : text);
      }
      pending += GAP + (alignRight[i] ? 0 : padding);
    }
    out.append('\n');
  }

  /** Columns that the text takes, counting a code point as one. */
  private static int width(String text) {
    return text.codePointCount(0, text.length());
  }

  /** What would move the cursor is shown as an escape, so that no reason can forge a row. */
  static String oneLine(String text) {
    StringBuilder clean = null;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < 0x20 || c >= 0x7f && c < 0xa0) {
        if (clean == null) {
          clean = new StringBuilder(text.length() + 8).append(text, 0, i);
        }
        switch (c) {
          case '\n' -> clean.append("\\n");
          case '\t' -> clean.append("\\t");
          case '\r' -> clean.append("\\r");
          default ->
              clean
                  .append("\\x")
                  .append(Character.forDigit(c >> 4, 16))
                  .append(Character.forDigit(c & 15, 16));
        }
      } else if (clean != null) {
        clean.append(c);
      }
    }
    return clean == null ? text : clean.toString();
  }

  /** The text, cut off with an ellipsis after {@code limit} code points. */
  public static String cut(String text, int limit) {
    return width(text) <= limit
        ? text
        : text.substring(0, text.offsetByCodePoints(0, limit - 1)) + "…";
  }
}

package orch.ctl.output;

import java.util.ArrayList;
import java.util.List;

/** Names and values below each other; what is empty is left out. */
public final class Facts {
  private final boolean coloured;
  private final List<String> names = new ArrayList<>();
  private final List<String> values = new ArrayList<>();

  /** An empty list. */
  public Facts(boolean coloured) {
    this.coloured = coloured;
  }

  /** Adds a value unless it is empty. */
  public Facts add(String name, String value) {
    return add(name, value, Colour.NONE);
  }

  /** Adds a value in a colour unless it is empty. */
  public Facts add(String name, String value, Colour colour) {
    if (!value.isEmpty()) {
      String clean = Table.oneLine(value);
      names.add(name);
      values.add(coloured ? colour.paint(clean) : clean);
    }
    return this;
  }

  /** The list, a fact a line. */
  public String render() {
    int width = 0;
    for (String name : names) {
      width = Math.max(width, name.length());
    }
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < names.size(); i++) {
      String name = names.get(i);
      out.append(coloured ? Colour.FAINT.paint(name) : name)
          .repeat(' ', width - name.length() + 2)
          .append(values.get(i))
          .append('\n');
    }
    return out.toString();
  }
}

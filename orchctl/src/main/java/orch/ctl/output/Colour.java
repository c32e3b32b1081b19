package orch.ctl.output;

/** Colours of a terminal, as SGR sequences. */
public enum Colour {
  NONE(""),
  GREEN("32"),
  RED("31"),
  YELLOW("33"),
  BLUE("34"),
  FAINT("2"),
  BOLD("1");

  private final String code;

  Colour(String code) {
    this.code = code;
  }

  /** The text in this colour. */
  public String paint(String text) {
    return this == NONE || text.isEmpty() ? text : "\033[" + code + "m" + text + "\033[0m";
  }

  /** The colour in which a state is shown. */
  public static Colour ofState(String state) {
    return switch (state) {
      case "succeeded", "ready", "leader" -> GREEN;
      case "running" -> BLUE;
      case "failed", "killed", "lost", "gone", "unreachable", "dropped" -> RED;
      case "cancelled", "stopping", "held", "cordoned", "draining" -> YELLOW;
      default -> NONE;
    };
  }
}

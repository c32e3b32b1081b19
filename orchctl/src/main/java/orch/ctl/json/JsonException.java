package orch.ctl.json;

/** A text that is no JSON. */
public final class JsonException extends Exception {
  private static final long serialVersionUID = 1;

  JsonException(String problem, int offset) {
    super(problem + " at character " + (offset + 1));
  }
}

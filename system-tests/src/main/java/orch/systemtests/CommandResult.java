package orch.systemtests;

import java.nio.charset.StandardCharsets;
import java.util.List;

/** How a command ended and what it wrote. */
public record CommandResult(int code, byte[] out, byte[] err) {
  public String text() {
    return new String(out, StandardCharsets.UTF_8);
  }

  public String errors() {
    return new String(err, StandardCharsets.UTF_8);
  }

  public List<String> lines() {
    return text().lines().toList();
  }

  @Override
  public String toString() {
    return "exit code " + code + "\nstdout:\n" + text() + "\nstderr:\n" + errors();
  }
}

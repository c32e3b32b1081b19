package orch.tidy;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.spi.ToolProvider;

/** The formatter, called as tidy/format calls it, so that both are always of one opinion. */
final class Format {
  private static final ToolProvider FORMATTER =
      ToolProvider.findFirst("google-java-format").orElseThrow();

  private Format() {}

  /**
   * Returns the sources that are not formatted; or rewrites them, and returns none.
   *
   * @throws IllegalArgumentException if one cannot be parsed; the message says where
   */
  static List<Path> apply(List<Path> sources, boolean fix) {
    List<String> arguments = new ArrayList<>();
    arguments.add(fix ? "--replace" : "--dry-run");
    sources.forEach(source -> arguments.add(source.toString()));
    var out = new StringWriter();
    var err = new StringWriter();
    int status =
        FORMATTER.run(new PrintWriter(out), new PrintWriter(err), arguments.toArray(String[]::new));
    if (status != 0) {
      throw new IllegalArgumentException(err.toString());
    }
    return out.toString().lines().map(Path::of).toList();
  }
}

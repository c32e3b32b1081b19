package orch.tidy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The page of fault cases names tests that exist. */
final class FaultCasesTest {
  private static final Path ROOT =
      Path.of(System.getProperty("tidy.root", "..")).toAbsolutePath().normalize();

  private static final String PAGE = "docs/fault-cases.md";
  private static final int CASES = 29;
  private static final Pattern ROW = Pattern.compile("^\\| (\\d+) \\|[^|]*\\|(.*)\\|$");
  private static final Pattern JAVA = Pattern.compile("`(\\w+)\\.([a-z]\\w+)`(?! `)");
  private static final Pattern C = Pattern.compile("`(\\w+\\.c)` `(\\w+)`");

  @Test
  void everyCaseIsShownByTestsThatExist() throws IOException {
    List<TextFile> files = TextFile.below(ROOT);
    List<String> complaints = new ArrayList<>();
    int cases = 0;
    for (String line : named(files, PAGE).orElseThrow().content().lines().toList()) {
      Matcher row = ROW.matcher(line);
      if (!row.matches()) {
        continue;
      }
      assertEquals(++cases, Integer.parseInt(row.group(1)), "the cases are numbered in order");
      int tests = 0;
      for (Matcher test = JAVA.matcher(row.group(2)); test.find(); tests++) {
        if (!has(files, test.group(1) + ".java", "void " + test.group(2) + "(")) {
          complaints.add("case " + cases + ": there is no test " + test.group());
        }
      }
      for (Matcher test = C.matcher(row.group(2)); test.find(); tests++) {
        if (!has(files, test.group(1), "run(" + test.group(2) + ");")) {
          complaints.add("case " + cases + ": there is no test " + test.group());
        }
      }
      if (tests == 0) {
        complaints.add("case " + cases + " is shown by no test");
      }
    }
    assertEquals("", String.join("\n", complaints));
    assertTrue(cases >= CASES, "cases were lost from " + PAGE);
  }

  private static Optional<TextFile> named(List<TextFile> files, String path) {
    return files.stream().filter(file -> file.path().equals(path)).findFirst();
  }

  private static boolean has(List<TextFile> files, String name, String text) {
    return files.stream()
        .anyMatch(file -> file.name().equals(name) && file.content().contains(text));
  }
}

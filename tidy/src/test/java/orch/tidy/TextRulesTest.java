package orch.tidy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Shows that the rules bite: each refuses what it is there to refuse, and lets the rest pass. */
final class TextRulesTest {
  @Test
  void aSourceHasAtMostSixHundredLines() {
    assertRefused(TextRules::sourcesOfAReadableLength, file("a/A.java", "x\n".repeat(701)));
    assertRefused(TextRules::sourcesOfAReadableLength, file("a/a.c", "x\n".repeat(701)));
    assertAllowed(TextRules::sourcesOfAReadableLength, file("a/A.java", "x\n".repeat(700)));
    assertAllowed(TextRules::sourcesOfAReadableLength, file("docs/long.md", "x\n".repeat(900)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"// TO-DO: later", "/* FIX-ME */", "# XX-X"})
  void nothingIsLeftForLater(String hyphenated) {
    String text = hyphenated.replace("-", "");
    assertRefused(TextRules::nothingLeftForLater, file("a/A.java", "first\n" + text + "\n"));
    assertRefused(TextRules::nothingLeftForLater, file("bin/tool", text + "\n"));
    assertAllowed(TextRules::nothingLeftForLater, file("a/A.java", "mktemp /tmp/orch.XXXXXX\n"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/wo-rk/main", "see /ro-ot/.m2", "\"/Us-ers/me\""})
  void noPathOfOneMachineIsNamed(String hyphenated) {
    String path = hyphenated.replace("-", "");
    assertRefused(TextRules::noPathOfOneMachine, file("docs/a.md", path + "\n"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/etc/orch",
        "/home/ann/data",
        "HOME=/root",
        "the /work of others",
        "$HOME/work/a",
        "ORCH_DIR/work/a"
      })
  void pathsOfEveryMachineMayBeNamed(String path) {
    assertAllowed(TextRules::noPathOfOneMachine, file("docs/a.md", path + "\n"));
  }

  @Test
  void everyLineEndsWithANewlineAlone() {
    assertRefused(TextRules::linesEndWithANewline, file("a.yaml", "a: 1"));
    assertRefused(TextRules::linesEndWithANewline, file("a.yaml", "a: 1\r\n"));
    assertAllowed(TextRules::linesEndWithANewline, file("a.yaml", "a: 1\n"));
    assertAllowed(TextRules::linesEndWithANewline, file("empty", ""));
  }

  @Test
  void everyPackageIsNullMarked() {
    TextFile source = file("api/src/main/java/orch/api/A.java", "");
    TextFile test = file("api/src/test/java/orch/api/ATest.java", "");
    TextFile mark = file("api/src/main/java/orch/api/package-info.java", "@NullMarked\n");
    assertRefused(TextRules::packagesAreNullMarked, source);
    assertRefused(TextRules::packagesAreNullMarked, test);
    assertRefused(TextRules::packagesAreNullMarked, file(mark.path(), "package orch.api;\n"));
    assertRefused(
        TextRules::packagesAreNullMarked,
        mark,
        file("controller/src/main/java/orch/api/A.java", ""));
    assertAllowed(TextRules::packagesAreNullMarked, source, test, mark);
  }

  @Test
  void everyDecisionIsListed() {
    TextFile decision = file("docs/adr/0007-launcher-in-c.md", "# 7\n");
    assertRefused(TextRules::decisionsAreListed, decision);
    assertRefused(TextRules::decisionsAreListed, decision, file("docs/adr/README.md", "0007\n"));
    assertAllowed(
        TextRules::decisionsAreListed,
        decision,
        file("docs/adr/README.md", "- [7](0007-launcher-in-c.md)\n"));
  }

  @Test
  void theFormatterFindsAndMendsWhatIsNotFormatted(@TempDir Path directory) throws IOException {
    Path good = Files.writeString(directory.resolve("Good.java"), "final class Good {}\n");
    Path bad = Files.writeString(directory.resolve("Bad.java"), "final class Bad { int  a ; }\n");
    assertEquals(List.of(bad), Format.apply(List.of(good, bad), false));
    assertEquals(List.of(), Format.apply(List.of(good, bad), true));
    assertEquals("final class Bad {\n  int a;\n}\n", Files.readString(bad));
    Path broken = Files.writeString(directory.resolve("Broken.java"), "final class {\n");
    assertThrows(IllegalArgumentException.class, () -> Format.apply(List.of(broken), false));
  }

  @Test
  void theTreeIsReadWithoutWhatIsBuiltHiddenOrBinary(@TempDir Path root) throws IOException {
    for (String path :
        List.of("a/src/A.java", "a/target/B.java", ".git/config", ".mvn/maven.config", ".log")) {
      Files.createDirectories(root.resolve(path).getParent());
      Files.writeString(root.resolve(path), "text\n");
    }
    Files.write(root.resolve("a/picture"), new byte[] {1, 0, 2});
    assertEquals(
        List.of(file(".mvn/maven.config", "text\n"), file("a/src/A.java", "text\n")),
        TextFile.below(root));
  }

  private static TextFile file(String path, String content) {
    return new TextFile(path, content);
  }

  private static void assertRefused(
      Function<List<TextFile>, List<String>> rule, TextFile... files) {
    assertEquals(1, rule.apply(List.of(files)).size());
  }

  private static void assertAllowed(
      Function<List<TextFile>, List<String>> rule, TextFile... files) {
    assertEquals(List.of(), rule.apply(List.of(files)));
  }
}

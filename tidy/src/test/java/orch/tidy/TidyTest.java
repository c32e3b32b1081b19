package orch.tidy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Holds the files of the project against {@link TextRules} and the format. */
final class TidyTest {
  private static final Path ROOT =
      Path.of(System.getProperty("tidy.root", "..")).toAbsolutePath().normalize();

  private static List<TextFile> files = List.of();

  @BeforeAll
  static void readTheTree() throws IOException {
    files = TextFile.below(ROOT);
    assertTrue(
        files.stream().anyMatch(file -> file.path().equals("tidy/pom.xml")),
        () -> ROOT + " is not the root of the project; set tidy.root");
  }

  @Test
  void everyJavaSourceIsFormatted() {
    List<Path> sources =
        files.stream().filter(TextFile::isJava).map(file -> ROOT.resolve(file.path())).toList();
    boolean fix = Boolean.getBoolean("tidy.fix");
    List<String> complaints = new ArrayList<>();
    for (Path source : Format.apply(sources, fix)) {
      complaints.add(ROOT.relativize(source) + " is not formatted; run tidy/format");
    }
    assertNone(complaints);
  }

  @Test
  void sourcesAreOfAReadableLength() {
    assertNone(TextRules.sourcesOfAReadableLength(files));
  }

  @Test
  void nothingIsLeftForLater() {
    assertNone(TextRules.nothingLeftForLater(files));
  }

  @Test
  void nothingNamesAPathOfOneMachine() {
    assertNone(TextRules.noPathOfOneMachine(files));
  }

  @Test
  void everyLineEndsWithANewline() {
    assertNone(TextRules.linesEndWithANewline(files));
  }

  @Test
  void everyPackageIsNullMarked() {
    assertNone(TextRules.packagesAreNullMarked(files));
  }

  @Test
  void everyDecisionIsListed() {
    assertNone(TextRules.decisionsAreListed(files));
  }

  private static void assertNone(List<String> complaints) {
    assertEquals("", String.join("\n", complaints));
  }
}

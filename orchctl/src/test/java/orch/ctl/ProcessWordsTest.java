package orch.ctl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ProcessWordsTest {
  @Test
  void wordsThatJavaUnderstoodAreTaken() {
    String[] arguments = {"run", "ü"};
    assertArrayEquals(arguments, ProcessWords.arguments(arguments));
    assertEquals("/x", ProcessWords.directoryOr("/x", Map.of("PWD", "/y")));
  }

  @Test
  void directoryThatJavaCannotNameIsTheShells() {
    assertEquals("/dé", ProcessWords.directoryOr("/d\uFFFD", Map.of("PWD", "/dé")));
  }

  @Test
  void wordsAreReadAsUtf8WithTheEmptyOnesBetween(@TempDir Path directory) throws IOException {
    Path file = Files.writeString(directory.resolve("cmdline"), "java\0-x\0\0ü\0");
    assertEquals(List.of("java", "-x", "", "ü"), ProcessWords.read(file.toString()));
    assertEquals(List.of(), ProcessWords.read("/no/such/file"));
  }

  @Test
  void userWithoutANameIsANumber() {
    assertEquals(
        "1001", ProcessWords.effectiveUid("Name:\tx\nUid:\t0\t1001\t0\t0\nGid:\t5\t6\t7\t8\n"));
    assertEquals("", ProcessWords.effectiveUid("Name:\tx\n"));
  }
}

package orch.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DataDirectoryTest {
  @TempDir Path directory;

  @Test
  void itIsMadeForItsOwnerOnly() throws Exception {
    Path path = directory.resolve("a/b");
    DataDirectory.open(path).close();
    assertEquals(PosixFilePermissions.fromString("rwx------"), Files.getPosixFilePermissions(path));
  }

  @Test
  void oneThatIsInUseIsRefusedUntilItIsClosed() throws Exception {
    try (DataDirectory first = DataDirectory.open(directory)) {
      assertEquals(directory.resolve("x"), first.resolve("x"));
      IOException refused =
          assertThrows(IOException.class, () -> DataDirectory.open(directory).close());
      assertTrue(
          String.valueOf(refused.getMessage())
              .contains(
                  "is used by another controller (process "
                      + ProcessHandle.current().pid()
                      + "); stop that one"));
    }
    DataDirectory.open(directory).close();
  }

  @Test
  void aFileInItsPlaceIsRefused() throws Exception {
    Path file = Files.createFile(directory.resolve("file"));
    IOException refused = assertThrows(IOException.class, () -> DataDirectory.open(file).close());
    assertTrue(String.valueOf(refused.getMessage()).contains("is not a directory"));
  }

  @Test
  void aPlaceWhereNothingCanBeMadeIsRefused() {
    IOException refused =
        assertThrows(IOException.class, () -> DataDirectory.open(Path.of("/proc/orch")).close());
    assertTrue(
        String.valueOf(refused.getMessage()).contains("/proc/orch cannot be made"),
        refused.getMessage());
  }

  @Test
  void aDirectoryThatCannotBeWrittenToIsRefused() {
    // Not even root can make files there.
    IOException refused =
        assertThrows(IOException.class, () -> DataDirectory.open(Path.of("/proc/self")).close());
    assertTrue(
        String.valueOf(refused.getMessage()).contains("/proc/self is not writable"),
        refused.getMessage());
  }
}

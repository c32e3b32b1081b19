package orch.agent.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import orch.agent.core.Buried;
import orch.agent.core.KnownAttempt;
import orch.agent.core.Obeyed;
import orch.api.model.AttemptState;
import orch.api.model.ResultKind;
import orch.api.model.Uid;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskFilesTest {
  @TempDir private Path directory;

  private static Uid uid(long sequence) {
    return new Uid(1, 2, sequence);
  }

  private static KnownAttempt known(long sequence) {
    return new KnownAttempt(
        uid(sequence),
        uid(900),
        42,
        "default",
        "web",
        3,
        2,
        "trace",
        "span",
        true,
        Duration.ofDays(7),
        Duration.ofSeconds(30),
        70,
        true,
        true);
  }

  private static Buried buried(long sequence) {
    return new Buried(
        uid(sequence), AttemptState.FAILED, ResultKind.EXITED, 1, 42, 1_000, 2_000 + sequence);
  }

  @Test
  void aNewAgentKnowsNobodyAndNothing() throws IOException {
    try (DiskFiles files = DiskFiles.open(directory)) {
      assertEquals(Obeyed.NOBODY, files.obeyed());
      assertEquals(List.of(), files.known());
      assertEquals(List.of(), files.buried());
    }
  }

  @Test
  void whatWasWrittenIsReadByTheNextAgent() throws IOException {
    try (DiskFiles files = DiskFiles.open(directory)) {
      files.obey(new Obeyed("c1", 2, 7));
      files.remember(known(1));
      files.remember(known(2));
      files.bury(buried(1));
      Buried dropped = new Buried(uid(3), AttemptState.DROPPED, null, 0, 0, 5, 6);
      files.bury(dropped);
    }
    try (DiskFiles files = DiskFiles.open(directory)) {
      assertEquals(new Obeyed("c1", 2, 7), files.obeyed());
      assertEquals(List.of(known(2)), files.known());
      assertEquals(buried(1), files.buried().getFirst());
      assertEquals(2, files.buried().size());
    }
  }

  @Test
  void aTornEndIsCutOffAndWritingGoesOn() throws IOException {
    try (DiskFiles files = DiskFiles.open(directory)) {
      files.remember(known(1));
      files.remember(known(2));
    }
    Path file = directory.resolve("attempts.1");
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, java.util.Arrays.copyOf(bytes, endOfRecords(bytes) - 3));
    try (DiskFiles files = DiskFiles.open(directory)) {
      assertEquals(List.of(known(1)), files.known());
      files.remember(known(3));
    }
    try (DiskFiles files = DiskFiles.open(directory)) {
      assertEquals(List.of(known(1), known(3)), files.known());
    }
  }

  /** Behind it is only room for more. */
  private static int endOfRecords(byte[] bytes) {
    int end = bytes.length;
    while (bytes[end - 1] == 0) {
      end--;
    }
    return end;
  }

  @Test
  void aRecordIsWrittenIntoRoomThatWasTakenBefore() throws IOException {
    Path file = directory.resolve("attempts.1");
    try (DiskFiles files = DiskFiles.open(directory)) {
      assertEquals(DiskFiles.ROOM_BYTES, Files.size(file));
      for (int i = 1; i < 100; i++) {
        files.remember(known(i));
      }
      assertEquals(DiskFiles.ROOM_BYTES, Files.size(file));
    }
    try (DiskFiles files = DiskFiles.open(directory)) {
      assertEquals(99, files.known().size());
    }
  }

  @Test
  void aDamagedRecordEndsTheReading() throws IOException {
    try (DiskFiles files = DiskFiles.open(directory)) {
      files.remember(known(1));
    }
    Path file = directory.resolve("attempts.1");
    byte[] bytes = Files.readAllBytes(file);
    System.arraycopy(new byte[] {0, 0, 0, 5, 1}, 0, bytes, endOfRecords(bytes), 5);
    Files.write(file, bytes);
    try (DiskFiles files = DiskFiles.open(directory)) {
      assertEquals(List.of(known(1)), files.known());
    }
  }

  @Test
  void compactionKeepsTheLivingAndEnoughTombstones() throws IOException {
    int all = 4 * DiskFiles.BURIALS_IN_A_FILE;
    try (DiskFiles files = DiskFiles.open(directory)) {
      files.remember(known(1));
      for (int i = 10; i < all + 10; i++) {
        files.bury(buried(i));
        files.compact(List.of(known(1)));
      }
    }
    try (DiskFiles files = DiskFiles.open(directory)) {
      assertEquals(List.of(known(1)), files.known());
      assertEquals(2 * DiskFiles.BURIALS_IN_A_FILE, files.buried().size());
      assertEquals(buried(all + 9), files.buried().getLast());
    }
  }

  @Test
  void aDamagedLeaderFileIsNotTakenForAnEmptyOne() throws IOException {
    Files.writeString(directory.resolve("leader"), "c1\n");
    assertThrows(IOException.class, () -> DiskFiles.open(directory));
  }

  @Test
  void roomForAFullDiskIsHeldAndHeldAgainOnceThereIsRoom() throws IOException {
    Path reserve = directory.resolve(DiskFiles.RESERVE);
    try (DiskFiles files = DiskFiles.open(directory)) {
      assertEquals(DiskFiles.RESERVE_BYTES, Files.size(reserve));
      Files.delete(reserve);
      files.compact(List.of());
      assertEquals(DiskFiles.RESERVE_BYTES, Files.size(reserve));
    }
  }
}

package orch.agent.logs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import orch.agent.logs.SegmentCursor.Position;
import orch.api.model.Uid;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SegmentCursorTest {
  private static final Uid ATTEMPT = new Uid(1, 2, 0xABCDEF);

  @TempDir Path directory;
  private SegmentFiles files;
  private SegmentWriter writer;

  @BeforeEach
  void newAttempt() {
    files = new SegmentFiles(directory);
    writer = new SegmentWriter(files, ATTEMPT);
  }

  @Test
  void attemptThatWroteNothingHasNothingToRead() throws IOException {
    try (SegmentCursor cursor = cursor()) {
      assertNull(cursor.next());
      assertNull(cursor.next());
    }
  }

  @Test
  void segmentIsFoundUnderTheUidThatTheLauncherGivesIt() {
    assertEquals(
        directory.resolve("ef/00000001000000020000000000abcdef.0.seg"), files.path(ATTEMPT, 0));
    assertEquals(ATTEMPT, SegmentFiles.uidOf("00000001000000020000000000abcdef.0.seg"));
    assertNull(SegmentFiles.uidOf("notes.txt"));
  }

  @Test
  void framesComeInOrderAndOnlyWhenTheyAreWhole() throws IOException {
    try (SegmentCursor cursor = cursor()) {
      writer.line(1, "one").line(2, "two");
      assertEquals(List.of("one\n", "two\n"), texts(cursor));
      writer.torn(1, "three", 10);
      assertEquals(List.of(), texts(cursor));
      writer.cut(10).line(1, "four");
      assertEquals(List.of("four\n"), texts(cursor));
    }
  }

  @Test
  void lineWithoutNewlineAndPartsOfALineKeepTheirBytes() throws IOException {
    writer.frame(1, SegmentWriter.PARTIAL, new byte[] {0, 1});
    writer.frame(1, SegmentWriter.NO_NEWLINE, new byte[] {'\n', -1});
    try (SegmentCursor cursor = cursor()) {
      assertArrayEquals(new byte[] {0, 1, '\n', -1}, bytes(cursor));
    }
  }

  @Test
  void readingGoesOnInTheNextSegmentAfterTheLastFrameOfThisOne() throws IOException {
    try (SegmentCursor cursor = cursor()) {
      writer.line(1, "one");
      assertEquals(List.of("one\n"), texts(cursor));
      writer.line(1, "two").rotate().line(1, "three").rotate().line(1, "four");
      assertEquals(List.of("two\n", "three\n", "four\n"), texts(cursor));
    }
  }

  @Test
  void segmentsRemovedByTheTotalLimitAreCountedAsLost() throws IOException {
    try (SegmentCursor cursor = cursor()) {
      writer.line(1, "one");
      assertEquals(List.of("one\n"), texts(cursor));
      writer.rotate().line(1, "22").line(1, "333").rotate().line(1, "four");
      writer.remove(1);
      writer.remove(0);
      Frame loss = Objects.requireNonNull(cursor.next());
      assertEquals(5, loss.lostBytes());
      assertEquals(2, loss.lostLines());
      assertEquals(List.of("four\n"), texts(cursor));
    }
  }

  @Test
  void lossThatTheShimCountedIsPassedOn() throws IOException {
    writer.line(1, "one").loss(7, 900).line(1, "two");
    try (SegmentCursor cursor = cursor()) {
      assertEquals("one\n", text(Objects.requireNonNull(cursor.next())));
      Frame loss = Objects.requireNonNull(cursor.next());
      assertEquals(List.of(7L, 900L), List.of(loss.lostLines(), loss.lostBytes()));
      assertEquals("two\n", text(Objects.requireNonNull(cursor.next())));
    }
  }

  @Test
  void readingResumesAtAPositionThatWasKept() throws IOException {
    writer.line(1, "one").rotate().line(1, "two").line(1, "three");
    Position kept;
    try (SegmentCursor cursor = cursor()) {
      assertEquals("one\n", text(Objects.requireNonNull(cursor.next())));
      assertEquals("two\n", text(Objects.requireNonNull(cursor.next())));
      kept = cursor.position();
    }
    try (SegmentCursor cursor = new SegmentCursor(files, ATTEMPT, kept)) {
      assertEquals(List.of("three\n"), texts(cursor));
      cursor.rewind(kept);
      assertEquals(List.of("three\n"), texts(cursor));
    }
  }

  @Test
  void anyBytesInAnyCutComeBackAsTheyWere() throws IOException {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    ByteArrayOutputStream written = new ByteArrayOutputStream();
    try (SegmentCursor cursor = cursor()) {
      ByteArrayOutputStream read = new ByteArrayOutputStream();
      for (int i = 0; i < 300; i++) {
        byte[] payload = new byte[random.nextInt(10) == 0 ? 65_536 : random.nextInt(200)];
        random.nextBytes(payload);
        if (random.nextInt(20) == 0) {
          writer.rotate();
        }
        writer.frame(1, SegmentWriter.PARTIAL, payload);
        written.writeBytes(payload);
        if (random.nextBoolean()) {
          read.writeBytes(bytes(cursor));
        }
      }
      read.writeBytes(bytes(cursor));
      assertArrayEquals(written.toByteArray(), read.toByteArray(), "seed " + seed);
    }
  }

  private SegmentCursor cursor() {
    return new SegmentCursor(files, ATTEMPT, Position.START).countingLosses();
  }

  private static String text(Frame frame) {
    return new String(frame.bytes(), java.nio.charset.StandardCharsets.UTF_8);
  }

  private static List<String> texts(SegmentCursor cursor) throws IOException {
    List<String> texts = new ArrayList<>();
    for (Frame frame = cursor.next(); frame != null; frame = cursor.next()) {
      texts.add(text(frame));
    }
    return texts;
  }

  private static byte[] bytes(SegmentCursor cursor) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (Frame frame = cursor.next(); frame != null; frame = cursor.next()) {
      all.writeBytes(frame.bytes());
    }
    return all.toByteArray();
  }
}

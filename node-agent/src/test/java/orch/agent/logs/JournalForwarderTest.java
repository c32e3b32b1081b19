package orch.agent.logs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import orch.agent.journal.JournalSocket;
import orch.api.model.Uid;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class JournalForwarderTest {
  @TempDir Path directory;
  private final Journal journal = new Journal();
  private SegmentFiles files;
  private JournalForwarder forwarder;

  @BeforeEach
  void start() throws IOException {
    files = new SegmentFiles(directory.resolve("segments"));
    restart();
  }

  @AfterEach
  void stop() {
    forwarder.close();
  }

  private void restart() throws IOException {
    if (forwarder != null) {
      forwarder.close();
    }
    forwarder =
        new JournalForwarder(directory.resolve("segments"), directory.resolve("offsets"), journal);
    forwarder.start();
  }

  @Test
  void everyLineReachesTheJournalInOrder() throws Exception {
    forwarder.started(LogServiceTest.identity(11, 0, 1));
    writer().line(1, "one").line(2, "two").rotate().line(1, "three");
    journal.await(messages -> messages.equals(List.of("one", "two", "three")));
  }

  @Test
  void piecesOfALineBecomeOneEntry() throws Exception {
    forwarder.started(LogServiceTest.identity(11, 0, 1));
    writer().frame(1, SegmentWriter.PARTIAL, "he".getBytes(StandardCharsets.UTF_8)).line(1, "llo");
    journal.await(messages -> messages.equals(List.of("hello")));
  }

  @Test
  void lastLineWithoutItsEndIsSentWhenTheAttemptHasEnded() throws Exception {
    forwarder.started(LogServiceTest.identity(11, 0, 1));
    writer().frame(1, SegmentWriter.PARTIAL, "tail".getBytes(StandardCharsets.UTF_8));
    forwarder.ended(new Uid(1, 1, 11));
    journal.await(messages -> messages.equals(List.of("tail")));
  }

  @Test
  void lineLongerThanAMessageComesInPieces() throws Exception {
    forwarder.started(LogServiceTest.identity(11, 0, 1));
    SegmentWriter writer = writer();
    byte[] part = "x".repeat(60_000).getBytes(StandardCharsets.UTF_8);
    writer.frame(1, SegmentWriter.PARTIAL, part).frame(1, 0, part);
    journal.await(messages -> String.join("", messages).length() == 120_000);
    assertTrue(journal.entries.getFirst().contains("ORCH_PARTIAL=1\n"));
  }

  @Test
  void nothingIsLostWhileJournaldIsAway() throws Exception {
    journal.away = true;
    forwarder.started(LogServiceTest.identity(11, 0, 1));
    SegmentWriter writer = writer();
    for (int i = 0; i < 50; i++) {
      writer.line(1 + i % 2, "line " + i);
    }
    journal.awaitRefusals(2);
    journal.away = false;
    journal.await(messages -> messages.size() == 50 && messages.getLast().equals("line 49"));
  }

  @Test
  void newAgentGoesOnWhereTheOldOneStopped() throws Exception {
    forwarder.started(LogServiceTest.identity(11, 0, 1));
    SegmentWriter writer = writer().line(1, "one");
    journal.await(messages -> messages.equals(List.of("one")));
    restart();
    forwarder.started(LogServiceTest.identity(11, 0, 1));
    writer.line(1, "two");
    journal.await(messages -> messages.equals(List.of("one", "two")));
  }

  @Test
  void lossIsToldInTheJournal() throws Exception {
    forwarder.started(LogServiceTest.identity(11, 0, 1));
    writer().loss(7, 900);
    journal.await(messages -> messages.size() == 1);
    assertTrue(journal.entries.getFirst().contains("ORCH_LOST_LINES=7\n"));
    assertEquals(
        "7 lines (900 bytes) of output were lost to a limit", journal.messages().getFirst());
  }

  private SegmentWriter writer() {
    return new SegmentWriter(files, new Uid(1, 1, 11));
  }

  private static final class Journal implements JournalSocket {
    final List<String> entries = new ArrayList<>();
    volatile boolean away;
    private int refusals;

    @Override
    public synchronized boolean send(byte[] entry) {
      if (away) {
        refusals++;
      } else {
        entries.add(new String(entry, StandardCharsets.UTF_8));
      }
      notifyAll();
      return !away;
    }

    @Override
    public void close() {}

    synchronized void await(Predicate<List<String>> condition) throws InterruptedException {
      while (!condition.test(messages())) {
        wait();
      }
    }

    synchronized void awaitRefusals(int count) throws InterruptedException {
      while (refusals < count) {
        wait();
      }
    }

    synchronized List<String> messages() {
      List<String> messages = new ArrayList<>();
      for (String entry : entries) {
        messages.add(entry.substring("MESSAGE=".length(), entry.indexOf('\n')));
      }
      return messages;
    }
  }
}

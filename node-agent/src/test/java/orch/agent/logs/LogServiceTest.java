package orch.agent.logs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import orch.api.model.ControllerMessage.OpenLogs;
import orch.api.model.LogRecord;
import orch.api.model.Uid;
import orch.api.seam.Clock;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class LogServiceTest {
  private static final Uid JOB = new Uid(1, 1, 1);

  @TempDir Path directory;
  private SegmentFiles files;
  private LogService service;
  private Instant now = Instant.parse("2026-11-24T12:00:00Z");

  @BeforeEach
  void start() throws IOException {
    files = new SegmentFiles(directory.resolve("segments"));
    service = newService();
  }

  private LogService newService() throws IOException {
    Clock clock =
        new Clock() {
          @Override
          public Instant now() {
            return now;
          }

          @Override
          public long bootNanos() {
            return 0;
          }
        };
    return new LogService(directory.resolve("segments"), directory.resolve("outputs"), clock, null);
  }

  @Test
  void outputOfEveryAttemptComesInOrderOfIndexAndAttempt() throws Exception {
    ended(12, 1, 1, "b1");
    ended(11, 0, 1, "a1");
    ended(13, 0, 2, "a2");
    assertEquals("a1\na2\nb1\n", read(query(-1, 0)).text());
  }

  @Test
  void queryForATaskAnAttemptAStreamOrATimeGivesOnlyThat() throws Exception {
    SegmentWriter writer = writer(11);
    service.attemptStarted(identity(11, 0, 1));
    writer.at(100).line(1, "old").at(200).line(2, "error").line(1, "new");
    service.attemptEnded(uid(11));
    ended(12, 1, 1, "other");
    ended(13, 0, 2, "again");
    assertEquals("old\nerror\nnew\nagain\n", read(query(0, 0)).text());
    assertEquals("again\n", read(query(0, 2)).text());
    assertEquals("again\n", read(query(0, -1)).text());
    assertEquals("error\n", read(new OpenLogs(1, JOB, 0, 1, false, -1, 0, Frame.STDERR)).text());
    assertEquals("error\nnew\n", read(new OpenLogs(1, JOB, 0, 1, false, -1, 200, 0)).text());
  }

  @Test
  void tailGivesTheLastLinesOfEachAttempt() throws Exception {
    ended(11, 0, 1, "1", "2", "3");
    ended(12, 1, 1, "4");
    assertEquals("2\n3\n4\n", read(new OpenLogs(1, JOB, -1, 0, false, 2, 0, 0)).text());
    assertEquals("", read(new OpenLogs(1, JOB, -1, 0, false, 0, 0, 0)).text());
  }

  @Test
  void followerSeesLinesAsTheyAreWrittenAndEndsWhenItIsDrained() throws Exception {
    Sink sink = new Sink();
    service.open(new OpenLogs(7, JOB, -1, 0, true, -1, 0, 0), sink);
    service.attemptStarted(identity(11, 0, 1));
    SegmentWriter first = writer(11).line(1, "one");
    sink.await(text -> text.equals("one\n"));
    service.attemptStarted(identity(12, 1, 1));
    writer(12).line(1, "two");
    sink.await(text -> text.contains("two\n"));
    first.line(1, "three");
    service.attemptEnded(uid(11));
    service.attemptEnded(uid(12));
    service.close(7, true);
    assertTrue(sink.done.await(10, TimeUnit.SECONDS));
    assertTrue(sink.text().endsWith("three\n"));
  }

  @Test
  void streamEndsAtOnceWhenItIsClosedOrItsReceiverIsGone() throws Exception {
    Sink closed = new Sink();
    service.open(new OpenLogs(7, JOB, -1, 0, true, -1, 0, 0), closed);
    service.close(7, false);
    assertTrue(closed.done.await(10, TimeUnit.SECONDS));

    ended(11, 0, 1, "one");
    Sink gone = new Sink();
    gone.taking = false;
    service.open(new OpenLogs(8, JOB, -1, 0, true, -1, 0, 0), gone);
    gone.await(text -> text.equals("one\n"));
    assertFalse(gone.done.await(0, TimeUnit.SECONDS));
  }

  @Test
  void endedAttemptsAreStillKnownToANewAgent() throws Exception {
    ended(11, 3, 2, "kept");
    service.attemptStarted(identity(12, 4, 1));
    service.attemptEnded(uid(12));
    service = newService();
    Sink sink = read(query(3, 2));
    assertEquals("kept\n", sink.text());
    assertEquals(42, sink.records.getFirst().jobNumber());
    assertEquals(List.of(), read(query(4, 0)).records);
  }

  @Test
  void tornLineOfTheIndexCostsOnlyItself() throws Exception {
    ended(11, 0, 1, "kept");
    Files.writeString(
        directory.resolve("outputs"), "1-1-c\t1-1", java.nio.file.StandardOpenOption.APPEND);
    service = newService();
    assertEquals("kept\n", read(query(0, 0)).text());
  }

  @Test
  void outputGoesWhenItsRetentionIsOver() throws Exception {
    ended(11, 0, 1, "old");
    service.attemptStarted(identity(12, 1, 1));
    writer(12).line(1, "running");
    now = now.plus(Duration.ofDays(7)).minusSeconds(1);
    assertEquals(0, service.sweep());
    now = now.plusSeconds(2);
    assertTrue(service.sweep() > 0);
    assertFalse(files.exists(uid(11), 0));
    assertEquals("running\n", read(query(-1, 0)).text());
  }

  private void ended(long sequence, int index, int attempt, String... lines) throws IOException {
    service.attemptStarted(identity(sequence, index, attempt));
    SegmentWriter writer = writer(sequence);
    for (String line : lines) {
      writer.line(1, line);
    }
    service.attemptEnded(uid(sequence));
  }

  private Sink read(OpenLogs query) throws InterruptedException {
    Sink sink = new Sink();
    service.open(query, sink);
    assertTrue(sink.done.await(10, TimeUnit.SECONDS));
    return sink;
  }

  private static OpenLogs query(int index, int attempt) {
    return new OpenLogs(1, JOB, index, attempt, false, -1, 0, 0);
  }

  private SegmentWriter writer(long sequence) {
    return new SegmentWriter(files, uid(sequence));
  }

  private static Uid uid(long sequence) {
    return new Uid(1, 1, sequence);
  }

  static TaskIdentity identity(long sequence, int index, int attempt) {
    return new TaskIdentity(
        uid(sequence),
        JOB,
        42,
        "default",
        "web",
        index,
        attempt,
        "node-1",
        "0af7651916cd43dd8448eb211c80319c",
        "b7ad6b7169203331",
        true,
        Duration.ofDays(7));
  }

  private static final class Sink implements LogSink {
    final List<LogRecord> records = new ArrayList<>();
    final CountDownLatch done = new CountDownLatch(1);
    volatile boolean taking = true;

    @Override
    public synchronized boolean send(List<LogRecord> more) {
      records.addAll(more);
      notifyAll();
      return taking;
    }

    @Override
    public void notice(String sentence) {
      throw new AssertionError(sentence);
    }

    @Override
    public void complete() {
      done.countDown();
    }

    synchronized void await(Predicate<String> condition) throws InterruptedException {
      while (!condition.test(text())) {
        wait();
      }
    }

    synchronized String text() {
      StringBuilder text = new StringBuilder();
      for (LogRecord record : records) {
        text.append(new String(record.data().toByteArray(), StandardCharsets.UTF_8));
      }
      return text.toString();
    }
  }
}

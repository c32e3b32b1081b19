package orch.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import orch.controller.backup.BackupFile;
import orch.controller.convert.RecordConvert;
import orch.controller.convert.StateCodec;
import orch.controller.core.Change;
import orch.controller.core.Decider;
import orch.controller.core.Input;
import orch.controller.core.RequestMeta;
import orch.controller.core.Section;
import orch.controller.core.Snapshot;
import orch.controller.core.State;
import orch.controller.runtime.LoopThread;
import orch.controller.store.Entry;
import orch.controller.store.EpochRecord;
import orch.controller.store.LogContents;
import orch.controller.store.LogLayout;
import orch.controller.store.Manifest;
import orch.controller.store.MultiResult;
import orch.controller.store.Operation;
import orch.controller.store.ResultCode;
import orch.controller.zookeeper.CuratorPort;
import orch.controller.zookeeper.EmbeddedZooKeeper;
import orch.controller.zookeeper.Secret;
import orch.controller.zookeeper.ZooKeeperConnection;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code orch-controller check} on logs that are sound, and on logs that lie. */
@Timeout(120)
final class LogToolsTest {
  private static final Instant NOW = Instant.parse("2026-11-25T12:00:00Z");
  private static final long NONCE = 4_711;
  private static final int CHECKPOINT_AT = 6;
  private static final int ENTRIES = 9;

  @TempDir private Path directory;

  /** A log of one leader, and the state after each of its entries. */
  private static final class Log {
    final List<Entry> entries = new ArrayList<>();
    final List<byte[]> sections = new ArrayList<>();
    final Manifest manifest;

    /**
     * @param checkpointOf the entry up to which the checkpoint has the state; it claims to have it
     *     up to {@link #CHECKPOINT_AT}
     */
    Log(int checkpointOf) {
      State state = new State();
      Decider decider = new Decider(state);
      List<Manifest.Stored> stored = new ArrayList<>();
      for (int index = 1; index <= ENTRIES; index++) {
        Instant at = NOW.plusSeconds(index);
        List<Change> changes =
            decider
                .decide(
                    index == 1
                        ? new Input.BecameLeader(1, "anna", "6f1f", 1)
                        : new Input.CordonNode(request(index, at), "nowhere", ""),
                    at)
                .changes();
        entries.add(new Entry(1, NONCE, index, List.of(RecordConvert.encode(at, changes))));
        if (index == checkpointOf) {
          checkpoint(state, stored);
        }
      }
      manifest = new Manifest(1, CHECKPOINT_AT, 1, stored.size(), stored);
    }

    private void checkpoint(State state, List<Manifest.Stored> stored) {
      Snapshot snapshot = state.freeze(new StateCodec(), true, Snapshot.Sizes.DEFAULT);
      Snapshot.Sink sink =
          new Snapshot.Sink() {
            @Override
            public void write(Section section, byte[] bytes) {
              stored.add(new Manifest.Stored(sections.size(), bytes.length, checksum(bytes)));
              sections.add(bytes);
            }

            @Override
            public void keep(Section section) {
              throw new AssertionError("there was none before");
            }
          };
      while (!snapshot.slice(sink)) {
        // On.
      }
    }

    /** A UUID of version 7: the time first. */
    private static RequestMeta request(int index, Instant at) {
      long millis = at.toEpochMilli();
      return new RequestMeta(
          "%08x-%04x-7000-8000-%012x".formatted(millis >>> 16, millis & 0xffff, index), 1, "local");
    }

    private static int checksum(byte[] bytes) {
      CRC32C crc = new CRC32C();
      crc.update(bytes, 0, bytes.length);
      return (int) crc.getValue();
    }
  }

  private record Checked(int code, String out, String errors) {}

  private static Checked tool(String... arguments) {
    PrintStream out = System.out;
    PrintStream err = System.err;
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    ByteArrayOutputStream complained = new ByteArrayOutputStream();
    System.setOut(new PrintStream(said, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(complained, true, StandardCharsets.UTF_8));
    try {
      int code = LogToolsMain.run(arguments);
      return new Checked(
          code, said.toString(StandardCharsets.UTF_8), complained.toString(StandardCharsets.UTF_8));
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
  }

  private static void expectSound(Checked checked) {
    assertEquals(0, checked.code(), checked.toString());
    assertTrue(checked.out().endsWith("sound\n"), checked.toString());
  }

  private static void expectUnsound(String why, Checked checked) {
    assertEquals(1, checked.code(), checked.toString());
    assertTrue(
        checked.errors().contains("orch-controller: unsound: ") && checked.errors().contains(why),
        checked.toString());
  }

  // ---- backups

  private String backup(Log log, List<Entry> entries) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    LogContents writer = BackupFile.writer("test", bytes::writeBytes);
    writer.begin(new EpochRecord(1, NONCE, "anna"), log.manifest);
    log.sections.forEach(writer::section);
    entries.forEach(writer::entry);
    writer.end();
    Path file = directory.resolve("backup");
    Files.write(file, bytes.toByteArray());
    return file.toString();
  }

  /** Well formed, but it names no change that any version knows. */
  private static Entry nonsense(Entry of) {
    return new Entry(1, NONCE, of.index(), List.of(new byte[] {(byte) 0xfa, 1, 2, 3}));
  }

  private static List<Entry> with(List<Entry> entries, Entry other) {
    return entries.stream().map(one -> one.index() == other.index() ? other : one).toList();
  }

  @Test
  void aBackupIsCheckedToItsLastEntry() throws IOException {
    Log log = new Log(CHECKPOINT_AT);
    List<Entry> tail = log.entries.subList(CHECKPOINT_AT - 1, ENTRIES);
    expectSound(tool("check", backup(log, tail)));
    expectUnsound(
        "entry 8: ", tool("check", backup(log, with(tail, nonsense(log.entries.get(7))))));
    // Right as a record, but it was answered before.
    Entry twice = new Entry(1, NONCE, 9, log.entries.get(7).records());
    expectUnsound("entry 9", tool("check", backup(log, with(tail, twice))));
    log.sections.set(0, new byte[log.sections.getFirst().length]);
    expectUnsound("a section does not fit the manifest", tool("check", backup(log, tail)));
  }

  @Test
  void aBackupIsRestoredIntoAnEmptyDataDirectoryAndOverNothingElse() throws IOException {
    Log log = new Log(CHECKPOINT_AT);
    String file = backup(log, log.entries.subList(CHECKPOINT_AT - 1, ENTRIES));
    String data = directory.resolve("restored").toString();
    Checked restored = tool("restore", file, "--data-dir", data);
    assertEquals(0, restored.code(), restored.toString());
    assertTrue(restored.out().contains(" at entry 10: start the controllers"), restored.out());
    expectSound(tool("check", "--data-dir", data));
    Checked again = tool("restore", file, "--data-dir", data);
    assertEquals(1, again.code(), again.toString());
    assertTrue(again.errors().contains("this cluster is not empty"), again.errors());
    expectSound(tool("check", "--data-dir", data));
  }

  // ---- data directories

  private static void done(CompletableFuture<MultiResult> answer) throws Exception {
    assertEquals(ResultCode.OK, answer.get(30, TimeUnit.SECONDS).code());
  }

  /** Writes a log to an embedded server's data, as a controller would have left it. */
  private String data(String name, Log log, List<Entry> entries) throws Exception {
    Path data = directory.resolve(name);
    try (DataDirectory own = DataDirectory.open(data);
        EmbeddedZooKeeper server = EmbeddedZooKeeper.start(own.resolve("zookeeper"), false);
        LoopThread thread = new LoopThread((why, cause) -> {})) {
      Secret secret = Secret.load(own.resolve("zookeeper.secret"));
      try (ZooKeeperConnection connection =
          ZooKeeperConnection.open(server.connectString(), secret, true, Duration.ofSeconds(30))) {
        CuratorPort port = new CuratorPort(connection, secret, thread);
        LogLayout layout = new LogLayout(connection.root());
        List<Operation> all = new ArrayList<>();
        // The connection has made the root.
        for (String path : layout.permanent().subList(1, layout.permanent().size())) {
          byte[] epoch = new EpochRecord(1, NONCE, "anna").encode();
          all.add(new Operation.Create(path, path.equals(layout.epoch()) ? epoch : new byte[0]));
        }
        all.add(new Operation.Create(layout.directory(1), new byte[0]));
        for (Entry entry : entries) {
          all.add(new Operation.Create(layout.entry(entry.index()), entry.encode()));
        }
        all.add(new Operation.Create(layout.checkpointDirectory(0), new byte[0]));
        for (int i = 0; i < log.sections.size(); i++) {
          all.add(new Operation.Create(layout.checkpointNode(i), log.sections.get(i)));
        }
        all.add(new Operation.Create(layout.manifest(), log.manifest.encode()));
        for (Operation operation : all) {
          CompletableFuture<MultiResult> answer = new CompletableFuture<>();
          thread.execute(() -> port.multi(List.of(operation), answer::complete));
          done(answer);
        }
        port.close();
      }
    }
    return data.toString();
  }

  @Test
  void aDataDirectoryIsCheckedFromItsFirstEntryAndAgainstItsCheckpoint() throws Exception {
    Log log = new Log(CHECKPOINT_AT);
    String sound = data("sound", log, log.entries);
    Checked checked = tool("check", "--data-dir", sound);
    expectSound(checked);
    assertTrue(checked.out().contains("the checkpoint is what it leads to"), checked.out());

    Log lying = new Log(CHECKPOINT_AT - 1);
    expectUnsound(
        "at entry 6 the checkpoint is not what the entries from the first on lead to",
        tool("check", "--data-dir", data("checkpoint", lying, lying.entries)));
    expectUnsound(
        "entry 3: ",
        tool(
            "check",
            "--data-dir",
            data("entry", log, with(log.entries, nonsense(log.entries.get(2))))));
  }
}

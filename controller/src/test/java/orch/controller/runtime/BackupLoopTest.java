package orch.controller.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import orch.controller.backup.BackupFile;
import orch.controller.backup.LogVerifier;
import orch.controller.backup.Restore;
import orch.controller.port.ControllerPort;
import orch.controller.store.CheckpointPolicy;
import orch.controller.store.Entry;
import orch.controller.store.FakeZooKeeper;
import orch.controller.store.LogContents;
import orch.controller.store.LogFilter;
import orch.controller.store.MultiResult;
import orch.controller.store.Operation;
import orch.controller.store.VirtualLoop;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A backup that a leader makes, and what is made of it. */
final class BackupLoopTest {
  private static final CheckpointPolicy OFTEN = new CheckpointPolicy(20, 1 << 30, 3);
  private static final Instant NOW = Instant.parse("2026-11-25T12:00:00Z");

  @TempDir private Path directory;
  private final VirtualLoop time = new VirtualLoop();
  private final FakeZooKeeper server = new FakeZooKeeper(time);
  private final TestController.Members members = new TestController.Members();

  private TestController controller(String name, FakeZooKeeper at, CheckpointPolicy policy) {
    return new TestController(name, at, time, members, policy, 1);
  }

  private void ask(TestController leader, int requests) {
    for (int i = 0; i < requests; i++) {
      var _ = leader.ask("nowhere");
      time.run();
    }
  }

  private byte[] backup(TestController leader) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    List<String> end = new ArrayList<>();
    ControllerPort.Backup backup =
        leader.port.backup(
            new ControllerPort.BackupTaker() {
              @Override
              public boolean ready() {
                return true;
              }

              @Override
              public void data(byte[] data) {
                bytes.writeBytes(data);
              }

              @Override
              public void done() {
                end.add("done");
              }

              @Override
              public void failed(String why) {
                end.add(why);
              }
            });
    backup.resume();
    time.run();
    assertEquals(List.of("done"), end);
    return bytes.toByteArray();
  }

  private static LogVerifier verified(byte[] file) throws IOException {
    LogVerifier verifier = new LogVerifier();
    String _ = BackupFile.read(new ByteArrayInputStream(file), verifier);
    return verifier;
  }

  /** Requests are answered at once here. */
  private final class Nodes implements Restore.Nodes {
    private final FakeZooKeeper.Port port;
    private int multisUntilCrash = Integer.MAX_VALUE;

    Nodes(FakeZooKeeper at) {
      port = at.connect();
    }

    @Override
    public MultiResult multi(List<Operation> operations) throws IOException {
      if (multisUntilCrash-- <= 0) {
        throw new IOException("crashed");
      }
      MultiResult[] answer = new MultiResult[1];
      port.multi(operations, result -> answer[0] = result);
      time.run();
      return answer[0];
    }

    @Override
    public byte @Nullable [] get(String path) {
      byte[][] answer = new byte[1][];
      port.get(path, (code, data, version) -> answer[0] = data);
      time.run();
      return answer[0];
    }

    @Override
    public List<String> children(String path) {
      List<String> answer = new ArrayList<>();
      port.children(path, (code, names) -> answer.addAll(names));
      time.run();
      return answer;
    }
  }

  private Restore restore(byte[] file, Restore.Nodes nodes) throws IOException {
    Path path = directory.resolve("backup");
    Files.write(path, file);
    return new Restore(path, nodes, TestController.LAYOUT, NOW, 4_711);
  }

  @Test
  void aBackupIsSoundAndRestoresToTheSameStateUnderANewIncarnation() throws IOException {
    for (int requests : new int[] {0, 7, 90}) {
      FakeZooKeeper from = new FakeZooKeeper(time);
      TestController anna = controller("anna" + requests, from, OFTEN).leader();
      ask(anna, requests);
      byte[] file = backup(anna);
      String findings = verified(file).findings().toString();
      assertTrue(findings.contains(String.format("hash %016x", anna.hash())), findings);
      anna.loop.close();
      members.of("anna" + requests).close();

      FakeZooKeeper to = new FakeZooKeeper(time);
      restore(file, new Nodes(to)).run();
      TestController bert = controller("bert" + requests, to, OFTEN).leader();
      assertEquals(List.of(), bert.failures);
      assertEquals(7_884, bert.loop.state().cluster().incarnation());
      ask(bert, 50);
      TestController cora = controller("cora" + requests, to, OFTEN).standby();
      assertEquals(bert.hash(), cora.hash());
      assertTrue(verified(backup(bert)).findings().toString().contains("incarnation 7884"));
      bert.loop.close();
      cora.loop.close();
    }
  }

  @Test
  void aRestoreThatCrashesAnywhereIsRepeated() throws IOException {
    TestController anna = controller("anna", server, OFTEN).leader();
    ask(anna, 70);
    byte[] file = backup(anna);
    anna.loop.close();
    members.of("anna").close();
    boolean crashed = true;
    for (int multis = 0; crashed; multis++) {
      FakeZooKeeper to = new FakeZooKeeper(time);
      Nodes nodes = new Nodes(to);
      nodes.multisUntilCrash = multis;
      try {
        restore(file, nodes).run();
        crashed = false;
      } catch (IOException expected) {
        assertEquals("crashed", expected.getMessage());
      }
      if (crashed) {
        restore(file, new Nodes(to)).run();
      }
      TestController bert = controller("bert" + multis, to, OFTEN).leader();
      assertEquals(List.of(), bert.failures, "after " + multis);
      assertEquals(7_884, bert.loop.state().cluster().incarnation());
      bert.loop.close();
      members.of("bert" + multis).close();
    }
  }

  @Test
  void nothingIsRestoredOverAClusterThatIsThere() throws IOException {
    TestController anna = controller("anna", server, OFTEN).leader();
    byte[] file = backup(anna);
    var thrown = assertThrows(IOException.class, () -> restore(file, new Nodes(server)).run());
    assertTrue(String.valueOf(thrown.getMessage()).startsWith("this cluster is not empty"));
  }

  @Test
  void aBackupThatWasCutOffOrDamagedIsRefused() throws IOException {
    TestController anna = controller("anna", server, OFTEN).leader();
    ask(anna, 50);
    byte[] file = backup(anna);
    for (int length = 0; length < file.length; length += 97) {
      byte[] cut = java.util.Arrays.copyOf(file, length);
      assertThrows(IOException.class, () -> verified(cut));
    }
    for (int at = 8; at < file.length; at += 61) {
      byte[] damaged = file.clone();
      damaged[at] ^= 4;
      assertThrows(IOException.class, () -> verified(damaged), "byte " + at);
    }
  }

  /** Passes all entries on but one. */
  private static final class Gap extends LogFilter {
    private final long missing;

    Gap(LogContents to, long missing) {
      super(to);
      this.missing = missing;
    }

    @Override
    public void entry(Entry entry) {
      if (entry.index() != missing) {
        to.entry(entry);
      }
    }
  }

  @Test
  void aLogWithAGapIsUnsound() throws IOException {
    TestController anna = controller("anna", server, OFTEN).leader();
    ask(anna, 10);
    byte[] file = backup(anna);
    for (long missing : new long[] {1, 2, 5}) {
      Gap gap = new Gap(new LogVerifier(), missing);
      assertThrows(
          LogVerifier.UnsoundLogException.class,
          () -> {
            String _ = BackupFile.read(new ByteArrayInputStream(file), gap);
          },
          "without entry " + missing);
    }
  }
}

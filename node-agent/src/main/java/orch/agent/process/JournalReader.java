package orch.agent.process;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.zip.CRC32C;
import orch.agent.process.Incoming.ExitFacts;
import orch.agent.process.Incoming.FailureFacts;
import orch.agent.process.Incoming.StartFacts;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/**
 * Reads the launcher's journal to learn what became of every attempt that was ever claimed and not
 * yet acked. Holes and a torn end are normal: a writer died between reservation and write, or pages
 * did not reach the disk.
 */
final class JournalReader {
  private static final String SUFFIX = ".journal";
  private static final int LEAF = 72;
  private static final int NAME = 136;
  private static final int CARRY_HEADER = 24;

  private JournalReader() {}

  /** All that the journal says of one attempt. */
  static final class Account {
    final Uid uid;

    /** Boot of the claim; empty when the claim itself is gone. */
    String bootId = "";

    String name = "";

    /** Of the shim that claimed it; 0: unknown. */
    int shimPid;

    /** Slot and launcher's generation of that shim. */
    int slot;

    int generation;

    /** Name of its cgroup; empty: it has none. */
    String leaf = "";

    /** Where the record of its end ends; 0: none. */
    long endPosition;

    @Nullable StartFacts started;
    @Nullable FailureFacts failed;
    @Nullable ExitFacts exited;
    boolean acked;

    Account(Uid uid) {
      this.uid = uid;
    }

    boolean ended() {
      return failed != null || exited != null;
    }
  }

  /** Accounts by uid, in the order in which they were claimed; acked ones are left out. */
  static Map<Uid, Account> read(Path directory) throws IOException {
    Map<Uid, Account> accounts = new LinkedHashMap<>();
    for (Path file : files(directory)) {
      byte[] bytes;
      try {
        bytes = Files.readAllBytes(file);
      } catch (NoSuchFileException removedMeanwhile) {
        continue;
      }
      read(bytes, numberOf(file), accounts);
    }
    accounts.values().removeIf(account -> account.acked);
    return accounts;
  }

  static void read(byte[] bytes, long number, Map<Uid, Account> accounts) {
    ByteBuffer from = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int at = 0;
    while (at + Protocol.RECORD_HEADER <= bytes.length) {
      int length = from.getInt(at + 8);
      if (from.getInt(at) == Protocol.RECORD_MAGIC
          && length >= Protocol.RECORD_HEADER
          && length <= Protocol.RECORD_MAX
          && at + length <= bytes.length
          && from.getLong(at + 16) == (number << 32 | at)
          && checksum(bytes, at + 8, length - 8) == from.getInt(at + 4)) {
        int payload = at + Protocol.RECORD_HEADER;
        int padded =
            (length + Protocol.RECORD_STEP - 1) / Protocol.RECORD_STEP * Protocol.RECORD_STEP;
        take(from.getShort(at + 12), from, payload, accounts, (number << 32) + at + padded);
        at += padded;
      } else {
        at += Protocol.RECORD_STEP;
      }
    }
  }

  private static void take(
      int type, ByteBuffer from, int at, Map<Uid, Account> accounts, long end) {
    switch (type) {
      case Protocol.J_CLAIM -> {
        Account account = account(from, at, accounts);
        ByteBuffer boot = from.duplicate().order(ByteOrder.BIG_ENDIAN);
        account.bootId = new UUID(boot.getLong(at + 16), boot.getLong(at + 24)).toString();
        account.slot = from.getInt(at + 32);
        account.shimPid = from.getInt(at + 36);
        account.generation = from.getInt(at + 40);
        account.leaf = text(from, at + LEAF, 64);
        account.name = text(from, at + NAME, 96);
      }
      case Protocol.J_STARTED -> {
        Account account = account(from, at, accounts);
        if (account.started == null) {
          account.started = StartFacts.read(from, at);
        }
      }
      case Protocol.J_START_FAILED -> {
        Account account = account(from, at, accounts);
        if (account.failed == null) {
          account.failed = FailureFacts.read(from, at);
          account.endPosition = end;
        }
      }
      case Protocol.J_EXIT -> {
        Account account = account(from, at, accounts);
        if (account.exited == null) {
          account.exited = ExitFacts.read(from, at);
          account.endPosition = end;
        }
      }
      case Protocol.J_ACK -> {
        int count = from.getInt(at);
        for (int i = 0; i < count; i++) {
          account(from, at + 8 + 16 * i, accounts).acked = true;
        }
      }
      case Protocol.J_CARRY -> take(from.getShort(at + 16), from, at + CARRY_HEADER, accounts, end);
      default -> {
        // SEGMENT and LEADER say nothing that is needed; later types are skipped by their length.
      }
    }
  }

  private static Account account(ByteBuffer from, int at, Map<Uid, Account> accounts) {
    return accounts.computeIfAbsent(Incoming.uid(from, at), Account::new);
  }

  private static String text(ByteBuffer from, int at, int room) {
    int length = 0;
    while (length < room && from.get(at + length) != 0) {
      length++;
    }
    return new String(from.array(), at, length, StandardCharsets.UTF_8);
  }

  private static int checksum(byte[] bytes, int at, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, at, length);
    return (int) crc.getValue();
  }

  private static List<Path> files(Path directory) throws IOException {
    List<Path> files = new ArrayList<>();
    if (Files.isDirectory(directory)) {
      try (DirectoryStream<Path> found = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
        found.forEach(files::add);
      }
    }
    files.sort((a, b) -> Long.compare(numberOf(a), numberOf(b)));
    return files;
  }

  private static long numberOf(Path file) {
    String name = String.valueOf(file.getFileName());
    return Long.parseLong(name.substring(0, name.length() - SUFFIX.length()), 16);
  }
}

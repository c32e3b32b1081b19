package orch.agent.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.zip.CRC32C;
import orch.agent.process.JournalReader.Account;
import orch.api.model.Uid;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A journal written here by docs/launcher-protocol.md, read by the agent. */
class JournalReaderTest {
  private static final UUID BOOT = UUID.fromString("5a6b1c2d-0000-4000-8000-000000000001");
  private static final int SIZE = 1 << 16;

  @TempDir private Path directory;
  private final ByteBuffer file = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);
  private long number = 1;

  private static Uid uid(long sequence) {
    return new Uid(1, 3, sequence);
  }

  private static ByteBuffer payload(int size, Uid uid) {
    return ByteBuffer.allocate(size)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(0, uid.incarnation())
        .putInt(4, (int) uid.epoch())
        .putLong(8, uid.sequence());
  }

  private ByteBuffer claim(Uid uid) {
    ByteBuffer of = payload(232, uid);
    ByteBuffer boot = of.duplicate().order(ByteOrder.BIG_ENDIAN);
    boot.putLong(16, BOOT.getMostSignificantBits()).putLong(24, BOOT.getLeastSignificantBits());
    of.putInt(32, 5).putInt(36, 4_711).putInt(40, 9);
    of.put(72, "t-leaf".getBytes(StandardCharsets.UTF_8));
    of.put(136, "web/3@2".getBytes(StandardCharsets.UTF_8));
    return of;
  }

  private static ByteBuffer exit(Uid uid, int code) {
    return payload(320, uid).putInt(72, 1).putInt(76, code);
  }

  private static ByteBuffer ack(Uid uid) {
    return ByteBuffer.allocate(24)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(0, 1)
        .putInt(8, uid.incarnation())
        .putInt(12, (int) uid.epoch())
        .putLong(16, uid.sequence());
  }

  /** Appends one record at the next multiple of 64. */
  private int record(int type, ByteBuffer payload) {
    int at = file.position();
    int length = 32 + payload.capacity();
    file.putInt(at, 0x4A43524F)
        .putInt(at + 8, length)
        .putShort(at + 12, (short) type)
        .putShort(at + 14, (short) 1)
        .putLong(at + 16, number << 32 | at)
        .put(at + 32, payload.array());
    CRC32C crc = new CRC32C();
    crc.update(file.array(), at + 8, length - 8);
    file.putInt(at + 4, (int) crc.getValue());
    file.position((at + length + 63) / 64 * 64);
    return at;
  }

  private void write() throws IOException {
    Files.write(directory.resolve(String.format("%08x.journal", number)), file.array());
    file.clear();
    file.put(0, new byte[SIZE]);
    number++;
  }

  private Map<Uid, Account> read() throws IOException {
    return JournalReader.read(directory);
  }

  private Account account(Uid uid) throws IOException {
    return Objects.requireNonNull(read().get(uid), "no account of " + uid);
  }

  @Test
  void aClaimTellsBootShimAndName() throws IOException {
    record(2, claim(uid(1)));
    write();
    Account account = account(uid(1));
    assertEquals(BOOT.toString(), account.bootId);
    assertEquals(4_711, account.shimPid);
    assertEquals(5, account.slot);
    assertEquals(9, account.generation);
    assertEquals("t-leaf", account.leaf);
    assertEquals("web/3@2", account.name);
    assertFalse(account.ended());
  }

  @Test
  void anExitIsFoundWithTheEndOfItsRecord() throws IOException {
    record(2, claim(uid(1)));
    int at = record(6, exit(uid(1), 42));
    write();
    Account account = account(uid(1));
    assertEquals(42, Objects.requireNonNull(account.exited).siStatus());
    assertEquals((1L << 32) + at + 384, account.endPosition);
  }

  @Test
  void aRunIsAsLongAsTheBootClockSaysThoughTheWallClockJumped() throws IOException {
    record(2, claim(uid(1)));
    ByteBuffer exit = exit(uid(1), 0);
    exit.putLong(32, 1_000).putLong(40, 5_000).putLong(48, 1_700).putLong(56, 99_000);
    record(6, exit);
    write();
    assertEquals(5_000, Objects.requireNonNull(account(uid(1)).exited).startedRealNanos());
    assertEquals(5_700, Objects.requireNonNull(account(uid(1)).exited).exitedRealNanos());
  }

  @Test
  void ackedAttemptsAreLeftOut() throws IOException {
    record(2, claim(uid(1)));
    record(6, exit(uid(1), 0));
    record(2, claim(uid(2)));
    write();
    record(7, ack(uid(1)));
    write();
    assertEquals(java.util.Set.of(uid(2)), read().keySet());
  }

  @Test
  void holesAndATornEndArePassedOver() throws IOException {
    record(2, claim(uid(1)));
    file.position(file.position() + 640);
    record(6, exit(uid(1), 7));
    int torn = record(2, claim(uid(2)));
    file.put(torn + 200, (byte) 99);
    write();
    assertEquals(7, Objects.requireNonNull(account(uid(1)).exited).siStatus());
    assertFalse(read().containsKey(uid(2)));
  }

  @Test
  void aRecordThatWasCarriedCountsAsItself() throws IOException {
    ByteBuffer claim = claim(uid(1));
    ByteBuffer carry =
        ByteBuffer.allocate(24 + claim.capacity())
            .order(ByteOrder.LITTLE_ENDIAN)
            .putShort(16, (short) 2)
            .putInt(20, claim.capacity())
            .put(24, claim.array());
    record(8, carry);
    write();
    assertEquals("web/3@2", account(uid(1)).name);
  }

  @Test
  void theFirstOfTwoEndsCounts() throws IOException {
    record(2, claim(uid(1)));
    record(6, exit(uid(1), 1));
    record(6, exit(uid(1), 2));
    write();
    assertEquals(1, Objects.requireNonNull(account(uid(1)).exited).siStatus());
  }

  @Test
  void aJournalThatIsNotThereIsEmpty() throws IOException {
    assertTrue(JournalReader.read(directory.resolve("missing")).isEmpty());
    assertNotNull(read());
  }
}

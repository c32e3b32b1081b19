package orch.agent.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import orch.agent.core.Notification;
import org.junit.jupiter.api.Test;

class NotifyMessageTest {
  private static NotifyMessage read(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return Objects.requireNonNull(NotifyMessage.read(bytes, bytes.length, new ArrayList<>()));
  }

  private static String refusal(byte[] bytes) {
    List<String> why = new ArrayList<>();
    assertNull(NotifyMessage.read(bytes, bytes.length, why));
    return why.getFirst();
  }

  @Test
  void everythingThatAServiceSaysIsUnderstood() {
    Notification said =
        read("READY=1\nSTATUS=Serving 3 clients\nMAINPID=4711\nWATCHDOG=1\n"
                + "WATCHDOG_USEC=2000000\nEXTEND_TIMEOUT_USEC=7\n")
            .said();
    assertEquals(
        new Notification(true, false, false, "Serving 3 clients", 4711, true, false, 2_000_000, 7),
        said);
    assertTrue(read("RELOADING=1\nMONOTONIC_USEC=12345").said().reloading());
    assertTrue(read("STOPPING=1").said().stopping());
    assertTrue(read("WATCHDOG=trigger").said().trigger());
  }

  @Test
  void unknownNamesAndLinesWithoutANameArePassedOver() {
    NotifyMessage message = read("X_OF_MINE=1\nno assignment\n=x\n\nREADY=1\nERRNO=2");
    assertTrue(message.said().ready());
    assertEquals(List.of(), message.problems());
  }

  @Test
  void onlyOneIsYes() {
    assertFalse(read("READY=yes\nSTOPPING=11\nRELOADING= 1\nFDSTORE=true").said().ready());
    assertEquals(Notification.NOTHING, read("READY=0\nready=1\nREADY =1").said());
  }

  @Test
  void ofANameThatComesTwiceTheFirstCounts() {
    assertEquals("a", read("STATUS=a\nSTATUS=b").said().status());
  }

  @Test
  void aValueThatMakesNoSenseIsLeftOutAndNamed() {
    for (String wrong :
        List.of(
            "MAINPID=0",
            "MAINPID=-1",
            "MAINPID=2147483648",
            "MAINPID=12x",
            "MAINPID= 1",
            "WATCHDOG_USEC=99999999999999999999",
            "WATCHDOG_USEC=",
            "EXTEND_TIMEOUT_USEC=1e3",
            "MONOTONIC_USEC=\u0661",
            "FDNAME=a:b",
            "FDNAME=" + "n".repeat(256),
            "FDNAME=two words")) {
      NotifyMessage message = read("READY=1\n" + wrong);
      assertTrue(message.said().ready(), wrong);
      assertEquals(1, message.problems().size(), wrong);
      assertEquals("", message.name());
      assertEquals(0, message.said().mainPid() + message.said().watchdogMicros());
    }
  }

  @Test
  void descriptorsAreKeptNamedAndTakenBack() {
    NotifyMessage message = read("FDSTORE=1\nFDNAME=listener\nFDPOLL=0");
    assertTrue(message.store());
    assertEquals("listener", message.name());
    assertFalse(message.poll());
    assertTrue(read("FDSTORE=1").poll());
    assertTrue(read("FDSTOREREMOVE=1\nFDNAME=listener").remove());
  }

  @Test
  void aBarrierComesAlone() {
    assertTrue(read("BARRIER=1").barrier());
    NotifyMessage mixed = read("BARRIER=1\nREADY=1");
    assertFalse(mixed.barrier());
    assertTrue(mixed.said().ready());
    assertEquals(1, mixed.problems().size());
  }

  @Test
  void whatCouldSteerATerminalOrHideTextIsTakenOutOfTheStatus() {
    assertEquals(
        "[2J [31mred rtl", read("STATUS=\u001b[2J\u001b[31mred\u202ertl\r").said().status());
    assertEquals("a b", read("STATUS=a\u2028b\u0007").said().status());
    assertEquals("Grüße ☃ 😀", read("STATUS=Grüße ☃ 😀").said().status());
  }

  @Test
  void aLongStatusIsCutBetweenCharacters() {
    String status = read("STATUS=" + "😀".repeat(300)).said().status();
    assertEquals(NotifyMessage.MAX_STATUS, assertNotNullText(status).length());
    assertEquals(128, status.codePoints().count());
  }

  private static String assertNotNullText(String text) {
    assertNotNull(text);
    return text;
  }

  @Test
  void bytesThatAreNoUtf8MakeOneValueWorthless() {
    byte[] bytes = "STATUS=x\nREADY=1".getBytes(StandardCharsets.ISO_8859_1);
    bytes[7] = (byte) 0xff;
    List<String> problems = new ArrayList<>();
    NotifyMessage message =
        Objects.requireNonNull(NotifyMessage.read(bytes, bytes.length, problems));
    assertTrue(message.said().ready());
    assertNull(message.said().status());
    assertEquals(List.of("STATUS is no UTF-8"), problems);
  }

  @Test
  void whatIsTooLongOrHasANulInItIsNotBelievedAtAll() {
    assertTrue(refusal(new byte[NotifyMessage.MAX_BYTES + 2]).contains("4096 bytes"));
    assertTrue(
        refusal("READY=1\n\0STATUS=x".getBytes(StandardCharsets.UTF_8)).contains("NUL byte"));
    assertTrue(
        refusal("\n".repeat(NotifyMessage.MAX_LINES + 1).getBytes(StandardCharsets.UTF_8))
            .contains("64 lines"));
    assertTrue(read("READY=1\0").said().ready());
  }

  @Test
  void whateverBytesComeNothingBreaks() {
    long seed = Long.getLong("seed", Boolean.getBoolean("soak") ? System.nanoTime() : 1);
    Random random = new Random(seed);
    String[] pieces = {"READY", "=", "1", "\n", "STATUS", "MAINPID", "FDNAME", ":", "9", "\u001b"};
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = new byte[random.nextInt(80)];
      random.nextBytes(bytes);
      if (random.nextBoolean()) {
        StringBuilder text = new StringBuilder();
        for (int n = random.nextInt(12); n > 0; n--) {
          text.append(pieces[random.nextInt(pieces.length)]);
        }
        bytes = text.toString().getBytes(StandardCharsets.UTF_8);
      }
      NotifyMessage message = NotifyMessage.read(bytes, bytes.length, new ArrayList<>());
      if (message != null) {
        String status = message.said().status();
        assertTrue(
            status == null || status.chars().noneMatch(Character::isISOControl), "seed " + seed);
        assertTrue(message.said().mainPid() >= 0, "seed " + seed);
      }
    }
  }
}

package orch.ctl.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

final class UnitsTest {
  @Test
  void cpuIsReadInThousandths() throws UsageException {
    assertEquals(500, Units.cpuMillis("500m"));
    assertEquals(2000, Units.cpuMillis("2"));
    assertEquals(250, Units.cpuMillis("0.25"));
    for (String wrong :
        List.of("", "m", "2x", "50%", "-1", "0.0001", "1.2.3", "9999999999999999999")) {
      assertThrows(UsageException.class, () -> Units.cpuMillis(wrong), wrong);
    }
  }

  @Test
  void bytesHaveBinaryAndDecimalUnits() throws UsageException {
    assertEquals(256L << 20, Units.bytes("256Mi"));
    assertEquals(1_000_000_000, Units.bytes("1G"));
    assertEquals(1536, Units.bytes("1.5Ki"));
    assertEquals(12, Units.bytes("12"));
    for (String wrong : List.of("", "Mi", "256MBytes", "1mi", "1.5", "-1", "9E")) {
      assertThrows(UsageException.class, () -> Units.bytes(wrong), wrong);
    }
  }

  @Test
  void durationsNameTheirUnitsTheLargestFirst() throws UsageException {
    assertEquals("600s", Units.durationJson("10m"));
    assertEquals("5400s", Units.durationJson("1h30m"));
    assertEquals("0.3s", Units.durationJson("300ms"));
    assertEquals("5400s", Units.durationJson("1.5h"));
    assertEquals("0.000000001s", Units.durationJson("1ns"));
    assertEquals("604800s", Units.durationJson("7d"));
    for (String wrong :
        List.of("", "s", "10 fortnights", "5m1h", "1h1h", "-1s", "1.5ns", "99999999d")) {
      assertThrows(UsageException.class, () -> Units.durationJson(wrong), wrong);
    }
    UsageException bare = assertThrows(UsageException.class, () -> Units.durationJson("10"));
    assertTrue(String.valueOf(bare.getMessage()).contains("10s, 10m or 10h"));
  }

  @Test
  void signalsHaveNamesAndNumbers() throws UsageException {
    assertEquals(15, SignalNumbers.parse("TERM"));
    assertEquals(10, SignalNumbers.parse("sigusr1"));
    assertEquals(9, SignalNumbers.parse("9"));
    assertEquals(36, SignalNumbers.parse("RTMIN+2"));
    for (String wrong : List.of("TREM", "0", "65", "RTMIN+40", "")) {
      assertThrows(UsageException.class, () -> SignalNumbers.parse(wrong), wrong);
    }
  }

  @Test
  void requestIdsAreUuidsOfVersion7WithTheirTimeInFront() {
    String id = RequestIds.of(0x0193_5a2b_3c4dL, -1, -1);
    assertEquals("01935a2b-3c4d-7fff-bfff-ffffffffffff", id);
    String first = RequestIds.at(1);
    assertTrue(first.startsWith("00000000-0001-7"), first);
    assertTrue(!first.equals(RequestIds.at(1)));
  }
}

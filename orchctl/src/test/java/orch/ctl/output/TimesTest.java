package orch.ctl.output;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TimesTest {
  @Test
  void rfc3339IsReadAsJavaReadsIt() {
    for (String time :
        List.of(
            "1970-01-01T00:00:00Z",
            "2026-11-24T07:30:05Z",
            "2026-11-24T07:30:05.5Z",
            "2026-11-24T07:30:05.123456789Z",
            "2000-02-29T23:59:59Z",
            "1969-12-31T23:59:59.999Z",
            "2024-12-31T00:00:00Z")) {
      Instant expected = Instant.parse(time);
      assertEquals(
          expected.getEpochSecond() * 1_000_000_000 + expected.getNano(),
          Times.parseNanos(time),
          time);
      assertEquals(expected.toEpochMilli(), Times.parseMillis(time), time);
    }
    assertEquals(
        Times.parseMillis("2026-11-24T06:30:05Z"), Times.parseMillis("2026-11-24T07:30:05+01:00"));
  }

  @Test
  void whatIsNoTimeIsNone() {
    for (String wrong :
        List.of("", "yesterday", "2026-11-24", "2026-11-24T07:30:05", "2026-11-24Txx:30:05Z")) {
      assertEquals(Long.MIN_VALUE, Times.parseMillis(wrong), wrong);
      assertEquals("", Times.age(wrong, 0), wrong);
    }
  }

  @Test
  void durationsAreShortAndSayWhatMatters() {
    assertEquals("0ms", Times.duration(0));
    assertEquals("999ms", Times.duration(999));
    assertEquals("1.2s", Times.duration(1_250));
    assertEquals("45s", Times.duration(45_900));
    assertEquals("3m05s", Times.duration(185_000));
    assertEquals("2h05m", Times.duration(7_500_000));
    assertEquals("3d04h", Times.duration(273_600_000));
  }

  @Test
  void agesCountInOneUnit() {
    long now = Times.parseMillis("2026-11-24T07:00:00Z");
    assertEquals("0s", Times.age("2026-11-24T07:00:05Z", now));
    assertEquals("90s", Times.age("2026-11-24T06:58:30Z", now));
    assertEquals("2m", Times.age("2026-11-24T06:57:30Z", now));
    assertEquals("47h", Times.age("2026-11-22T08:00:00Z", now));
    assertEquals("9d", Times.age("2026-11-15T06:00:00Z", now));
  }

  @Test
  void spanRunsToNowWhileThereIsNoEnd() {
    long now = Times.parseMillis("2026-11-24T07:00:10Z");
    assertEquals("10s", Times.between("2026-11-24T07:00:00Z", "", now));
    assertEquals("2.0s", Times.between("2026-11-24T07:00:00Z", "2026-11-24T07:00:02Z", now));
    assertEquals("", Times.between("", "", now));
  }

  @Test
  void localTimeIsTheOneOfThisMachine() {
    long then = Times.parseHuman("2026-11-24 08:12:03");
    assertEquals("2026-11-24 08:12:03", Times.local(Times.rfc3339(then)));
    assertEquals("2026-11-24 08:12:03.007", Times.localMillis(Times.rfc3339(then + 7)));
    assertTrue(Times.parseHuman("2026-11-24 08:12") < then);
    assertTrue(Times.parseHuman("2026-11-24") < then);
    assertEquals(Long.MIN_VALUE, Times.parseHuman("soon"));
  }
}

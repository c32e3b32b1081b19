package orch.api.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class QuantityTest {
  @ParameterizedTest
  @CsvSource({
    "500m,500",
    "2,2000",
    "0.5,500",
    "1.25,1250",
    "0,0",
  })
  void cpuIsReadInThousandths(String text, long millis) {
    assertEquals(millis, Quantity.parseCpuMillis(text));
  }

  @ParameterizedTest
  @CsvSource({
    "0,0",
    "1500,1500",
    "256Mi,268435456",
    "1G,1000000000",
    "1.5Gi,1610612736",
    "2k,2000",
    "2K,2000",
    "1Ki,1024",
    "4 Mi,4194304",
  })
  void bytesAreReadInPowersOf1024Or1000(String text, long bytes) {
    assertEquals(bytes, Quantity.parseBytes(text));
  }

  @ParameterizedTest
  @CsvSource({
    "90s,PT1M30S",
    "1h30m,PT1H30M",
    "1h 30m,PT1H30M",
    "500ms,PT0.5S",
    "1.5h,PT1H30M",
    "0,PT0S",
    "30d,PT720H",
    "10us,PT0.00001S",
    "7ns,PT0.000000007S",
  })
  void durationsAreReadWithTheirUnits(String text, Duration duration) {
    assertEquals(duration, Quantity.parseDuration(text));
  }

  @ParameterizedTest
  @CsvSource({"268435456,256Mi", "1000000000,1G", "0,0", "1024,1Ki", "1500,1500", "2000000,2M"})
  void bytesAreWrittenInTheShortestExactForm(long bytes, String text) {
    assertEquals(text, Quantity.formatBytes(bytes));
  }

  @Test
  void whatIsWrittenIsReadAsTheSame() {
    Random random = new Random(7);
    for (int i = 0; i < 10_000; i++) {
      long amount = random.nextLong() >>> (1 + random.nextInt(62));
      assertEquals(amount, Quantity.parseBytes(Quantity.formatBytes(amount)));
      assertEquals(amount, Quantity.parseCpuMillis(Quantity.formatCpu(amount)));
      Duration duration = Duration.ofNanos(amount);
      assertEquals(duration, Quantity.parseDuration(Quantity.formatDuration(duration)));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "256MB | '256MB': there is no unit 'MB' for bytes; write 256Mi (1024²) or 256M (1000²)",
        "256mb | '256mb': there is no unit 'mb' for bytes; write 256Mi (1024²) or 256M (1000²)",
        "256KB | '256KB': there is no unit 'KB' for bytes; write 256Ki (1024) or 256k (1000)",
        "256 MiB | '256 MiB': there is no unit 'MiB' for bytes; write 256Mi",
        "256mi | '256mi': there is no unit 'mi' for bytes; write 256Mi",
        "256m | '256m': there is no unit 'm' for bytes; write 256M or 256Mi (m means thousandths,"
            + " and is for cpu)",
        "12b | '12b': there is no unit 'b' for bytes; write 12 alone",
        "5 foo | '5 foo': there is no unit 'foo' for bytes; units are Ki Mi Gi Ti (powers of 1024)"
            + " and k M G T (powers of 1000)",
        "0.1 | '0.1' is not a whole number of bytes; write a coarser one",
        "much | expected a number of bytes such as 256Mi or 1G, got 'much'",
        "-1 | expected a number of bytes such as 256Mi or 1G, got '-1'",
        "99E | '99E' is too large",
      })
  void wrongBytesAreExplained(String text, String message) {
    assertRefused(message, text, Quantity::parseBytes);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "50% | '50%': write thousandths of a CPU, as 50% is 500m",
        "2 cores | '2 cores': there is no unit 'cores' for CPU; write 2 for whole CPUs or 2m for"
            + " thousandths",
        "1.0005 | '1.0005' is not a whole number of thousandths of a CPU; write a coarser one",
        "all | expected an amount of CPU such as 500m, 2 or 0.5, got 'all'",
      })
  void wrongCpuIsExplained(String text, String message) {
    assertRefused(message, text, Quantity::parseCpuMillis);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "90 | a duration needs a unit: write 90s, 90m or 90h",
        "5min | '5min': there is no unit 'min' for durations; write 5m",
        "10sec | '10sec': there is no unit 'sec' for durations; write 10s",
        "2w | '2w': there is no unit 'w' for durations; write days: a week is 7d",
        "3x | '3x': there is no unit 'x' for durations; units are d, h, m, s, ms, us, ns",
        "1m1h | '1m1h': name each unit once, the largest first, as in 1h30m",
        "PT5M | expected a duration such as 90s, 1h30m or 500ms, got 'PT5M'",
        "0.1ns | '0.1ns' is finer than a nanosecond",
        "200000d | '200000d' is too long; at most 100 years (36500d)",
      })
  void wrongDurationsAreExplained(String text, String message) {
    assertRefused(message, text, Quantity::parseDuration);
  }

  private static void assertRefused(String message, String text, Function<String, ?> parser) {
    assertEquals(
        message,
        assertThrows(IllegalArgumentException.class, () -> parser.apply(text)).getMessage());
  }
}

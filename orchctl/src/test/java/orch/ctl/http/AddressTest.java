package orch.ctl.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

final class AddressTest {
  @Test
  void schemeAndPortMayBeLeftOut() {
    assertEquals(new Address(false, "localhost", 7400), Address.parse("localhost"));
    assertEquals(new Address(false, "h", 81), Address.parse("h:81"));
    assertEquals(new Address(false, "h", 81), Address.parse(" http://h:81/ "));
    assertEquals(new Address(true, "h", 7400), Address.parse("https://h"));
    assertEquals(new Address(false, "::1", 7400), Address.parse("[::1]"));
    assertEquals(new Address(false, "::1", 81), Address.parse("http://[::1]:81"));
    assertEquals("http://[::1]:81", Address.parse("[::1]:81").toString());
  }

  @Test
  void wrongAddressIsRefusedWithTheReason() {
    for (String wrong :
        List.of("", "ftp://h", "h:0", "h:65536", "h:", "h:x", "h/p", ":81", "[::1]x")) {
      IllegalArgumentException failure =
          assertThrows(IllegalArgumentException.class, () -> Address.parse(wrong), wrong);
      assertTrue(String.valueOf(failure.getMessage()).contains("write http://HOST:PORT"), wrong);
    }
  }

  @Test
  void severalAreSeparatedByCommas() {
    assertEquals(
        List.of(new Address(false, "a", 7400), new Address(false, "b", 81)),
        Address.parseList("a, http://b:81"));
    assertThrows(IllegalArgumentException.class, () -> Address.parseList("a,,b"));
    assertThrows(IllegalArgumentException.class, () -> Address.parseList("a,"));
  }
}

package orch.api.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class SignalTest {
  @ParameterizedTest
  @CsvSource({
    "TERM,15",
    "SIGTERM,15",
    "sigusr2,12",
    "9,9",
    "HUP,1",
    "SYS,31",
    "RTMIN,34",
    "RTMIN+2,36",
    "SIGRTMIN+30,64",
    "64,64",
  })
  void isReadByNameOrNumber(String text, int number) {
    assertEquals(number, Signal.parse(text));
  }

  @Test
  void everyNumberIsReadBackFromItsName() {
    for (int number = 1; number <= Signal.MAX; number++) {
      assertEquals(number, Signal.parse(Signal.name(number)));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "TREM | there is no signal 'TREM'; did you mean 'TERM'?",
        "NOTHING | there is no signal 'NOTHING'; names are TERM, INT, HUP, USR1, … (kill -l lists"
            + " them), numbers 1 to 64",
        "0 | signals are 1 to 64, not 0",
        "65 | signals are 1 to 64, not 65",
        "RTMIN+31 | the last real-time signal is RTMIN+30, not RTMIN+31",
      })
  void isRefused(String text, String message) {
    assertEquals(
        message,
        assertThrows(IllegalArgumentException.class, () -> Signal.parse(text)).getMessage());
  }
}

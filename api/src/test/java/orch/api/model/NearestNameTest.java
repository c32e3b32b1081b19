package orch.api.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class NearestNameTest {
  private static final List<String> KEYS =
      List.of("memory", "memoryHigh", "maxRetries", "cpu", "on-failure", "timeout");

  @Test
  void findsWhatWasMistyped() {
    assertEquals(Optional.of("memory"), NearestName.of("memroy", KEYS));
    assertEquals(Optional.of("maxRetries"), NearestName.of("max_retries", KEYS));
    assertEquals(Optional.of("on-failure"), NearestName.of("onFailure", KEYS));
    assertEquals(Optional.of("timeout"), NearestName.of("timout", KEYS));
    assertEquals(Optional.of("cpu"), NearestName.of("CPUs", KEYS));
  }

  @Test
  void doesNotGuessWhatIsFarAway() {
    assertEquals(Optional.empty(), NearestName.of("image", KEYS));
    assertEquals("", NearestName.hint("ram", KEYS));
    assertEquals("; did you mean 'cpu'?", NearestName.hint("cpi", KEYS));
  }
}

package orch.api.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ConstraintTest {
  private static final TreeMap<String, String> NODE =
      new TreeMap<>(
          Map.of("rack", "a", "kernel", "6.1.0-18-amd64", "gpus", "10", "os", "Debian 12"));

  @ParameterizedTest
  @ValueSource(
      strings = {
        "rack",
        "!ssd",
        "rack = a",
        "rack==a",
        "rack != b",
        "ssd != yes",
        "rack in (a,b)",
        "rack in ( a )",
        "rack not in (b, c)",
        "ssd not in (yes)",
        "os = 'Debian 12'",
        "os in (\"Debian 12\", Fedora)",
        "kernel >= 6.1",
        "kernel >= 6.1.0",
        "kernel > 6.1.0-17-amd64",
        "kernel < 6.2",
        "kernel < 6.10",
        "kernel < 6.2-rc1",
        "gpus > 9",
        "gpus <= 10",
        "gpus >= 10.0",
        "gpus > -1",
      })
  void holds(String expression) {
    assertEquals(true, Constraint.parse(expression).matches(NODE));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ssd",
        "!rack",
        "rack = A",
        "rack != a",
        "rack in (b, c)",
        "rack not in (a)",
        "ssd = yes",
        "ssd in (yes)",
        "kernel >= 6.1.1",
        "kernel > 6.2",
        "kernel < 6.1",
        "gpus < 9",
        "gpus > 10",
        "ssd < 1",
        "ssd >= 0",
        "rack >= 1",
      })
  void doesNotHold(String expression) {
    assertEquals(false, Constraint.parse(expression).matches(NODE));
  }

  @ParameterizedTest
  @CsvSource({"6.9,6.10", "6.1-rc1,6.1", "1.0~beta,1.0", "2,10", "1.2,1.2.1", "-2,1", "-3,-2"})
  void versionsHaveTheOrderThatPeopleMean(String less, String more) {
    assertEquals(-1, Integer.signum(VersionOrder.compare(less, more)), less + " < " + more);
    assertEquals(1, Integer.signum(VersionOrder.compare(more, less)), more + " > " + less);
    assertEquals(0, VersionOrder.compare(less, less));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "gpu",
        "!gpu",
        "a = b",
        "a != 'b c'",
        "k >= 6.1",
        "a in (b, 'c\"d')",
        "a not in (b)"
      })
  void whatItWritesIsReadAsEqual(String expression) {
    Constraint constraint = Constraint.parse(expression);
    assertEquals(constraint, Constraint.parse(constraint.toString()));
  }

  @Test
  void operatorWordsMayBeginNames() {
    assertEquals("not", Constraint.parse("not in (a)").key());
    assertEquals(
        new Constraint("in", Constraint.Operator.EQUAL, List.of("x")), Constraint.parse("in = x"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "`` | an expression is empty; write one such as: rack in (a, b)",
        "rack = a, b | 'rack = a, b': one value only after '='; for several write: rack in (a, …)",
        "a && b | 'a && b': one condition an expression; list several, all of which must hold, and"
            + " use 'in (a, b)' for a choice",
        "rack = a or rack = b | 'rack = a or rack = b': one condition an expression; list several,"
            + " all of which must hold, and use 'in (a, b)' for a choice",
        "rack in a | 'rack in a': expected '(' after 'in', as in: rack in (a, b)",
        "rack in (a | 'rack in (a': expected ',' or ')' in the list, as in: rack in (a, b)",
        "rack in () | 'rack in ()': a value is missing in the list, as in: rack in (a, b)",
        "rack not (a) | 'rack not (a)': expected 'in' after 'not', as in: rack not in (a, b)",
        "x =~ y | 'x =~ y': there is no match by pattern; list the values, as in: rack in (a, b)",
        "kernel > foo | 'kernel > foo': '>' compares numbers and versions, and 'foo' is neither",
        "kernel >= | 'kernel >=': a value is missing after '>=', as in: kernel >= 1",
        "!= a | '!= a': the name before '!=' is missing, as in: rack != a",
        "!a b | '!a b': 'b' is too much: '!' stands before a name alone, as in: !gpu",
        "rack = a b | 'rack = a b': 'b' is too much: put a value with spaces in quotes",
        "rack = 'a | 'rack = 'a': the quote ' is not closed",
        "rack ? a | 'rack ? a': expected one of = != < <= > >= in 'not in' before '? a'",
        "rack IN (a) | 'rack IN (a)': expected one of = != < <= > >= in 'not in' before 'IN (a)'",
        "(a) | '(a)': expected the name of a label or attribute at its begin, as in: rack = a",
      })
  void isRefused(String expression, String message) {
    assertEquals(
        message,
        assertThrows(IllegalArgumentException.class, () -> Constraint.parse(expression))
            .getMessage());
  }
}

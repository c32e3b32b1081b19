package orch.api.yaml;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is accepted as YAML, and the sentence for what is not. */
final class YamlTextTest {
  @Test
  void everyValueKnowsItsPlaceAndKind() {
    YamlText text = YamlText.read("a: 1\nb:\n  - true\n  - 'x'\n  - ~\n  - 1.5\n");
    YamlNode.Mapping mapping = (YamlNode.Mapping) text.documents().getFirst();
    assertEquals(
        new YamlNode.Scalar(1, 4, "1", YamlNode.Kind.INTEGER),
        mapping.entries().getFirst().value());
    YamlNode.Sequence list = (YamlNode.Sequence) mapping.entries().get(1).value();
    assertEquals(
        List.of(
            new YamlNode.Scalar(3, 5, "true", YamlNode.Kind.BOOLEAN),
            new YamlNode.Scalar(4, 5, "x", YamlNode.Kind.TEXT),
            new YamlNode.Scalar(5, 5, "~", YamlNode.Kind.NULL),
            new YamlNode.Scalar(6, 5, "1.5", YamlNode.Kind.FLOAT)),
        list.values());
  }

  @Test
  void truthsAndNumbersAreThoseOfYaml12() {
    assertEquals(YamlNode.Kind.TEXT, YamlNode.Scalar.kindOf("yes"));
    assertEquals(YamlNode.Kind.TEXT, YamlNode.Scalar.kindOf("1_000"));
    assertEquals(YamlNode.Kind.TEXT, YamlNode.Scalar.kindOf("1:30"));
    assertEquals(YamlNode.Kind.INTEGER, YamlNode.Scalar.kindOf("0o17"));
    assertEquals(YamlNode.Kind.FLOAT, YamlNode.Scalar.kindOf("1e3"));
    assertEquals(YamlNode.Kind.NULL, YamlNode.Scalar.kindOf(""));
  }

  @Test
  void emptyDocumentsAreLeftOut() {
    assertEquals(2, YamlText.read("---\na: 1\n---\n# nothing\n---\nb: 2\n").documents().size());
  }

  @Test
  void aliasesThatGrowWithoutBoundAreRefusedAtOnce() {
    StringBuilder laughs = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 30; i++) {
      String alias = "*a" + (i - 1);
      laughs.append("a" + i + ": &a" + i + " [").append((alias + ", ").repeat(9));
      laughs.append(alias).append("]\n");
    }
    problem(laughs.toString(), "5:5: with its aliases it has more than 200,000 values");
  }

  @Test
  void aDeepNestIsRefusedAtOnce() {
    assertTimeoutPreemptively(
        Duration.ofSeconds(10),
        () -> problem("[".repeat(1_000_000), "1:33: is nested deeper than 32 levels"));
  }

  @Test
  void aLargeTextIsRefused() {
    problem("a".repeat(1_048_577), "1:1: the text has 1,048,577 characters and may have 1,048,576");
  }

  @Test
  void aliasesNameWhatStandsBefore() {
    problem(
        "a: *x\n",
        "1:4: the alias *x has no anchor &x before it; put a text that begins with '*' in quotes");
    problem("a: &a [*a]\n", "1:8: the alias *a stands within what it names");
    problem(
        "a: &a 1\n---\nb: *a\n",
        "3:4: the alias *a has no anchor &a before it; put a text that begins with '*' in quotes");
  }

  @Test
  void syntaxErrorsAreSentences() {
    problem("a: b: c", "1:5: a second ': ' in one line; put a text that contains ': ' in quotes");
    problem("a: 1\n b: 2\n", "2:3: this key is indented differently from the keys before it");
    problem("a: 1\nb\nc: 2", "2:1: a key without ':' stands here; write 'key: value'");
    problem("a: 'x\n", "1:4: the quote that opens here is not closed");
    problem(
        "a: \"x\\q\"",
        "1:7: there is no escape '\\q' in double quotes; double the backslash, or use single"
            + " quotes");
    problem("a: {b: 1", "1:9: expected ',' or '}' of the mapping that opens in line 1");
    problem(
        "a: 1\n- b",
        "2:1: a list item stands where a key of the mapping that begins in line 1 should; indent it"
            + " under its key");
    problem("a: @x", "1:4: a text may not begin with '@'; put it in quotes");
    problem("a: [b]]", "1:7: this bracket closes nothing");
    problem(
        "a: \"x\" y",
        "1:8: this belongs neither to the value before it nor to the mapping that begins in line 1;"
            + " check its indentation, and put a text that goes on after a quote in quotes as a"
            + " whole");
    problem(
        "a: b\nc: \u0001",
        "2:4: the character U+0001 may not stand in YAML; write \"\\u0001\" in double quotes, or"
            + " !!binary with base64 for bytes");
    problem("a: !!set x", "1:4: the tag !!set is not known here; !!str and !!binary are");
    problem("[1, 2]: 3", "1:1: a key must be a word, not a list");
  }

  private static void problem(String text, String expected) {
    List<YamlProblem> problems = YamlText.read(text).problems();
    assertEquals(1, problems.size(), problems::toString);
    YamlProblem problem = problems.getFirst();
    assertEquals(expected, problem.line() + ":" + problem.column() + ": " + problem.message());
  }
}

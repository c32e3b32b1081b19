package orch.api.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class TemplateTest {
  private static final Map<String, String> VALUES =
      Map.of("port.http", "8080", "task.index", "3", "node.rack", "a$1");

  private static final Template.Scope SCOPE =
      new Template.Scope(new TreeSet<>(List.of("http")), false, new TreeSet<>(List.of("input")));

  @ParameterizedTest
  @CsvSource({
    "--port=${port.http},--port=8080",
    "${task.index}/${port.http},3/8080",
    "${node.rack},a$1",
    "$$${port.http},$${port.http}",
  })
  void dottedNamesExpand(String text, String expanded) {
    assertEquals(expanded, Template.expand(text, VALUES::get));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "${HOME}",
        "${f%.gz}",
        "$HOME",
        "$$",
        "${f:-x.y}",
        "${#a}",
        "${a[1]}",
        "$(a.b)",
        "${.a}",
        "${a.}",
        "{a.b}",
        "$${HOME}",
        "50%",
      })
  void whatIsTheShellsPassesThrough(String text) {
    assertEquals(text, Template.expand(text, VALUES::get));
    assertEquals(List.of(), Template.problems(text, SCOPE));
  }

  @Test
  void aDoubledDollarKeepsTheName() {
    assertEquals(
        "${port.http} ${no.such}", Template.expand("$${port.http} $${no.such}", VALUES::get));
    assertEquals(List.of(), Template.problems("$${no.such}", SCOPE));
  }

  @Test
  void aNameWithoutAValueIsAnError() {
    assertEquals(
        "${task.item} has no value here",
        assertThrows(
                IllegalArgumentException.class, () -> Template.expand("${task.item}", VALUES::get))
            .getMessage());
  }

  @Test
  void anUnknownNameIsToldWithTheKnownOnes() {
    assertEquals(
        List.of(
            "there is no ${tsk.index}; did you mean 'task.index'? Known are task.index, task.name,"
                + " task.attempt, job.name, job.number, node.name, port.http, param.input and"
                + " node.FACT; to pass it on as it is write $${tsk.index}"),
        Template.problems("a ${tsk.index} b", SCOPE));
    assertEquals(
        List.of("there is no ${port.htp}: the job's ports are http; did you mean 'port.http'?"),
        Template.problems("${port.htp}", SCOPE));
    assertEquals(
        List.of("there is no ${param.x}: the job's parameters are input"),
        Template.problems("${param.x}", SCOPE));
    assertEquals(
        List.of(
            "there is no ${task.item} in a job without items; ${task.index} is the index of the"
                + " task"),
        Template.problems("${task.item}", SCOPE));
  }

  @Test
  void aPortOrParameterThatIsNotAskedForIsToldHowToAsk() {
    Template.Scope none = new Template.Scope(new TreeSet<>(), true, new TreeSet<>());
    assertEquals(
        List.of("there is no ${port.web}: the job asks for no ports; add web to resources.ports"),
        Template.problems("${port.web}", none));
    assertEquals(
        List.of("there is no ${param.x}: the job has no parameters; add x to parameters"),
        Template.problems("${param.x}", none));
    assertEquals(List.of(), Template.problems("${task.item}", none));
  }

  @Test
  void aFactOfTheNodeImpliesThatItExists() {
    assertEquals(
        new TreeSet<>(List.of("rack", "gpu.model")),
        Template.impliedConstraints("${node.rack} ${node.name} $${node.x} ${node.gpu.model}"));
    assertEquals(List.of(), Template.problems("${node.rack}", SCOPE));
  }

  @Test
  void pathsKnowFourPatterns() {
    assertEquals(
        "/out/42-web-7-2-%-%x", Template.expandPath("/out/%j-%n-%i-%a-%%-%x", 42, "web", 7, 2));
    assertEquals("a$1", Template.expandPath("%n", 1, "a$1", 0, 1));
  }

  @Test
  void anUnknownPatternOfAPathIsTold() {
    String known =
        "; known are %j (job number), %n (job name), %i (task index), %a (attempt) and %% for a"
            + " percent sign";
    assertEquals(
        List.of("there is no '%x'" + known, "there is no '%'" + known),
        Template.pathProblems("/%x/%j/%%/%"));
  }
}

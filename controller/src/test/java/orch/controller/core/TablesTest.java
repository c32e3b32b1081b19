package orch.controller.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import orch.api.model.AttemptState;
import orch.api.model.TaskState;
import org.junit.jupiter.api.Test;

/** Every state says what every event does to it. */
class TablesTest {
  private interface Visit {
    void cell(TransitionTable<?, ?> table, Enum<?> state, Enum<?> event, Cell<?> cell);
  }

  @Test
  void everyPairOfStateAndEventHasACell() {
    each((table, state, event, cell) ->
        assertNotNull(cell, table.name() + ": " + state + " and " + event));
  }

  @Test
  void whatMovesNothingSaysWhy() {
    each((table, state, event, cell) -> {
      String where = table.name() + ": " + state + " and " + event;
      switch (cell) {
        case Cell.Transition<?> move -> assertNotNull(move.target(), where);
        case Cell.Ignored<?> ignored -> assertFalse(ignored.why().isEmpty(), where);
        case Cell.Refused<?> refused -> assertFalse(refused.why().isEmpty(), where);
      }
    });
  }

  @Test
  void everyEventMovesSomeState() {
    for (TransitionTable<?, ?> table : Tables.all()) {
      moved(table);
    }
  }

  private static <S extends Enum<S>, E extends Enum<E>> void moved(TransitionTable<S, E> table) {
    for (E event : table.events()) {
      assertTrue(
          table.states().stream().anyMatch(state -> table.moves(state, event)),
          table.name() + ": " + event);
    }
  }

  @Test
  void anAttemptThatHasEndedNeverMovesAgain() {
    for (AttemptState state : AttemptState.values()) {
      for (AttemptEvent event : AttemptEvent.values()) {
        if (state.ended()) {
          assertFalse(Tables.ATTEMPT.moves(state, event), state + " and " + event);
        }
      }
    }
  }

  @Test
  void aTaskThatHasEndedMovesByARetryAlone() {
    for (TaskState state : TaskState.values()) {
      for (TaskEvent event : TaskEvent.values()) {
        if (state.ended()) {
          assertEquals(
              event == TaskEvent.RETRIED, Tables.TASK.moves(state, event), state + " and " + event);
        }
      }
    }
  }

  @Test
  void aForbiddenMoveNamesStateAndEventAndReason() {
    InvariantError error =
        assertThrows(
            InvariantError.class,
            () -> Tables.ATTEMPT.move(AttemptState.RUNNING, AttemptEvent.DROPPED, "web/3@2"));
    assertEquals(
        "attempt web/3@2 is RUNNING, where DROPPED moves nothing: what ran was not dropped: its"
            + " result is unknown",
        error.getMessage());
  }

  @Test
  void theDiagramsInTheDocumentationAreUpToDate() throws IOException {
    Path page = documentation().resolve("state-machines.md");
    String expected = StateMachinePage.text();
    if (Boolean.getBoolean("docs.update")) {
      Files.writeString(page, expected);
    }
    assertTrue(Files.exists(page), page + " is missing; write it with -Ddocs.update=true");
    assertEquals(
        expected, Files.readString(page), page + " is stale; write it with -Ddocs.update=true");
  }

  private static void each(Visit visit) {
    for (TransitionTable<?, ?> table : List.copyOf(Tables.all())) {
      cells(table, visit);
    }
  }

  private static <S extends Enum<S>, E extends Enum<E>> void cells(
      TransitionTable<S, E> table, Visit visit) {
    for (S state : table.states()) {
      for (E event : table.events()) {
        visit.cell(table, state, event, table.cell(state, event));
      }
    }
  }

  private static Path documentation() {
    Path at = Path.of("").toAbsolutePath();
    while (!Files.isDirectory(at.resolve("docs/adr"))) {
      at = Objects.requireNonNull(at.getParent(), "no docs directory above");
    }
    return at.resolve("docs");
  }
}

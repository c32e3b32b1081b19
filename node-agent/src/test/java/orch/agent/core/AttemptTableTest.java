package orch.agent.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AttemptTableTest {
  @Test
  void everyPhaseSaysWhatEveryEventDoes() {
    for (Phase phase : Phase.values()) {
      for (AttemptEvent event : AttemptEvent.values()) {
        assertNotNull(AttemptTable.cell(phase, event), phase + " and " + event);
      }
    }
  }

  @Test
  void whatIsIgnoredOrRefusedHasAReason() {
    for (Phase phase : Phase.values()) {
      for (AttemptEvent event : AttemptEvent.values()) {
        switch (AttemptTable.cell(phase, event)) {
          case AttemptTable.Ignored ignored -> assertFalse(ignored.why().isEmpty());
          case AttemptTable.Refused refused -> assertFalse(refused.why().isEmpty());
          case AttemptTable.Move move -> assertNotNull(move.action());
        }
      }
    }
  }

  @Test
  void aStopIsNeverTakenBackAndAnEndIsFinal() {
    for (AttemptEvent event : AttemptEvent.values()) {
      if (AttemptTable.cell(Phase.STOPPING, event) instanceof AttemptTable.Move move) {
        assertTrue(move.to() == Phase.STOPPING || move.to() == Phase.ENDED, event.toString());
      }
      if (AttemptTable.cell(Phase.ENDED, event) instanceof AttemptTable.Move move) {
        assertTrue(move.to() == Phase.ENDED || move.to() == null, event.toString());
      }
    }
  }

  @Test
  void onlyWhatWasNeverClaimedIsHandedToTheLauncher() {
    for (Phase phase : Phase.values()) {
      for (AttemptEvent event : AttemptEvent.values()) {
        if (AttemptTable.cell(phase, event) instanceof AttemptTable.Move move
            && move.action() == AttemptAction.START) {
          assertTrue(phase == Phase.DELAYED || phase == Phase.READY, phase + " and " + event);
        }
      }
    }
    assertEquals(
        new AttemptTable.Move(Phase.READY, AttemptAction.NONE),
        AttemptTable.cell(Phase.STARTING, AttemptEvent.FOUND_UNCLAIMED));
  }

  @Test
  void everyActionIsUsed() {
    Set<AttemptAction> used = EnumSet.noneOf(AttemptAction.class);
    for (Phase phase : Phase.values()) {
      for (AttemptEvent event : AttemptEvent.values()) {
        if (AttemptTable.cell(phase, event) instanceof AttemptTable.Move move) {
          used.add(move.action());
        }
      }
    }
    assertEquals(EnumSet.allOf(AttemptAction.class), used);
  }

  @Test
  void theDiagramInTheDocumentationIsUpToDate() throws IOException {
    Path page = documentation().resolve("agent-state-machine.md");
    String expected = StateMachinePage.text();
    if (Boolean.getBoolean("docs.update")) {
      Files.writeString(page, expected);
    }
    assertTrue(Files.exists(page), page + " is missing; write it with -Ddocs.update=true");
    assertEquals(
        expected, Files.readString(page), page + " is stale; write it with -Ddocs.update=true");
  }

  private static Path documentation() {
    Path at = Path.of("").toAbsolutePath();
    while (!Files.isDirectory(at.resolve("docs/adr"))) {
      at = java.util.Objects.requireNonNull(at.getParent(), "no docs directory above");
    }
    return at.resolve("docs");
  }
}

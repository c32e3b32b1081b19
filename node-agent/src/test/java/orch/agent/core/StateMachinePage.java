package orch.agent.core;

import java.util.LinkedHashMap;
import java.util.Map;

/** Writes docs/agent-state-machine.md from the table. */
final class StateMachinePage {
  private StateMachinePage() {}

  static String text() {
    StringBuilder page = new StringBuilder();
    page.append("# The attempt on its node\n\n");
    page.append(
        "Written by `AttemptTableTest` from `orch.agent.core.AttemptTable`; renew it with"
            + " `-Ddocs.update=true`.\n\n");
    page.append("```mermaid\nstateDiagram-v2\n");
    edges()
        .forEach((edge, labels) ->
            page.append("  ").append(edge).append(" : ").append(labels).append('\n'));
    page.append("```\n\n| Phase | Meaning |\n|---|---|\n");
    for (Phase phase : Phase.values()) {
      page.append("| ").append(phase).append(" | ").append(phase.meaning()).append(" |\n");
    }
    for (Phase phase : Phase.values()) {
      page.append("\n## ").append(phase).append("\n\n| Event | Goes to | Does |\n|---|---|---|\n");
      for (AttemptEvent event : AttemptEvent.values()) {
        page.append("| ").append(event).append(cell(AttemptTable.cell(phase, event)));
      }
    }
    return page.toString();
  }

  private static Map<String, String> edges() {
    Map<String, String> edges = new LinkedHashMap<>();
    for (Phase phase : Phase.values()) {
      for (AttemptEvent event : AttemptEvent.values()) {
        if (AttemptTable.cell(phase, event) instanceof AttemptTable.Move move
            && move.to() != phase) {
          String edge = phase + " --> " + (move.to() == null ? "[*]" : move.to());
          edges.merge(edge, event.toString(), (left, right) -> left + ", " + right);
        }
      }
    }
    return edges;
  }

  private static String cell(AttemptTable.Cell cell) {
    return switch (cell) {
      case AttemptTable.Move move ->
          " | "
              + (move.to() == null ? "gone" : move.to())
              + " | "
              + move.action().meaning()
              + " |\n";
      case AttemptTable.Ignored ignored -> " | | ignored: " + ignored.why() + " |\n";
      case AttemptTable.Refused refused -> " | | cannot happen: " + refused.why() + " |\n";
    };
  }
}

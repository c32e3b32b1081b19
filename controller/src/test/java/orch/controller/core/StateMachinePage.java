package orch.controller.core;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** Writes docs/state-machines.md from the tables. */
final class StateMachinePage {
  private StateMachinePage() {}

  static String text() {
    StringBuilder page = new StringBuilder("# State machines of the controller\n\n");
    page.append(
        "Written by `TablesTest` from `orch.controller.core.Tables`; renew it with"
            + " `-Ddocs.update=true`. What an attempt passes through on its\nnode is in"
            + " [agent-state-machine.md](agent-state-machine.md).\n");
    Tables.all().forEach(table -> machine(page, table));
    return page.toString();
  }

  private static <S extends Enum<S>, E extends Enum<E>> void machine(
      StringBuilder page, TransitionTable<S, E> table) {
    String title =
        table.name().substring(0, 1).toUpperCase(Locale.ROOT) + table.name().substring(1);
    page.append("\n## ").append(title).append("\n\n```mermaid\nstateDiagram-v2\n");
    Map<String, String> edges = new LinkedHashMap<>();
    for (S state : table.states()) {
      for (E event : table.events()) {
        if (table.cell(state, event) instanceof Cell.Transition<S>(S target) && target != state) {
          edges.merge(
              state + " --> " + target, event.toString(), (left, right) -> left + ", " + right);
        }
      }
    }
    edges.forEach(
        (edge, events) -> page.append("  ").append(edge).append(" : ").append(events).append('\n'));
    page.append("```\n\n| State | Event | Becomes |\n|---|---|---|\n");
    for (S state : table.states()) {
      for (E event : table.events()) {
        page.append("| ").append(state).append(" | ").append(event).append(" | ");
        page.append(said(table.cell(state, event))).append(" |\n");
      }
    }
  }

  private static <S extends Enum<S>> String said(Cell<S> cell) {
    return switch (cell) {
      case Cell.Transition<S>(S target) -> target.toString();
      case Cell.Ignored<S>(String why) -> "ignored: " + why;
      case Cell.Refused<S>(String why) -> "refused: " + why;
    };
  }
}

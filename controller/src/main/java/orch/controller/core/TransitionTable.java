package orch.controller.core;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A state machine as a table with an explicit cell for every pair of state and event. */
final class TransitionTable<S extends Enum<S>, E extends Enum<E>> {
  private final String name;
  private final List<S> states;
  private final List<E> events;
  private final Map<S, Map<E, Cell<S>>> cells;

  private TransitionTable(
      String name, List<S> states, List<E> events, Map<S, Map<E, Cell<S>>> cells) {
    this.name = name;
    this.states = states;
    this.events = events;
    this.cells = cells;
  }

  String name() {
    return name;
  }

  List<S> states() {
    return states;
  }

  List<E> events() {
    return events;
  }

  /** The cell, or null where the table forgot the pair (a test looks for that). */
  @Nullable Cell<S> cell(S state, E event) {
    Map<E, Cell<S>> row = cells.get(state);
    return row == null ? null : row.get(event);
  }

  /** Whether the event moves the state. */
  boolean moves(S state, E event) {
    return cell(state, event) instanceof Cell.Transition<S>;
  }

  /**
   * The state after an event that must move it.
   *
   * @param what names the thing, for the error
   * @throws InvariantError when the table does not have it so
   */
  S move(S state, E event, String what) {
    Cell<S> cell = cell(state, event);
    if (cell instanceof Cell.Transition<S>(S target)) {
      return target;
    }
    String why =
        switch (cell) {
          case Cell.Ignored<S>(String text) -> text;
          case Cell.Refused<S>(String text) -> text;
          case Cell.Transition<S> _ -> "";
          case null -> "the table has no such pair";
        };
    throw new InvariantError(
        name + " " + what + " is " + state + ", where " + event + " moves nothing: " + why);
  }

  /** Collects the cells of a table. */
  static final class Builder<S extends Enum<S>, E extends Enum<E>> {
    private final String name;
    private final Class<S> stateType;
    private final Class<E> eventType;
    private final EnumMap<S, Map<E, Cell<S>>> cells;
    private @Nullable S row;

    Builder(String name, Class<S> stateType, Class<E> eventType) {
      this.name = name;
      this.stateType = stateType;
      this.eventType = eventType;
      this.cells = new EnumMap<>(stateType);
    }

    /** Cells that follow are of this state. */
    Builder<S, E> in(S state) {
      row = state;
      return this;
    }

    Builder<S, E> to(S target, E event) {
      return put(event, new Cell.Transition<>(target));
    }

    @SafeVarargs
    final Builder<S, E> ignore(String why, E... events) {
      for (E event : events) {
        put(event, new Cell.Ignored<>(why));
      }
      return this;
    }

    @SafeVarargs
    final Builder<S, E> refuse(String why, E... events) {
      for (E event : events) {
        put(event, new Cell.Refused<>(why));
      }
      return this;
    }

    private Builder<S, E> put(E event, Cell<S> cell) {
      S state = row;
      if (state == null) {
        throw new IllegalStateException("begin with in(state)");
      }
      Cell<S> before = cells.computeIfAbsent(state, _ -> new EnumMap<>(eventType)).put(event, cell);
      if (before != null) {
        throw new IllegalStateException(name + ": two cells for " + state + " and " + event);
      }
      return this;
    }

    TransitionTable<S, E> build() {
      return new TransitionTable<>(
          name,
          List.of(stateType.getEnumConstants()),
          List.of(eventType.getEnumConstants()),
          cells);
    }
  }
}

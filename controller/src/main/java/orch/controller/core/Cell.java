package orch.controller.core;

/** What an event does to a state: every pair of a table has one. */
sealed interface Cell<S extends Enum<S>> {
  /** The state becomes {@code target}, which may be the same. */
  record Transition<S extends Enum<S>>(S target) implements Cell<S> {}

  /** The event is late, repeated or without meaning here. */
  record Ignored<S extends Enum<S>>(String why) implements Cell<S> {}

  /** The event cannot be: a broken invariant, or a request that is refused. */
  record Refused<S extends Enum<S>>(String why) implements Cell<S> {}
}

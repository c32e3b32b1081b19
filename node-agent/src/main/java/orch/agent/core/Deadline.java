package orch.agent.core;

import orch.api.model.Uid;

/**
 * When a shim is to stop an attempt by itself, whoever is dead by then.
 *
 * @param bootNanos CLOCK_BOOTTIME; 0: never
 * @param lease it is the end of a lease: afterwards the attempt may run elsewhere, so nothing of it
 *     may live on
 */
public record Deadline(Uid uid, long bootNanos, boolean lease) {
  static Deadline none(Uid uid) {
    return new Deadline(uid, 0, false);
  }
}

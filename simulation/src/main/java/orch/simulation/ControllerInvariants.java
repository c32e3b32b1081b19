package orch.simulation;

import java.util.List;
import orch.controller.core.Change;
import orch.controller.core.StateView;
import orch.controller.port.ControllerPort;
import orch.controller.port.Role;
import org.jspecify.annotations.Nullable;

/**
 * What controllers apply and tell their listeners, held against the log: each revision once, in
 * order, with the changes that were committed (invariants 5 and 17), and the same state on every
 * replica (invariants 2 and 21).
 */
final class ControllerInvariants implements SimulatedController.Witness {
  private final CommittedLog log;
  private final PlantedBugs bugs;

  ControllerInvariants(CommittedLog log, PlantedBugs bugs) {
    this.log = log;
    this.bugs = bugs;
  }

  @Override
  public void committed(
      SimulatedController by, long revision, List<Change> changes, StateView view) {
    long expected = by.told() + 1;
    if (revision != expected) {
      throw new Violation(
          17, by.name() + " tells of revision " + revision + " after " + (expected - 1));
    }
    if (revision > log.revision()) {
      throw new Violation(
          5, by.name() + " tells of revision " + revision + ", committed are " + log.revision());
    }
    if (!changes.equals(log.changes(revision))) {
      throw new Violation(
          17,
          by.name()
              + " tells of "
              + changes
              + " at revision "
              + revision
              + ", committed are "
              + log.changes(revision));
    }
    same(by, revision, view);
    ControllerPort port = by.port();
    if (port != null && port.leadership().role() == Role.LEADER) {
      bugs.leads(view);
    }
  }

  @Override
  public void rebuilt(SimulatedController by, long revision, StateView view) {
    if (revision > log.revision()) {
      throw new Violation(
          5, by.name() + " is at revision " + revision + ", committed are " + log.revision());
    }
    same(by, revision, view);
  }

  /** A standby's state is that of the revision; a leader's may be ahead. */
  private void same(SimulatedController by, long revision, StateView view) {
    ControllerPort port = by.port();
    if (revision == 0
        || revision % CommittedLog.HASHED != 0
        || port == null
        || port.leadership().role() != Role.STANDBY) {
      return;
    }
    long hash = view.hash();
    if (hash != log.hash(revision)) {
      throw new Violation(2, by.name() + " has another state at revision " + revision);
    }
  }

  @Override
  public void ended(SimulatedController by, String why, @Nullable Throwable cause) {
    if (cause instanceof Violation violation) {
      throw violation;
    }
    throw new Violation(
        0, by.name() + " ended itself: " + why, cause == null ? new Throwable(why) : cause);
  }
}

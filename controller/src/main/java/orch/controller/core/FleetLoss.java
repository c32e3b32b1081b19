package orch.controller.core;

import org.jspecify.annotations.Nullable;

/**
 * The brake: when over half of the fleet falls silent at once, the fault is rather here or in the
 * network, and nothing is declared lost until half of it is back or an operator says so.
 */
final class FleetLoss {
  private final State state;
  private final Silences silences;

  FleetLoss(State state, Silences silences) {
    this.state = state;
    this.silences = silences;
  }

  /** Pulls or lets go of the brake. */
  void look(Draft draft) {
    int counted = 0;
    int silent = 0;
    for (Node node : state.nodes) {
      if (node.contact == NodeContact.UP) {
        counted++;
      } else if (node.contact == NodeContact.UNREACHABLE
          && (state.brake != FleetBrake.OFF || silences.lately(node))) {
        counted++;
        silent++;
      }
    }
    boolean half = 2 * silent > counted;
    move(
        draft,
        half ? BrakeEvent.HALF_SILENT : BrakeEvent.HALF_BACK,
        half
            ? silent + " of " + Sentences.count(counted, "node") + " fell silent at once"
            : counted - silent + " of " + Sentences.count(counted, "node") + " answer");
  }

  /** An operator's word; null: the brake is not on. */
  @Nullable Rejection release(Draft draft, String principal) {
    if (!Tables.BRAKE.moves(state.brake, BrakeEvent.OPERATOR)) {
      return new Rejection(
          RejectionCode.FAILED_PRECONDITION,
          "BRAKE_NOT_ON",
          "",
          state.brake == FleetBrake.RELEASED
              ? "the brake is released already"
              : "the brake is not on: less than half of the fleet is silent");
    }
    move(draft, BrakeEvent.OPERATOR, Limits.cut("released by " + principal));
    return null;
  }

  private void move(Draft draft, BrakeEvent event, String reason) {
    if (Tables.BRAKE.moves(state.brake, event)) {
      draft.emit(
          new Change.FleetBrakeChanged(
              Tables.BRAKE.move(state.brake, event, "of the fleet"), reason));
    }
  }
}

package orch.controller.core;

/** When silent nodes may be given up. */
final class FleetLoss {
  private FleetLoss() {}

  /**
   * Whether so much of the fleet is silent at once (over half) that the fault is rather here or in
   * the network: then nothing is declared lost.
   */
  static boolean brakes(State state) {
    int counted = 0;
    int silent = 0;
    for (Node node : state.nodes) {
      if (node.contact != NodeContact.GONE) {
        counted++;
        silent += node.contact == NodeContact.UNREACHABLE ? 1 : 0;
      }
    }
    return 2 * silent > counted;
  }
}

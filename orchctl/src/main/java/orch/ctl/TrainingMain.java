package orch.ctl;

import java.util.List;

/**
 * Runs several commands in one process, each argument a command of words with single spaces. The
 * build makes the AOT cache of {@code orchctl} from what such a run loads.
 */
public final class TrainingMain {
  private TrainingMain() {}

  /** Runs them all, whatever becomes of each. */
  public static void main(String[] commands) {
    for (String command : commands) {
      Main.run(command.isEmpty() ? List.of() : List.of(command.split(" ", -1)));
    }
  }
}

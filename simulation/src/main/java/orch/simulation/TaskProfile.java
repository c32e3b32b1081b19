package orch.simulation;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How a task behaves; the word after the program in its command. */
enum TaskProfile {
  /** Ends soon, mostly well. */
  SHORT,
  /** Ends after some seconds, mostly well. */
  LONG,
  /** Fails every other time. */
  FLAKY,
  /** Fails always, with code 3. */
  FAILING,
  /** Ends with 75, which asks to be run again. */
  TEMPORARY,
  /** Dies by a signal now and then. */
  CRASHING,
  /** Runs until it is stopped; crashes now and then. */
  SERVICE,
  /** Runs until it is stopped, and does not hear SIGTERM. */
  STUBBORN,
  /** Its program does not exist. */
  MISSING;

  private static final int SIGSEGV = 11;

  /** An end that it comes to by itself. */
  record OwnEnd(Duration after, boolean signaled, int status) {}

  List<String> command() {
    return List.of("/bin/task", name());
  }

  static TaskProfile of(List<String> command) {
    return valueOf(command.get(1));
  }

  boolean hearsTerm() {
    return this != STUBBORN;
  }

  /**
   * What it will do if nobody stops it; null: nothing.
   *
   * @param calm whether nothing goes wrong any more
   */
  @Nullable OwnEnd draw(World world, boolean calm) {
    return switch (this) {
      case SHORT -> exit(world.millis(0, 800), !calm && world.chance(0.1) ? 1 : 0);
      case LONG -> exit(world.millis(1_000, 15_000), !calm && world.chance(0.1) ? 2 : 0);
      case FLAKY -> exit(world.millis(1, 1_500), !calm && world.chance(0.5) ? 1 : 0);
      case FAILING -> exit(world.millis(1, 500), 3);
      case TEMPORARY -> exit(world.millis(1, 500), !calm && world.chance(0.7) ? 75 : 0);
      case CRASHING ->
          !calm && world.chance(0.4)
              ? new OwnEnd(world.millis(1, 3_000), true, SIGSEGV)
              : exit(world.millis(1, 3_000), 0);
      case SERVICE ->
          calm || world.chance(0.7) ? null : exit(world.millis(100, 20_000), world.below(3));
      case STUBBORN, MISSING -> null;
    };
  }

  private static OwnEnd exit(Duration after, int code) {
    return new OwnEnd(after, false, code);
  }
}

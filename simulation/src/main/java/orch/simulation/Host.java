package orch.simulation;

import java.time.Duration;
import java.util.concurrent.Executor;
import orch.api.seam.Timers;

/**
 * A process of the simulated world: its timers and tasks run while it lives and are forgotten when
 * it crashes.
 */
final class Host {
  private final World world;
  private final String name;
  private boolean alive = true;

  Host(World world, String name) {
    this.world = world;
    this.name = name;
  }

  String name() {
    return name;
  }

  boolean alive() {
    return alive;
  }

  /** Nothing that it planned happens any more. */
  void crash() {
    alive = false;
    world.record(name + " crashes");
  }

  /** Runs tasks one by one, each as an event of its own at the present time. */
  Executor executor() {
    return task -> after(Duration.ZERO, "task", task);
  }

  Timers timers() {
    return (delay, action) -> after(delay, "timer", action);
  }

  Timers.Timer after(Duration delay, String what, Runnable action) {
    return world.after(
        delay,
        name + " " + what,
        () -> {
          if (alive) {
            action.run();
          }
        });
  }
}

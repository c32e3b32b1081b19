package orch.simulation;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import orch.api.seam.Clock;

/**
 * A machine: its power, its boots and its clocks. The boot clock begins anew at each boot and runs
 * at the world's pace; the wall clock may be off, and may jump.
 */
final class SimulatedMachine {
  /** The boot clock does not begin at 0, which means "none" in some records. */
  private static final long FIRST_NANOS = 1_000_000_000L;

  private final World world;
  private final String name;
  private final int number;
  private boolean up = true;
  private int boots = 1;
  private long bootedNanos;
  private Duration wallOffset = Duration.ZERO;

  SimulatedMachine(World world, String name, int number) {
    this.world = world;
    this.name = name;
    this.number = number;
  }

  String name() {
    return name;
  }

  /** Its place in the network's tables. */
  int number() {
    return number;
  }

  boolean up() {
    return up;
  }

  String bootId() {
    return UUID.nameUUIDFromBytes((name + " boot " + boots).getBytes(StandardCharsets.UTF_8))
        .toString();
  }

  void powerOff() {
    up = false;
    world.record(name, "loses power");
  }

  void boot() {
    up = true;
    boots++;
    bootedNanos = world.nowNanos();
    world.record(name, "boots", boots);
  }

  /** Sets the wall clock so far off the world's time. */
  void setWallClock(Duration offset) {
    wallOffset = offset;
    world.record(name, "wall clock off by ms", offset.toMillis());
  }

  /** When the boot clock showed {@code bootNanos}, or will, in the world's time. */
  long worldNanos(long bootNanos) {
    return bootedNanos + bootNanos - FIRST_NANOS;
  }

  Clock clock() {
    return new Clock() {
      @Override
      public Instant now() {
        return World.START.plusNanos(world.nowNanos()).plus(wallOffset);
      }

      @Override
      public long bootNanos() {
        return FIRST_NANOS + world.nowNanos() - bootedNanos;
      }
    };
  }

  long wallNanos() {
    Instant now = clock().now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }
}

package orch.simulation;

import orch.api.model.Result;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** What is true of a process tree that was forked for an attempt, whatever anybody says of it. */
final class TaskLife {
  final Uid uid;
  final SimulatedNode node;
  final long forkNanos;

  /** Boot in which it ran. */
  final String bootId;

  /** How it ended; null: it lives, or its host's power failed. */
  @Nullable Result end;

  long endNanos;
  boolean alive = true;

  /** Launcher and shim died with it alive: nobody can know how it ends. */
  boolean unguarded;

  boolean stopAsked;

  /** It stands still; an end of its own is put off until it goes on. */
  boolean frozen;

  @Nullable Result putOff;

  TaskLife(Uid uid, SimulatedNode node, long forkNanos) {
    this.uid = uid;
    this.node = node;
    this.forkNanos = forkNanos;
    this.bootId = node.machine().bootId();
  }

  /** Whether its host's power failed while it lived. */
  boolean lostPower() {
    return !alive && end == null;
  }
}

package orch.controller.core;

import java.util.List;
import orch.api.model.AttemptState;
import orch.api.model.JobState;
import orch.api.model.TaskState;

/** The state machines. {@code docs/state-machines.md} is generated from them. */
final class Tables {
  private static final String ENDED = "it has ended";

  static final TransitionTable<AttemptState, AttemptEvent> ATTEMPT = attempt();
  static final TransitionTable<TaskState, TaskEvent> TASK = task();
  static final TransitionTable<JobState, JobEvent> JOB = job();
  static final TransitionTable<NodeContact, ContactEvent> CONTACT = contact();
  static final TransitionTable<NodeAvailability, AvailabilityEvent> AVAILABILITY = availability();

  static final TransitionTable<FleetBrake, BrakeEvent> BRAKE = brake();

  private Tables() {}

  static List<TransitionTable<?, ?>> all() {
    return List.of(ATTEMPT, TASK, JOB, CONTACT, AVAILABILITY, BRAKE);
  }

  private static TransitionTable<AttemptState, AttemptEvent> attempt() {
    var table =
        new TransitionTable.Builder<>("attempt", AttemptState.class, AttemptEvent.class)
            .in(AttemptState.PLACED)
            .to(AttemptState.RUNNING, AttemptEvent.RUNNING)
            .to(AttemptState.STOPPING, AttemptEvent.STOP)
            .to(AttemptState.SUCCEEDED, AttemptEvent.SUCCEEDED)
            .to(AttemptState.FAILED, AttemptEvent.FAILED)
            .to(AttemptState.KILLED, AttemptEvent.KILLED)
            .to(AttemptState.DROPPED, AttemptEvent.DROPPED)
            .to(AttemptState.LOST, AttemptEvent.LOST)
            .in(AttemptState.RUNNING)
            .ignore("repeated", AttemptEvent.RUNNING)
            .to(AttemptState.STOPPING, AttemptEvent.STOP)
            .to(AttemptState.SUCCEEDED, AttemptEvent.SUCCEEDED)
            .to(AttemptState.FAILED, AttemptEvent.FAILED)
            .to(AttemptState.KILLED, AttemptEvent.KILLED)
            .refuse("what ran was not dropped: its result is unknown", AttemptEvent.DROPPED)
            .to(AttemptState.LOST, AttemptEvent.LOST)
            .in(AttemptState.STOPPING)
            .ignore("the stop goes on", AttemptEvent.RUNNING)
            // A stop for the job's end takes the place of one for an update or a drain.
            .to(AttemptState.STOPPING, AttemptEvent.STOP)
            .to(AttemptState.SUCCEEDED, AttemptEvent.SUCCEEDED)
            .to(AttemptState.FAILED, AttemptEvent.FAILED)
            .to(AttemptState.KILLED, AttemptEvent.KILLED)
            .to(AttemptState.DROPPED, AttemptEvent.DROPPED)
            .to(AttemptState.LOST, AttemptEvent.LOST);
    for (AttemptState state : AttemptState.values()) {
      if (state.ended()) {
        table.in(state).ignore(ENDED, AttemptEvent.values());
      }
    }
    return table
        .in(AttemptState.STARTING)
        .refuse("only agents know it; the log has PLACED", AttemptEvent.values())
        .in(AttemptState.UNREACHABLE)
        .refuse(
            "it is how an attempt shows while its node is unreachable; the log has what it was",
            AttemptEvent.values())
        .build();
  }

  private static TransitionTable<TaskState, TaskEvent> task() {
    var table =
        new TransitionTable.Builder<>("task", TaskState.class, TaskEvent.class)
            .in(TaskState.WAITING)
            .to(TaskState.PLACED, TaskEvent.PLACED)
            .to(TaskState.CANCELLED, TaskEvent.CANCELLED)
            .to(TaskState.DROPPED, TaskEvent.DROPPED)
            .ignore("it waits", TaskEvent.WAITS, TaskEvent.RETRIED)
            .refuse(
                "it has no attempt",
                TaskEvent.RUNNING,
                TaskEvent.STOPPING,
                TaskEvent.SUCCEEDED,
                TaskEvent.FAILED,
                TaskEvent.KILLED);
    for (TaskState live : List.of(TaskState.PLACED, TaskState.RUNNING, TaskState.STOPPING)) {
      table
          .in(live)
          .refuse("it has an attempt", TaskEvent.PLACED)
          .refuse("it lives: cancel it first", TaskEvent.RETRIED)
          .refuse("its attempt must end first", TaskEvent.DROPPED)
          .to(TaskState.WAITING, TaskEvent.WAITS)
          .to(TaskState.SUCCEEDED, TaskEvent.SUCCEEDED)
          .to(TaskState.FAILED, TaskEvent.FAILED)
          .to(TaskState.KILLED, TaskEvent.KILLED)
          .to(TaskState.CANCELLED, TaskEvent.CANCELLED);
    }
    table
        .in(TaskState.PLACED)
        .to(TaskState.RUNNING, TaskEvent.RUNNING)
        .to(TaskState.STOPPING, TaskEvent.STOPPING)
        .in(TaskState.RUNNING)
        .ignore("repeated", TaskEvent.RUNNING)
        .to(TaskState.STOPPING, TaskEvent.STOPPING)
        .in(TaskState.STOPPING)
        .ignore("the stop goes on", TaskEvent.RUNNING)
        .to(TaskState.STOPPING, TaskEvent.STOPPING);
    for (TaskState state : TaskState.values()) {
      if (state.ended()) {
        table
            .in(state)
            .to(TaskState.WAITING, TaskEvent.RETRIED)
            .refuse(ENDED, TaskEvent.PLACED, TaskEvent.RUNNING, TaskEvent.STOPPING, TaskEvent.WAITS)
            .ignore(
                ENDED,
                TaskEvent.SUCCEEDED,
                TaskEvent.FAILED,
                TaskEvent.KILLED,
                TaskEvent.CANCELLED,
                TaskEvent.DROPPED);
      }
    }
    return table.build();
  }

  private static TransitionTable<JobState, JobEvent> job() {
    var table =
        new TransitionTable.Builder<>("job", JobState.class, JobEvent.class)
            .in(JobState.QUEUED)
            .to(JobState.RUNNING, JobEvent.STARTED)
            .to(JobState.HELD, JobEvent.HELD)
            .in(JobState.RUNNING)
            .ignore("it has started", JobEvent.STARTED)
            .to(JobState.HELD, JobEvent.HELD)
            .in(JobState.HELD)
            .ignore("it stays held; what was placed may start", JobEvent.STARTED)
            .ignore("it is held", JobEvent.HELD)
            .to(JobState.QUEUED, JobEvent.RELEASED)
            .to(JobState.RUNNING, JobEvent.RELEASED_STARTED)
            .to(JobState.HELD, JobEvent.RETRIED)
            .to(JobState.HELD, JobEvent.RETRIED_STARTED);
    for (JobState state : List.of(JobState.QUEUED, JobState.RUNNING)) {
      table
          .in(state)
          .ignore("it is not held", JobEvent.RELEASED, JobEvent.RELEASED_STARTED)
          .to(state, JobEvent.RETRIED)
          .to(state, JobEvent.RETRIED_STARTED);
    }
    for (JobState state : JobState.values()) {
      table.in(state);
      if (state.ended()) {
        table
            .to(JobState.QUEUED, JobEvent.RETRIED)
            .to(JobState.RUNNING, JobEvent.RETRIED_STARTED)
            .refuse(ENDED, JobEvent.HELD, JobEvent.RELEASED, JobEvent.RELEASED_STARTED)
            .refuse("it has ended: a submit makes a new job", JobEvent.VERSIONED)
            .ignore(
                ENDED,
                JobEvent.STARTED,
                JobEvent.STOPPING,
                JobEvent.SUCCEEDED,
                JobEvent.FAILED,
                JobEvent.CANCELLED);
      } else {
        table
            .to(state, JobEvent.STOPPING)
            .to(state, JobEvent.VERSIONED)
            .to(JobState.SUCCEEDED, JobEvent.SUCCEEDED)
            .to(JobState.FAILED, JobEvent.FAILED)
            .to(JobState.CANCELLED, JobEvent.CANCELLED);
      }
    }
    return table.build();
  }

  private static TransitionTable<NodeContact, ContactEvent> contact() {
    return new TransitionTable.Builder<>("node contact", NodeContact.class, ContactEvent.class)
        .in(NodeContact.UP)
        .ignore("it is up", ContactEvent.HELLO, ContactEvent.BACK)
        .to(NodeContact.UNREACHABLE, ContactEvent.SILENT)
        .refuse("it answers: drain it, or stop its agent first", ContactEvent.DECLARED_GONE)
        .in(NodeContact.UNREACHABLE)
        .to(NodeContact.UP, ContactEvent.HELLO)
        .to(NodeContact.UP, ContactEvent.BACK)
        .ignore("it is unreachable", ContactEvent.SILENT)
        .to(NodeContact.GONE, ContactEvent.DECLARED_GONE)
        .in(NodeContact.GONE)
        // It was not dead after all; its attempts are lost, so it is told to stop them.
        .to(NodeContact.UP, ContactEvent.HELLO)
        .ignore("only a new session brings it back", ContactEvent.BACK)
        .ignore("it is gone", ContactEvent.SILENT, ContactEvent.DECLARED_GONE)
        .build();
  }

  private static TransitionTable<NodeAvailability, AvailabilityEvent> availability() {
    return new TransitionTable.Builder<>(
            "node availability", NodeAvailability.class, AvailabilityEvent.class)
        .in(NodeAvailability.READY)
        .to(NodeAvailability.CORDONED, AvailabilityEvent.CORDON)
        .ignore("it is ready", AvailabilityEvent.UNCORDON)
        .to(NodeAvailability.DRAINING, AvailabilityEvent.DRAIN)
        .in(NodeAvailability.CORDONED)
        .ignore("it is cordoned", AvailabilityEvent.CORDON)
        .to(NodeAvailability.READY, AvailabilityEvent.UNCORDON)
        .to(NodeAvailability.DRAINING, AvailabilityEvent.DRAIN)
        .in(NodeAvailability.DRAINING)
        .to(NodeAvailability.CORDONED, AvailabilityEvent.CORDON)
        .to(NodeAvailability.READY, AvailabilityEvent.UNCORDON)
        .ignore("it is draining", AvailabilityEvent.DRAIN)
        .build();
  }

  private static TransitionTable<FleetBrake, BrakeEvent> brake() {
    return new TransitionTable.Builder<>("brake", FleetBrake.class, BrakeEvent.class)
        .in(FleetBrake.OFF)
        .to(FleetBrake.ON, BrakeEvent.HALF_SILENT)
        .ignore("it is off", BrakeEvent.HALF_BACK)
        .refuse("it is not on", BrakeEvent.OPERATOR)
        .in(FleetBrake.ON)
        .ignore("it is on", BrakeEvent.HALF_SILENT)
        .to(FleetBrake.OFF, BrakeEvent.HALF_BACK)
        .to(FleetBrake.RELEASED, BrakeEvent.OPERATOR)
        .in(FleetBrake.RELEASED)
        .ignore("an operator said to go on", BrakeEvent.HALF_SILENT)
        .to(FleetBrake.OFF, BrakeEvent.HALF_BACK)
        .refuse("it is released already", BrakeEvent.OPERATOR)
        .build();
  }
}

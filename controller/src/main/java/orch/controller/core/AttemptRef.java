package orch.controller.core;

import orch.api.model.Uid;

/** An attempt, by its own identity and by the task that it belongs to. */
public record AttemptRef(long jobNumber, int index, Uid uid) {}

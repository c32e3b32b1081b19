package orch.controller.core;

/** A task by its job's number and its index. */
public record TaskRef(long jobNumber, int index) {}

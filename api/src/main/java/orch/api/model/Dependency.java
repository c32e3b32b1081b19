package orch.api.model;

/** A job (number or name of the namespace) that must reach a condition first. */
public record Dependency(String job, DependencyCondition condition, boolean sameIndex) {}

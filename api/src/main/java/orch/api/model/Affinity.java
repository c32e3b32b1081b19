package orch.api.model;

/** A preference in the language of constraints; {@code weight} -100 to 100. */
public record Affinity(String expression, int weight) {}

package orch.api.yaml;

/** Why a text is no YAML, or none that is accepted here; lines and columns count from 1. */
public record YamlProblem(int line, int column, String message) {}

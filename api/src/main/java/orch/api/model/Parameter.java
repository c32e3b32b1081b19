package orch.api.model;

import org.jspecify.annotations.Nullable;

/** A parameter of a template; {@code defaultValue} null: a dispatch must give it. */
public record Parameter(String name, @Nullable String defaultValue) {}

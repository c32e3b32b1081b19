package orch.api.model;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The wish that an attempt ends; {@code grace} null: the spec's. */
public record StopOrder(@Nullable Duration grace, String reason) {}

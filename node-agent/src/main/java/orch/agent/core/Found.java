package orch.agent.core;

import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/**
 * An attempt that the launcher's journal claims.
 *
 * @param known null: nothing is known of it but its uid
 * @param startNanos wall clock; 0: not known
 * @param startBootNanos CLOCK_BOOTTIME of the boot in which it ran; 0: not known
 * @param end null: it has not ended
 */
public record Found(
    Uid uid,
    @Nullable KnownAttempt known,
    long startNanos,
    long startBootNanos,
    @Nullable End end) {}

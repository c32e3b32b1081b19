package orch.controller.core;

import orch.api.model.JobSpec;
import orch.api.model.JobState;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/**
 * A job as it stands.
 *
 * @param version of the spec, from 1
 * @param reason why it is in its state, for people; may be empty
 * @param owner principal that submitted it
 * @param submitNanos since the epoch, the log's clock
 * @param startNanos first start of a task; 0: none yet
 * @param endNanos 0: it has not ended
 * @param exitCode null until the job has ended
 * @param traceId 32 hexadecimal digits
 */
public record JobView(
    long number,
    Uid uid,
    String namespace,
    String name,
    long version,
    JobSpec spec,
    JobState state,
    String reason,
    String owner,
    TaskCounts tasks,
    long submitNanos,
    long startNanos,
    long endNanos,
    @Nullable Integer exitCode,
    String traceId,
    String traceState,
    boolean cancelRequested,
    boolean suspended) {}

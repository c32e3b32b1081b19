package orch.controller.core;

import java.util.SortedMap;
import orch.api.model.AttemptState;
import orch.api.model.Readiness;
import orch.api.model.Result;
import orch.api.model.StageTimes;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/**
 * An attempt as it stands.
 *
 * @param number from 1
 * @param state UNREACHABLE when it lives on a node that does not answer
 * @param node name
 * @param placeNanos the log's clock; {@code startNanos} and {@code endNanos}: the node's; 0: unset
 * @param specVersion of the job's spec that it runs
 * @param ports by name
 * @param spanId 16 hexadecimal digits
 * @param readiness of one that runs
 */
public record AttemptView(
    int number,
    Uid uid,
    AttemptState state,
    String reason,
    String node,
    String nodeUid,
    long placeNanos,
    long startNanos,
    long endNanos,
    @Nullable Result result,
    long specVersion,
    SortedMap<String, Integer> ports,
    long fencingToken,
    String spanId,
    StageTimes stages,
    Readiness readiness) {}

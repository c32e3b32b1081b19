package orch.agent.core;

import orch.api.model.Result;

/**
 * How an attempt ended, durable on this node. Times in nanoseconds since the epoch; 0: not known.
 *
 * @param recordNanos when the record was durable
 */
public record End(Result result, long startNanos, long endNanos, long recordNanos) {}

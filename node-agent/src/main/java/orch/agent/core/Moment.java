package orch.agent.core;

/**
 * When an input happened.
 *
 * @param bootNanos CLOCK_BOOTTIME: every duration is counted on it
 * @param wallNanos since the epoch: only reported, never compared
 */
public record Moment(long bootNanos, long wallNanos) {}

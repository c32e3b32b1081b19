package orch.controller.store;

/**
 * An epoch that this member took.
 *
 * @param number of the epoch
 * @param nonce that it was taken with
 * @param nodeVersion of {@code /epoch} since; another version there means that somebody else leads
 * @param beganNanos when the compare-and-set that succeeded was sent, on the boot clock
 */
record Claim(long number, long nonce, int nodeVersion, long beganNanos) {}

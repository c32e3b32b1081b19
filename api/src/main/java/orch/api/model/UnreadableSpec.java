package orch.api.model;

/**
 * A job's spec that this agent cannot hold, as a newer controller sent it. Attempts of it are
 * refused; it is never read in part.
 *
 * @param why a sentence that names what was not understood
 */
public record UnreadableSpec(
    Uid jobUid, long version, String namespace, String jobName, long jobNumber, String why) {}

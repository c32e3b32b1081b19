package orch.api.model;

/**
 * Why an attempt could not be started.
 *
 * @param stage chdir, exec, cgroup, limit, user, ...
 * @param errno errno(3); 0 when it is no matter of errno
 * @param message a whole sentence with the remedy
 */
public record StartFailure(String stage, int errno, String message) {}

package orch.api.model;

/** One limit of setrlimit(2); -1 is RLIM_INFINITY. */
public record Rlimit(long soft, long hard) {}

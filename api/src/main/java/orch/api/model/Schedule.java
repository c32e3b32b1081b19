package orch.api.model;

/** Makes a job a template that starts a batch job at each slot; {@code cron} has five fields. */
public record Schedule(
    String cron, String timeZone, ScheduleOverlap overlap, ScheduleCatchUp catchUp) {}

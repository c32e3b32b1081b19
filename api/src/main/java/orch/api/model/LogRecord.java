package orch.api.model;

/**
 * A piece of a task's output: a line with its newline, or a part of one.
 *
 * @param attempt number of the attempt
 * @param stream 1 stdout, 2 stderr
 * @param timeNanos when it was read from the task, since the epoch
 * @param data exactly the bytes that the task wrote, the newline included
 * @param partial not the end of the line: it goes on in the stream's next record
 * @param lostBytes lost to a limit before this record
 */
public record LogRecord(
    long jobNumber,
    int index,
    int attempt,
    int stream,
    long timeNanos,
    Blob data,
    boolean partial,
    long lostBytes) {}

package orch.agent.logs;

/**
 * A piece of a task's output; see LogRecord in {@code orch/v1/task.proto}.
 *
 * @param stream 1 stdout, 2 stderr
 * @param timeNanos since the epoch
 * @param data exactly the bytes that the task wrote, the newline included; not to be changed
 * @param partial the line goes on in the stream's next record
 * @param lostBytes lost to a limit before this record
 */
public record LogLine(
    long jobNumber,
    int index,
    int attempt,
    int stream,
    long timeNanos,
    byte[] data,
    boolean partial,
    long lostBytes) {}

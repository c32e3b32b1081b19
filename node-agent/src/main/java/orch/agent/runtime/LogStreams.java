package orch.agent.runtime;

import orch.agent.logs.LogSink;

/** Opens the stream on which the agent answers a query for output. */
@FunctionalInterface
public interface LogStreams {
  LogSink open(long stream);
}

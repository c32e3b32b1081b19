package orch.agent.live;

/** Opens the stream on which the agent answers an order to run a command or to attach. */
@FunctionalInterface
public interface Conversations {
  Conversation open(long stream);
}

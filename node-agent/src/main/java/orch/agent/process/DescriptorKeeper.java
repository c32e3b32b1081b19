package orch.agent.process;

/**
 * Has the launcher keep duplicates of descriptors, so that they outlive this agent. To be called on
 * the agent's loop; does nothing once its connection is gone, since {@link
 * PassedDescriptors#connected} comes again.
 */
public interface DescriptorKeeper {
  /** Nothing is kept. */
  DescriptorKeeper NONE =
      new DescriptorKeeper() {
        @Override
        public void keep(String name, int descriptor, boolean queue) {}

        @Override
        public void release(String name) {}
      };

  /**
   * Keeps a duplicate; the launcher may refuse when it has too many.
   *
   * @param name at most 383 bytes of ASCII; what had it is released
   * @param queue a datagram socket that others send to, which is shut when it is nearly full while
   *     no agent is connected
   */
  void keep(String name, int descriptor, boolean queue);

  /** Closes what is kept under the name, if anything is. */
  void release(String name);

  /**
   * What a launcher keeps.
   *
   * @param descriptor a duplicate of it
   * @param shut a queue that takes no more
   */
  record Held(String name, int descriptor, boolean shut) {}
}

package orch.agent.process;

import java.util.List;
import java.util.Set;
import orch.api.model.Uid;

/** Descriptors that tasks get at their start, from 3 on (LISTEN_FDS of sd_listen_fds(3)). */
public interface PassedDescriptors {
  PassedDescriptors NONE =
      new PassedDescriptors() {
        @Override
        public List<Integer> of(Uid uid) {
          return List.of();
        }

        @Override
        public void started(Uid uid) {}

        @Override
        public Set<String> connected(List<DescriptorKeeper.Held> held, DescriptorKeeper keeper) {
          held.forEach(each -> keeper.release(each.name()));
          return Set.of();
        }
      };

  /** At most 16; they stay open until {@link #started}. */
  List<Integer> of(Uid uid);

  /** The task has them, or will never start. */
  void started(Uid uid);

  /**
   * A launcher was found; called on the loop, before it is told which attempts live.
   *
   * @param held what it keeps of this agent or the one before
   * @param keeper for what is to be kept from now on, and for what is not
   * @return names of what the callee takes; the other descriptors are closed
   */
  Set<String> connected(List<DescriptorKeeper.Held> held, DescriptorKeeper keeper);
}

package orch.agent.process;

import java.util.List;
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
      };

  /** At most 16; they stay open until {@link #started}. */
  List<Integer> of(Uid uid);

  /** The task has them, or will never start. */
  void started(Uid uid);
}

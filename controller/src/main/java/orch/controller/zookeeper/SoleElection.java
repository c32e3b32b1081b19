package orch.controller.zookeeper;

import java.util.concurrent.Executor;
import orch.controller.store.Election;

/**
 * No election: with an embedded ZooKeeper there is no other controller. One that was killed leads
 * again at once and need not wait for the session of its former life to end.
 */
public final class SoleElection implements Election {
  private final Executor loop;

  public SoleElection(Executor loop) {
    this.loop = loop;
  }

  @Override
  public void start(Listener listener) {
    loop.execute(() -> listener.hinted(true));
  }

  @Override
  public void close() {}
}

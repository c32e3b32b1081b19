package orch.controller.zookeeper;

import java.io.IOException;
import java.util.concurrent.Executor;
import orch.controller.store.Election;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderLatchListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** An election among several controllers, by Curator's latch. */
public final class LatchElection implements Election {
  private static final Logger LOG = LoggerFactory.getLogger(LatchElection.class);

  private final ZooKeeperConnection connection;
  private final LeaderLatch latch;
  private final Executor loop;

  /**
   * @param path of the node below which the candidates stand
   * @param name of this candidate, for people who look there
   * @param loop runs the listener
   */
  public LatchElection(ZooKeeperConnection connection, String path, String name, Executor loop) {
    this.connection = connection;
    this.latch = new LeaderLatch(connection.curator(), path, name);
    this.loop = loop;
  }

  @Override
  public void start(Listener listener) {
    latch.addListener(
        new LeaderLatchListener() {
          @Override
          public void isLeader() {
            listener.hinted(true);
          }

          @Override
          public void notLeader() {
            listener.hinted(false);
          }
        },
        loop);
    try {
      latch.start();
    } catch (Exception e) {
      throw new IllegalStateException("the election cannot begin: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    // With no server to tell, the hint goes when the session ends.
    if (latch.getState() != LeaderLatch.State.STARTED || !connection.connected()) {
      return;
    }
    try {
      latch.close();
    } catch (IOException e) {
      LOG.warn("The election was left uncleanly, another may take a session's length: {}", e, e);
    }
  }
}

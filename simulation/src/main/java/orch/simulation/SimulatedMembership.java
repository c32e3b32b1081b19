package orch.simulation;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import orch.controller.port.Member;
import orch.controller.port.Membership;
import orch.controller.store.ResultCode;
import orch.controller.store.ZooKeeperPort;

/** The members as ephemeral nodes tell them: late, and until a session's end. */
final class SimulatedMembership {
  private static final Duration AGAIN = Duration.ofMillis(200);

  private final World world;
  private final SimulatedZooKeeper zooKeeper;
  private final Map<String, Entry> entries = new TreeMap<>();

  private record Entry(Member member, String node) {}

  SimulatedMembership(World world, SimulatedZooKeeper zooKeeper) {
    this.world = world;
    this.zooKeeper = zooKeeper;
  }

  /** A member's own part. */
  Membership of(SimulatedProcess process, SimulatedSession session) {
    return new Part(process, session);
  }

  private final class Part implements Membership {
    private final SimulatedProcess process;
    private final SimulatedSession session;
    private final String node;
    private boolean closed;

    Part(SimulatedProcess process, SimulatedSession session) {
      this.process = process;
      this.session = session;
      this.node = SimulatedController.LAYOUT.members() + "/" + process.name();
    }

    @Override
    public void join(Member self, NameTaken nameTaken) {
      session.addSessionListener(event -> {
        if (event == ZooKeeperPort.SessionEvent.CONNECTED) {
          makeNode();
        }
      });
      update(self);
    }

    /** Until it is there: the one above it is made by whoever leads first. */
    private void makeNode() {
      if (closed || !session.connected()) {
        return;
      }
      session.createEphemeral(
          node,
          new byte[0],
          code -> {
            if (code == ResultCode.NO_NODE) {
              process.after(AGAIN, "joins the members", this::makeNode);
            }
          });
    }

    @Override
    public void update(Member self) {
      process.after(
          world.millis(1, 20),
          "tells the members",
          () -> {
            if (session.connected()) {
              entries.put(self.name(), new Entry(self, node));
            }
          });
    }

    @Override
    public List<Member> members() {
      return entries.values().stream()
          .filter(entry -> zooKeeper.tree().exists(entry.node()))
          .map(Entry::member)
          .toList();
    }

    @Override
    public void close() {
      closed = true;
      entries.values().removeIf(entry -> entry.node().equals(node));
    }
  }
}

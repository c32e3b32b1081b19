package orch.simulation;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import orch.controller.port.Member;
import orch.controller.port.Membership;

/** The members as ephemeral nodes tell them: late, and until a session's end. */
final class SimulatedMembership {
  private final World world;
  private final Map<String, Entry> entries = new TreeMap<>();

  private record Entry(Member member, SimulatedSession session) {}

  SimulatedMembership(World world) {
    this.world = world;
  }

  /** A member's own part. */
  Membership of(SimulatedProcess process, SimulatedSession session) {
    return new Part(process, session);
  }

  private final class Part implements Membership {
    private final SimulatedProcess process;
    private final SimulatedSession session;

    Part(SimulatedProcess process, SimulatedSession session) {
      this.process = process;
      this.session = session;
    }

    @Override
    public void join(Member self, NameTaken nameTaken) {
      update(self);
    }

    @Override
    public void update(Member self) {
      process.after(
          world.millis(1, 20),
          "tells the members",
          () -> {
            if (session.connected()) {
              entries.put(self.name(), new Entry(self, session));
            }
          });
    }

    @Override
    public List<Member> members() {
      return entries.values().stream()
          .filter(entry -> entry.session().alive())
          .map(Entry::member)
          .toList();
    }

    @Override
    public void close() {
      entries.values().removeIf(entry -> entry.session() == session);
    }
  }
}

package orch.simulation;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import orch.agent.core.Buried;
import orch.agent.core.KnownAttempt;
import orch.agent.core.Obeyed;
import orch.agent.runtime.AgentFiles;
import orch.api.model.Uid;

/**
 * The agent's files on a disk: what was written outlives the agent, what was synced outlives a
 * power failure too. Of what was not, a first part may have reached the disk.
 */
final class SimulatedFiles implements AgentFiles {
  private final World world;
  private final List<Written> written = new ArrayList<>();
  private Obeyed obeyed = Obeyed.NOBODY;
  private int durable;

  private sealed interface Written {
    record Known(KnownAttempt attempt) implements Written {}

    record Burial(Buried tombstone) implements Written {}
  }

  SimulatedFiles(World world) {
    this.world = world;
  }

  /** The machine lost its power. */
  void powerLost() {
    int kept = durable + world.below(written.size() - durable + 1);
    written.subList(kept, written.size()).clear();
    durable = kept;
  }

  /** Whether a tombstone of the attempt was written. */
  boolean hasBuried(Uid uid) {
    for (int i = written.size() - 1; i >= 0; i--) {
      if (written.get(i) instanceof Written.Burial burial && burial.tombstone().uid().equals(uid)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public Obeyed obeyed() {
    return obeyed;
  }

  @Override
  public List<KnownAttempt> known() {
    Map<Uid, KnownAttempt> known = new LinkedHashMap<>();
    for (Written each : written) {
      switch (each) {
        case Written.Known of -> known.put(of.attempt().uid(), of.attempt());
        case Written.Burial of -> known.remove(of.tombstone().uid());
      }
    }
    return List.copyOf(known.values());
  }

  @Override
  public List<Buried> buried() {
    List<Buried> buried = new ArrayList<>();
    for (Written each : written) {
      if (each instanceof Written.Burial of) {
        buried.add(of.tombstone());
      }
    }
    return List.copyOf(buried);
  }

  @Override
  public void obey(Obeyed leader) {
    obeyed = leader;
  }

  @Override
  public void remember(KnownAttempt attempt) {
    written.add(new Written.Known(attempt));
  }

  @Override
  public void bury(Buried tombstone) {
    written.add(new Written.Burial(tombstone));
  }

  @Override
  public void compact(List<KnownAttempt> live) {}

  @Override
  public void sync() {
    durable = written.size();
  }
}

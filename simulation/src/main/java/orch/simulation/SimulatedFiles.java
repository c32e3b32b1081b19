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

/** The agent's files on a disk that outlives it. */
final class SimulatedFiles implements AgentFiles {
  private Obeyed obeyed = Obeyed.NOBODY;
  private final Map<Uid, KnownAttempt> known = new LinkedHashMap<>();
  private final List<Buried> buried = new ArrayList<>();

  @Override
  public Obeyed obeyed() {
    return obeyed;
  }

  @Override
  public List<KnownAttempt> known() {
    return List.copyOf(known.values());
  }

  @Override
  public List<Buried> buried() {
    return List.copyOf(buried);
  }

  @Override
  public void obey(Obeyed leader) {
    obeyed = leader;
  }

  @Override
  public void remember(KnownAttempt attempt) {
    known.put(attempt.uid(), attempt);
  }

  @Override
  public void bury(Buried tombstone) {
    known.remove(tombstone.uid());
    buried.add(tombstone);
  }

  @Override
  public void compact(List<KnownAttempt> live) {
    known.keySet().retainAll(live.stream().map(KnownAttempt::uid).toList());
  }

  @Override
  public void sync() {}
}

package orch.agent.service;

import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import orch.agent.core.KnownAttempt;
import orch.agent.process.TaskWatch;
import orch.api.model.SpecDefinition;
import orch.api.model.Uid;

/** Keeps the sockets of attempts that live over a restart of the agent. */
public final class ServiceWatch implements TaskWatch {
  private final ServiceSockets sockets;

  public ServiceWatch(ServiceSockets sockets) {
    this.sockets = sockets;
  }

  @Override
  public void found(List<KnownAttempt> alive) {
    SortedSet<Uid> known = new TreeSet<>();
    for (KnownAttempt attempt : alive) {
      known.add(attempt.uid());
      sockets.adopt(attempt.uid(), attempt.jobUid(), attempt.index());
    }
    sockets.removeAllBut(known);
  }

  @Override
  public void running(KnownAttempt attempt, SpecDefinition definition, long memoryBytes) {}

  @Override
  public void ended(Uid uid) {}
}

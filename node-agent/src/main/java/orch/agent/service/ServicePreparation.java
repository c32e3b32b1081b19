package orch.agent.service;

import java.io.IOException;
import java.util.List;
import java.util.SortedMap;
import orch.agent.linux.LinuxException;
import orch.agent.pressure.PressureFifos;
import orch.agent.process.StartRefusedException;
import orch.agent.process.StartRequest;
import orch.agent.process.TaskPreparation;
import orch.api.model.DesiredAttempt;
import orch.api.model.HealthCheck;
import orch.api.model.HealthChecks;
import orch.api.model.MemoryPressureAction;
import orch.api.model.MemoryPressurePolicy;
import orch.api.model.Probe;
import orch.api.model.SpecDefinition;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** Gives a task that speaks the service protocol its socket, on top of every other preparation. */
public final class ServicePreparation implements TaskPreparation {
  private static final long NANOS_PER_MICRO = 1_000;

  private final TaskPreparation inner;
  private final ServiceSockets sockets;
  private final PressureFifos fifos;

  public ServicePreparation(TaskPreparation inner, ServiceSockets sockets, PressureFifos fifos) {
    this.inner = inner;
    this.sockets = sockets;
    this.fifos = fifos;
  }

  @Override
  public boolean blocks(SpecDefinition definition) {
    return inner.blocks(definition);
  }

  @Override
  public StartRequest prepare(
      DesiredAttempt order, SpecDefinition definition, String claim, long deadlineBootNanos)
      throws StartRefusedException {
    StartRequest request = inner.prepare(order, definition, claim, deadlineBootNanos);
    HealthChecks health = definition.spec().health();
    if (health.notifies()) {
      socket(request, order, health, claim);
    }
    MemoryPressurePolicy pressure = definition.spec().resources().memoryPressure();
    if (pressure.action() != MemoryPressureAction.NONE && pressure.signal() == 0) {
      fifo(request, order, claim);
    }
    return request;
  }

  /** The attempt keeps its socket; a second one for the command would take it away. */
  @Override
  public StartRequest inside(DesiredAttempt order, SpecDefinition definition, String claim)
      throws StartRefusedException {
    return inner.inside(order, definition, claim);
  }

  private void handBack(StartRequest request, DesiredAttempt order, String claim)
      throws StartRefusedException {
    try {
      List<String> names = sockets.handBack(order.uid(), order.jobUid(), order.index());
      if (!names.isEmpty()) {
        request.environment().put("LISTEN_FDS", Integer.toString(names.size()));
        request.environment().put("LISTEN_FDNAMES", String.join(":", names));
      }
    } catch (LinuxException e) {
      throw refused("kept descriptors", e, claim);
    }
  }

  private void fifo(StartRequest request, DesiredAttempt order, String claim)
      throws StartRefusedException {
    try {
      request
          .environment()
          .put("MEMORY_PRESSURE_WATCH", fifos.make(order.uid(), owner(request.identity())));
    } catch (IOException e) {
      throw refused("memory pressure", e, claim);
    }
  }

  private static StartRefusedException refused(String stage, IOException e, String claim) {
    return new StartRefusedException(
        stage,
        e instanceof LinuxException linux ? linux.errno() : 0,
        "cannot start " + claim + ": " + stage + ": " + e.getMessage());
  }

  private static int @Nullable [] owner(StartRequest.@Nullable Identity identity) {
    return identity == null ? null : new int[] {identity.uid(), identity.gid()};
  }

  private void socket(StartRequest request, DesiredAttempt order, HealthChecks health, String claim)
      throws StartRefusedException {
    SortedMap<String, String> environment = request.environment();
    try {
      environment.put(
          "NOTIFY_SOCKET",
          sockets.open(order.uid(), order.jobUid(), order.index(), owner(request.identity())));
    } catch (IOException e) {
      throw refused("notify socket", e, claim);
    }
    handBack(request, order, claim);
    HealthCheck liveness = health.liveness();
    if (liveness != null && liveness.probe() instanceof Probe.Notify) {
      environment.put(
          "WATCHDOG_USEC", Long.toString(liveness.period().toNanos() / NANOS_PER_MICRO));
    }
  }

  @Override
  public void cleanUp(Uid uid) {
    sockets.ended(uid);
    inner.cleanUp(uid);
  }
}

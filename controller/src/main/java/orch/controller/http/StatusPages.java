package orch.controller.http;

import io.grpc.Status;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;
import orch.api.model.JobState;
import orch.api.model.NodeState;
import orch.api.model.TaskState;
import orch.controller.core.ClusterView;
import orch.controller.port.ControllerPort;
import orch.controller.port.Leadership;
import orch.controller.port.Member;
import orch.controller.port.Role;

/** What machines ask for: {@code /healthz}, {@code /readyz}, {@code /metrics}. */
final class StatusPages {
  private static final long READ_SECONDS = 2;

  private final ControllerPort controller;
  private final ConcurrentSkipListMap<Status.Code, LongAdder> calls = new ConcurrentSkipListMap<>();

  StatusPages(ControllerPort controller) {
    this.controller = controller;
  }

  /** A page: its HTTP status and its text. */
  record Text(int status, String text) {}

  /** A call over HTTP ended so. */
  void count(Status.Code code) {
    calls.computeIfAbsent(code, _ -> new LongAdder()).increment();
  }

  static Text hint() {
    return new Text(
        200,
        """
        Orch controller. This port speaks the Connect protocol (POST JSON to /package.Service/Method):
          curl -s localhost:7400/orch.v1.ClusterService/GetVersion --json '{}'
        /healthz, /readyz and /metrics are for machines; people use orchctl.
        """);
  }

  /** The process lives. */
  static Text health() {
    return new Text(200, "ok\n");
  }

  /** Whether requests are served here; a standby sends them on to the leader. */
  Text ready() {
    Leadership leadership = controller.leadership();
    return switch (leadership.role()) {
      case LEADER ->
          leadership.leader() == null
              ? new Text(503, "ZooKeeper does not answer, another controller may lead\n")
              : new Text(200, "ok\n");
      case ELECTED -> new Text(503, "elected, the first entry is being committed\n");
      case STANDBY -> {
        Member leader = leadership.leader();
        yield leader == null
            ? new Text(503, "standby, no leader is known\n")
            : new Text(
                200, "ok, standby for " + leader.name() + " at " + leader.httpAddress() + "\n");
      }
    };
  }

  /** In Prometheus' text form; what only the leader knows is left out elsewhere. */
  Text metrics() {
    StringBuilder out = new StringBuilder();
    Leadership leadership = controller.leadership();
    gauge(out, "orch_leader", "Whether this controller leads.");
    boolean leads = leadership.role() == Role.LEADER && leadership.leader() != null;
    sample(out, "orch_leader", "", leads ? 1 : 0);
    gauge(out, "orch_epoch", "Epoch of the newest leader known here.");
    sample(out, "orch_epoch", "", leadership.epoch());
    gauge(out, "orch_revision", "Newest committed revision applied here.");
    sample(out, "orch_revision", "", leadership.committedRevision());
    gauge(out, "orch_members", "Controllers that are alive.");
    sample(out, "orch_members", "", controller.members().size());
    if (leadership.role() == Role.LEADER) {
      cluster(out);
    }
    head(out, "orch_http_calls_total", "counter", "Calls over HTTP by their outcome.");
    for (Map.Entry<Status.Code, LongAdder> call : calls.entrySet()) {
      sample(out, "orch_http_calls_total", label("code", call.getKey()), call.getValue().sum());
    }
    var memory = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage();
    gauge(out, "orch_heap_used_bytes", "Heap in use.");
    sample(out, "orch_heap_used_bytes", "", memory.getUsed());
    gauge(out, "orch_heap_max_bytes", "Heap at most.");
    sample(out, "orch_heap_max_bytes", "", memory.getMax());
    gauge(out, "orch_uptime_milliseconds", "Age of the process.");
    sample(out, "orch_uptime_milliseconds", "", ManagementFactory.getRuntimeMXBean().getUptime());
    return new Text(200, out.toString());
  }

  private void cluster(StringBuilder out) {
    ClusterView cluster;
    try {
      cluster =
          controller
              .read((view, _) -> view.cluster())
              .toCompletableFuture()
              .get(READ_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException unavailable) {
      return;
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
      return;
    }
    gauge(out, "orch_nodes", "Nodes by state.");
    for (NodeState state : NodeState.values()) {
      sample(out, "orch_nodes", label("state", state), cluster.nodes().getOrDefault(state, 0));
    }
    gauge(out, "orch_jobs", "Jobs by state, finished ones included.");
    for (JobState state : JobState.values()) {
      sample(out, "orch_jobs", label("state", state), cluster.jobs().getOrDefault(state, 0L));
    }
    gauge(out, "orch_tasks", "Tasks of live jobs by state.");
    for (TaskState state : TaskState.values()) {
      sample(out, "orch_tasks", label("state", state), cluster.tasks().of(state));
    }
    gauge(out, "orch_cpu_millis", "Capacity of the nodes, thousandths of a CPU.");
    sample(out, "orch_cpu_millis", "", cluster.cpuMillis());
    gauge(out, "orch_cpu_allocated_millis", "Reserved by live attempts.");
    sample(out, "orch_cpu_allocated_millis", "", cluster.cpuAllocatedMillis());
    gauge(out, "orch_memory_bytes", "Capacity of the nodes.");
    sample(out, "orch_memory_bytes", "", cluster.memoryBytes());
    gauge(out, "orch_memory_allocated_bytes", "Reserved by live attempts.");
    sample(out, "orch_memory_allocated_bytes", "", cluster.memoryAllocatedBytes());
  }

  private static void gauge(StringBuilder out, String name, String meaning) {
    head(out, name, "gauge", meaning);
  }

  private static void head(StringBuilder out, String name, String type, String meaning) {
    out.append("# HELP ").append(name).append(' ').append(meaning).append('\n');
    out.append("# TYPE ").append(name).append(' ').append(type).append('\n');
  }

  private static void sample(StringBuilder out, String name, String labels, long value) {
    out.append(name).append(labels).append(' ').append(value).append('\n');
  }

  private static String label(String name, Enum<?> value) {
    return "{" + name + "=\"" + value.name().toLowerCase(Locale.ROOT) + "\"}";
  }
}

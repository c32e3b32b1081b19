package orch.api.convert;

import java.time.Duration;
import orch.api.model.HealthCheck;
import orch.api.model.HealthChecks;
import orch.api.model.NearestName;
import orch.api.model.Probe;
import orch.api.model.Template;
import org.jspecify.annotations.Nullable;

/** The part of the gate that reads health checks. */
final class SpecConvertHealth {
  private static final Duration PERIOD = Duration.ofSeconds(10);
  private static final Duration TIMEOUT = Duration.ofSeconds(1);
  private static final int FAILURES = 3;

  private SpecConvertHealth() {}

  static HealthChecks health(
      orch.v1.JobSpec job, Template.Scope scope, SpecConvertProblems problems) {
    orch.v1.HealthChecks proto = job.getHealth();
    return new HealthChecks(
        proto.hasStartup() ? check("health.startup", proto.getStartup(), scope, problems) : null,
        proto.hasReadiness()
            ? check("health.readiness", proto.getReadiness(), scope, problems)
            : null,
        proto.hasLiveness()
            ? check("health.liveness", proto.getLiveness(), scope, problems)
            : null);
  }

  private static @Nullable HealthCheck check(
      String path, orch.v1.HealthCheck proto, Template.Scope scope, SpecConvertProblems problems) {
    Probe probe = probe(path, proto, scope, problems);
    Duration period =
        problems.positive(path + ".period", proto.hasPeriod(), proto.getPeriod(), PERIOD);
    Duration timeout =
        problems.positive(path + ".timeout", proto.hasTimeout(), proto.getTimeout(), TIMEOUT);
    int failures =
        problems.range(
            path + ".failures",
            proto.getFailures() == 0 ? FAILURES : proto.getFailures(),
            1,
            Integer.MAX_VALUE);
    return probe == null ? null : new HealthCheck(probe, period, timeout, failures);
  }

  private static @Nullable Probe probe(
      String path, orch.v1.HealthCheck proto, Template.Scope scope, SpecConvertProblems problems) {
    return switch (proto.getProbeCase()) {
      case HTTP -> {
        port(path + ".http.port", proto.getHttp().getPort(), scope, problems);
        String target = proto.getHttp().getPath().isEmpty() ? "/" : proto.getHttp().getPath();
        if (!target.startsWith("/")) {
          problems.add(path + ".http.path", "must begin with '/', not '" + target + "'");
        }
        yield new Probe.Http(proto.getHttp().getPort(), target);
      }
      case TCP -> {
        port(path + ".tcp.port", proto.getTcp().getPort(), scope, problems);
        yield new Probe.Tcp(proto.getTcp().getPort());
      }
      case GRPC -> {
        port(path + ".grpc.port", proto.getGrpc().getPort(), scope, problems);
        yield new Probe.Grpc(proto.getGrpc().getPort(), proto.getGrpc().getService());
      }
      case EXEC -> {
        if (proto.getExec().getCommandCount() == 0) {
          problems.add(path + ".exec.command", "is missing; say what to run");
        }
        problems.command(path + ".exec.command", proto.getExec().getCommandList(), scope);
        yield new Probe.Exec(proto.getExec().getCommandList());
      }
      case NOTIFY -> new Probe.Notify();
      case PROBE_NOT_SET -> {
        problems.add(path, "has no probe: one of http, tcp, grpc, exec, notify");
        yield null;
      }
    };
  }

  private static void port(
      String path, String port, Template.Scope scope, SpecConvertProblems problems) {
    if (port.isEmpty()) {
      problems.add(path, "is missing: a name of resources.ports or a number");
    } else if (port.matches("[0-9]{1,9}")) {
      problems.range(path, Integer.parseInt(port), 1, 65_535);
    } else if (!scope.ports().contains(port)) {
      problems.add(
          path,
          "there is no port '"
              + SpecConvertProblems.shortened(port)
              + "' in resources.ports"
              + (scope.ports().isEmpty()
                  ? ", which asks for none"
                  : ": " + String.join(", ", scope.ports()))
              + NearestName.hint(port, scope.ports()));
    }
  }
}

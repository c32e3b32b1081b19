package orch.systemtests.host;

import java.io.IOException;
import java.time.Duration;

/** Orch's services on hosts, by the units of the distribution, which lies at /opt/orch there. */
public final class Services {
  private static final Duration READY_LIMIT = Duration.ofSeconds(90);

  private Services() {}

  /** A controller with an embedded ZooKeeper and an agent on one host; returns when it is ready. */
  public static void single(Host host) throws IOException, InterruptedException {
    start(host, "orch-controller", "");
    start(host, "orch-agent", "controller: localhost:7401\nallow-root: true\n");
    awaitNodes(host, 1);
  }

  /**
   * Installs and starts a daemon's service.
   *
   * @param daemon orch-controller or orch-agent
   * @param configuration its YAML file
   */
  public static void start(Host host, String daemon, String configuration)
      throws IOException, InterruptedException {
    host.write("/etc/orch/" + daemon.substring("orch-".length()) + ".yaml", configuration);
    host.expect(
        """
        cp /opt/orch/share/systemd/%1$s.service /etc/systemd/system/
        mkdir -p /etc/systemd/system/orch-host.target.wants
        ln -sf ../%1$s.service /etc/systemd/system/orch-host.target.wants/
        systemctl daemon-reload
        systemctl start %1$s
        """
            .formatted(daemon));
  }

  /** Waits until so many nodes are ready. */
  public static void awaitNodes(Host host, int count) throws IOException, InterruptedException {
    try {
      host.await(
          READY_LIMIT,
          "[ \"$(orchctl node list -o json | grep -c NODE_STATE_READY)\" -ge " + count + " ]");
    } catch (IOException e) {
      throw new IOException(e.getMessage() + "\n" + journal(host), e);
    }
  }

  /** What the daemons of a host said lately. */
  public static String journal(Host host) throws IOException, InterruptedException {
    return host.run("journalctl --no-pager -n 80 -u 'orch-*'").text();
  }
}

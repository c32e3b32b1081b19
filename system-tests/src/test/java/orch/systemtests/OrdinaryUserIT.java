package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Without root: the same truth about exits, trees and logs; what cannot be enforced is said. */
@Timeout(180)
class OrdinaryUserIT {
  @Test
  void clusterOfAnOrdinaryUserRunsItsTasksAsThatUser() throws Exception {
    assumeTrue(
        System.getProperty("user.name").equals("root"),
        "needs root to become another user; every other test here runs as an ordinary user then");
    try (Cluster cluster = Cluster.startAs("nobody")) {
      CommandResult who = cluster.orchctl("run", "--", "sh", "-c", "id -un; exit 9");
      assertEquals(9, who.code(), who + cluster.daemonOutput());
      assertEquals("nobody\n", who.text());
      CommandResult killed = cluster.orchctl("run", "--", "sh", "-c", "kill -9 $$");
      assertEquals(137, killed.code());
      String node = cluster.expectSuccess("node", "show", cluster.node()).text();
      assertTrue(node.contains("memory"), node);
    }
  }
}

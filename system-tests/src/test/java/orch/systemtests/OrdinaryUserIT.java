package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;

/** Without root: the same truth about exits, trees and logs; what cannot be enforced is said. */
final class OrdinaryUserIT extends FaultCases {
  OrdinaryUserIT() throws Exception {
    super(start());
  }

  private static Cluster start() throws Exception {
    assumeTrue(
        System.getProperty("user.name").equals("root"),
        "needs root to become another user; every other test here runs as an ordinary user then");
    return Cluster.startAs("nobody");
  }

  @Test
  void tasksRunAsThatUserAndWhatCannotBeLimitedIsSaid() throws Exception {
    CommandResult who = cluster().orchctl("run", "--", "sh", "-c", "id -un; exit 9");
    assertEquals(9, who.code(), who + cluster().daemonOutput());
    assertEquals("nobody\n", who.text());
    assertEquals(137, cluster().orchctl("run", "--", "sh", "-c", "kill -9 $$").code());
    String node = cluster().expectSuccess("node", "show", cluster().node()).text();
    assertTrue(node.contains("memory"), node);
  }
}

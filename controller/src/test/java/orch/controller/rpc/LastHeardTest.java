package orch.controller.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Timestamp;
import java.time.Instant;
import orch.v1.Node;
import org.junit.jupiter.api.Test;

class LastHeardTest {
  private final LastHeard heard = new LastHeard();

  private static Node seen(Instant time) {
    return Node.newBuilder()
        .setUid("uid-1")
        .setLastSeenTime(Timestamp.newBuilder().setSeconds(time.getEpochSecond()))
        .build();
  }

  @Test
  void aNodeIsSeenWhenItsAgentLastSaidSomething() {
    Instant before = Instant.now();
    heard.now("uid-1");
    Timestamp shown = heard.stamped(seen(before.minusSeconds(100))).getLastSeenTime();
    assertTrue(shown.getSeconds() >= before.getEpochSecond(), shown.toString());
  }

  @Test
  void whatTheLogKnowsStandsWhereNothingWasHeardOrItIsNewer() {
    Node node = seen(Instant.now().plusSeconds(100));
    assertEquals(node, heard.stamped(node));
    heard.now("uid-1");
    assertEquals(node, heard.stamped(node));
  }
}

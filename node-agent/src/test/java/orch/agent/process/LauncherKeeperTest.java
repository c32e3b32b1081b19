package orch.agent.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import orch.agent.linux.JnaLinux;
import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;
import orch.api.model.Uid;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LauncherKeeperTest {
  private final Linux linux = new JnaLinux();
  private final List<Integer> types = new ArrayList<>();
  private final LauncherKeeper keeper =
      new LauncherKeeper(linux, (message, descriptors) -> types.add(typeOf(message)));

  private static int typeOf(byte[] message) {
    return ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN).getShort(6);
  }

  private static PassedDescriptors taking(String name) {
    return new PassedDescriptors() {
      @Override
      public List<Integer> of(Uid uid) {
        return List.of();
      }

      @Override
      public void started(Uid uid) {}

      @Override
      public Set<String> connected(List<DescriptorKeeper.Held> held, DescriptorKeeper with) {
        return Set.of(name);
      }
    };
  }

  private void assertClosed(int fd) {
    assertThrows(LinuxException.class, () -> linux.eventSignal(fd));
  }

  @Test
  void aLauncherWithoutTheCapabilityIsAskedNothing() {
    keeper.welcome(Protocol.CAP_CGROUP);
    assertTrue(keeper.complete());
    keeper.keep("a", 0, true);
    keeper.release("a");
    assertEquals(List.of(), types);
  }

  @Test
  void aLauncherThatKeepsIsAskedAndAwaited() {
    assertFalse(keeper.complete());
    keeper.welcome(Protocol.CAP_KEEP);
    assertFalse(keeper.complete());
    keeper.foundAll();
    assertTrue(keeper.complete());
    keeper.keep("a", 0, true);
    keeper.release("a");
    assertEquals(List.of(Protocol.KEPT_GET, Protocol.KEEP, Protocol.UNKEEP), types);
    keeper.close();
    keeper.release("a");
    assertEquals(3, types.size());
  }

  @Test
  void whatNobodyTakesIsClosed() throws Exception {
    int taken = linux.eventFd();
    int left = linux.eventFd();
    keeper.welcome(Protocol.CAP_KEEP);
    keeper.found(new Incoming.Kept("taken", Protocol.KEEP_PLAIN), taken);
    keeper.found(new Incoming.Kept("left", Protocol.KEEP_QUEUE), left);
    keeper.hand(taking("taken"));
    assertClosed(left);
    keeper.close();
    linux.eventSignal(taken);
    linux.close(taken);
  }

  @Test
  void aConnectionThatBreaksBeforeAllWasFoundLeavesNothingOpen() throws Exception {
    int found = linux.eventFd();
    keeper.welcome(Protocol.CAP_KEEP);
    keeper.found(new Incoming.Kept("found", Protocol.KEEP_PLAIN), found);
    keeper.close();
    assertClosed(found);
  }
}

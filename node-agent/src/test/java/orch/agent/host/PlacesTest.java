package orch.agent.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlacesTest {
  @TempDir private Path directory;
  private final String launcherBefore = System.getProperty("orch.launcher", "");

  @BeforeEach
  void nameALauncher() throws IOException {
    Path launcher = Files.createFile(directory.resolve("launcher"));
    assertTrue(launcher.toFile().setExecutable(true));
    System.setProperty("orch.launcher", launcher.toString());
  }

  @AfterEach
  void restore() {
    if (launcherBefore.isEmpty()) {
      System.clearProperty("orch.launcher");
    } else {
      System.setProperty("orch.launcher", launcherBefore);
    }
  }

  @Test
  void theIdentityStaysWithTheDataDirectory() throws IOException {
    NodeIdentity first = NodeIdentity.of(directory);
    assertEquals(first, NodeIdentity.of(directory));
  }

  @Test
  void aDataDirectoryOfAnotherMachineMakesAnotherNode() throws IOException {
    NodeIdentity first = NodeIdentity.of(directory);
    Files.writeString(directory.resolve("node"), first.uid() + "\nanother-machine\n");
    assertNotEquals(first.uid(), NodeIdentity.of(directory).uid());
  }

  @Test
  void anOrdinaryUserRunsInTheSessionsOwnDirectory() throws IOException {
    NodeIdentity identity = NodeIdentity.of(directory);
    Path session = Files.createDirectory(directory.resolve("xdg"));
    Places places =
        Places.of(directory, identity, false, Map.of("XDG_RUNTIME_DIR", session.toString()));
    assertEquals(session.resolve("orch-" + identity.shortUid()), places.run());
    // And finds it again without that variable.
    assertEquals(places.run(), Places.of(directory, identity, false, Map.of()).run());
  }

  @Test
  void oneAgentADataDirectory() throws IOException {
    FileLock first = Objects.requireNonNull(Places.lock(directory));
    assertNull(Places.lock(directory));
    first.channel().close();
    FileLock second = Places.lock(directory);
    assertNotNull(second);
    second.channel().close();
  }

  @Test
  void withoutSystemdTheLauncherOnlyGetsASession() {
    assertEquals(List.of("setsid"), Places.prefix(false, "x.scope"));
  }
}

package orch.controller.zookeeper;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import orch.controller.store.LogLayout;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** The log on a real server. */
@Timeout(120)
final class EmbeddedZooKeeperTest {
  private static final List<ACL> OPEN =
      Collections.singletonList(new ACL(Perms.ALL, new Id("world", "anyone")));

  @TempDir Path directory;
  private Cluster cluster;

  @BeforeEach
  void start() throws Exception {
    cluster = new Cluster(directory);
  }

  @AfterEach
  void stop() {
    cluster.close();
  }

  // ---- the log

  @Test
  void whatWasCommittedIsThereAfterServerAndMemberAreGone() throws Exception {
    Cluster.Member leader = cluster.member("anna").leader();
    List<String> records = records(500);
    leader.append(records, 3);
    leader.awaitCommits();
    cluster.restart();
    assertEquals(records, cluster.member("anna").reading().replayed());
  }

  @Test
  void theNextLeaderGoesOnWhereTheLogEnded() throws Exception {
    Cluster.Member leader = cluster.member("anna").leader();
    leader.append(List.of("a"), 1);
    leader.awaitCommits();
    cluster.restart();
    Cluster.Member next = cluster.member("anna").leader();
    next.append(List.of("b"), 1);
    next.awaitCommits();
    assertEquals(List.of("a", "b"), cluster.member("reader").reading().replayed());
  }

  @Test
  void aStandbyFollowsTheLeader() throws Exception {
    Cluster.Member leader = cluster.member("anna").leader();
    Cluster.Member standby = cluster.member("bert").reading();
    leader.append(List.of("a", "b"), 1);
    leader.awaitCommits();
    standby.await("caught up at 2");
    assertEquals(List.of("a", "b"), standby.replayed());
  }

  @Test
  void aSecondEpochFencesTheFirst() throws Exception {
    Cluster.Member first = cluster.member("anna").leader();
    first.append(List.of("a"), 1);
    first.awaitCommits();
    Cluster.Member second = cluster.member("bert").leader();
    first.append(List.of("late"), 1);
    first.await("deposed");
    second.append(List.of("b"), 1);
    second.awaitCommits();
    first.await("caught up at 2");
    assertEquals(List.of("a", "b"), first.replayed());
  }

  @Test
  void manyRecordsAreAppendedInFewEntriesAndReadBackInOrder() throws Exception {
    Cluster.Member leader = cluster.member("anna").leader();
    List<String> records = new ArrayList<>();
    for (int part = 0; part < 20; part++) {
      List<String> some =
          IntStream.range(part * 1_000, (part + 1) * 1_000)
              .mapToObj(i -> i + " " + "x".repeat(290))
              .toList();
      records.addAll(some);
      leader.append(some, 10);
    }
    leader.awaitCommits();
    assertEquals(records, cluster.member("reader").reading().replayed());
    assertTrue(leader.call(leader.log::committedIndex) < 2_000);
  }

  @Test
  void aConnectionThatBreaksAgainAndAgainNeitherLosesNorDoublesNorReordersARecord()
      throws Exception {
    List<String> records = records(600);
    try (UnsteadyLink link = new UnsteadyLink(cluster.address())) {
      Cluster.Member leader = cluster.member("anna", link.address()).leader();
      for (int part = 0; part < 6; part++) {
        CountDownLatch halfway = new CountDownLatch(1);
        int first = part * 100;
        leader.append(records.subList(first, first + 50), 1);
        leader.loop.execute(halfway::countDown);
        assertTrue(halfway.await(30, TimeUnit.SECONDS));
        link.cut();
        leader.append(records.subList(first + 50, first + 100), 1);
      }
      leader.awaitCommits();
    }
    assertEquals(records, cluster.member("reader").reading().replayed());
  }

  @Test
  void theEndOfASessionAloneDeposesNobody() throws Exception {
    Cluster.Member leader = cluster.member("anna").leader();
    Cluster.Member standby = cluster.member("bert").reading();
    leader.append(List.of("a"), 1);
    leader.awaitCommits();
    expireSession(leader);
    expireSession(standby);
    leader.append(List.of("b"), 1);
    leader.awaitCommits();
    standby.await("caught up at 2");
    assertEquals(List.of("a", "b"), standby.replayed());
  }

  // ---- strangers

  @Test
  void aStrangerCanNeitherReadNorWriteNorDeleteNorListAnyNode() throws Exception {
    Cluster.Member leader = cluster.member("anna").leader();
    leader.append(List.of("a"), 1);
    leader.awaitCommits();
    LogLayout layout = leader.layout;
    List<String> nodes =
        List.of(
            layout.root(),
            layout.epoch(),
            layout.log(),
            layout.directory(1),
            layout.entry(1),
            layout.checkpoint(),
            layout.members(),
            layout.election());
    ZooKeeper stranger = stranger();
    try {
      for (String node : nodes) {
        assertDenied(() -> stranger.getData(node, false, null));
        assertDenied(() -> stranger.getChildren(node, false));
        assertDenied(() -> stranger.setData(node, new byte[] {1}, -1));
        assertDenied(() -> stranger.delete(node, -1));
        assertDenied(() -> stranger.setACL(node, OPEN, -1));
        assertDenied(() -> create(stranger, node + "/mine"));
      }
    } finally {
      stranger.close();
    }
  }

  @Test
  void aStrangerWhoGuessesAtThePasswordIsAStranger() throws Exception {
    Cluster.Member leader = cluster.member("anna").leader();
    ZooKeeper stranger = stranger();
    try {
      stranger.addAuthInfo("digest", "orch:orch".getBytes(StandardCharsets.UTF_8));
      assertDenied(() -> stranger.getData(leader.layout.epoch(), false, null));
    } finally {
      stranger.close();
    }
  }

  @Test
  void aStrangerCannotMakeNodesOfHisOwnEither() throws Exception {
    cluster.member("anna").reading();
    ZooKeeper stranger = stranger();
    try {
      for (String parent : List.of("", "/zookeeper", "/zookeeper/quota", "/zookeeper/config")) {
        assertDenied(() -> create(stranger, parent + "/mine"));
      }
      assertDenied(() -> stranger.getChildren("/", false));
    } finally {
      stranger.close();
    }
  }

  @Test
  void notEvenAMemberCanDeleteTheEpoch() throws Exception {
    Cluster.Member member = cluster.member("anna").leader();
    ZooKeeper raw = member.connection.curator().getZookeeperClient().getZooKeeper();
    assertDenied(() -> raw.delete(member.layout.epoch(), -1));
  }

  @Test
  void theServerListensOnTheLoopbackInterfaceOnly() throws Exception {
    int port = port();
    int refused = 0;
    for (NetworkInterface network : Collections.list(NetworkInterface.getNetworkInterfaces())) {
      for (InetAddress address : Collections.list(network.getInetAddresses())) {
        if (!address.isLoopbackAddress()) {
          assertThrows(IOException.class, () -> new Socket(address, port).close());
          refused++;
        }
      }
    }
    InetAddress other = InetAddress.getByAddress(new byte[] {127, 0, 0, 2});
    assertThrows(IOException.class, () -> new Socket(other, port).close(), refused + " refused");
  }

  @Test
  void administrationByFourLettersIsRefused() throws Exception {
    for (String word : List.of("stat", "dump", "cons", "conf", "envi", "wchp", "crst", "ruok")) {
      assertTrue(ask(word).contains("not in the whitelist"), word + ": " + ask(word));
    }
    // ZooKeeper always answers this one; it counts things and names nothing.
    assertFalse(ask("srvr").contains("/orch"));
  }

  // ---- the secret

  @Test
  void theSecretIsReadableToItsOwnerOnlyAndStaysTheSame() throws Exception {
    Path file = directory.resolve("other.secret");
    Secret secret = Secret.load(file);
    assertEquals(PosixFilePermissions.fromString("rw-------"), Files.getPosixFilePermissions(file));
    assertEquals(
        new String(secret.credentials(), StandardCharsets.UTF_8),
        new String(Secret.load(file).credentials(), StandardCharsets.UTF_8));
  }

  @Test
  void aSecretThatOthersCanReadIsRefused() throws Exception {
    Path file = directory.resolve("other.secret");
    var _ = Secret.load(file);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    IOException refused = assertThrows(IOException.class, () -> Secret.load(file));
    assertTrue(String.valueOf(refused.getMessage()).contains("chmod 600"));
  }

  @Test
  void aControllerWithAnotherSecretIsToldToCopyTheRightOne() throws Exception {
    cluster.member("anna").reading();
    Secret other = Secret.load(directory.resolve("other.secret"));
    IOException refused =
        assertThrows(
            IOException.class,
            () ->
                ZooKeeperConnection.open(cluster.address(), other, false, Duration.ofSeconds(10))
                    .close());
    assertTrue(
        String.valueOf(refused.getMessage()).contains("belongs to another secret"),
        refused.getMessage());
  }

  @Test
  void aServerThatDoesNotAnswerIsNamed() {
    IOException refused =
        assertThrows(
            IOException.class,
            () ->
                ZooKeeperConnection.open(
                        "127.0.0.1:1", cluster.secret(), false, Duration.ofMillis(300))
                    .close());
    assertTrue(
        String.valueOf(refused.getMessage()).startsWith("ZooKeeper is unreachable: no server of"));
  }

  @Test
  void aClusterMayLieBelowAPathOfASharedEnsemble() throws Exception {
    Cluster.Member first = cluster.member("anna", cluster.address() + "/prod/eu").leader();
    Cluster.Member second = cluster.member("anna", cluster.address() + "/test/").leader();
    assertEquals("/prod/eu/orch", first.connection.root());
    assertEquals("/test/orch", second.connection.root());
    first.append(List.of("a"), 1);
    first.awaitCommits();
    assertEquals(List.of(), second.replayed());
  }

  private static List<String> records(int count) {
    return IntStream.range(0, count).mapToObj(i -> "record " + i).toList();
  }

  private static void expireSession(Cluster.Member member) throws Exception {
    CountDownLatch lost = new CountDownLatch(1);
    CountDownLatch back = new CountDownLatch(1);
    member
        .connection
        .curator()
        .getConnectionStateListenable()
        .addListener((client, state) -> {
          switch (state) {
            case LOST -> lost.countDown();
            case RECONNECTED -> back.countDown();
            default -> {}
          }
        });
    member
        .connection
        .curator()
        .getZookeeperClient()
        .getZooKeeper()
        .getTestable()
        .injectSessionExpiration();
    assertTrue(lost.await(30, TimeUnit.SECONDS));
    assertTrue(back.await(30, TimeUnit.SECONDS));
  }

  private ZooKeeper stranger() throws Exception {
    CountDownLatch connected = new CountDownLatch(1);
    ZooKeeper zooKeeper =
        new ZooKeeper(
            cluster.address(),
            8_000,
            event -> {
              if (event.getState() == Watcher.Event.KeeperState.SyncConnected) {
                connected.countDown();
              }
            });
    assertTrue(connected.await(30, TimeUnit.SECONDS));
    return zooKeeper;
  }

  private static String create(ZooKeeper zooKeeper, String path) throws Exception {
    return zooKeeper.create(path, new byte[0], OPEN, CreateMode.PERSISTENT, new Stat());
  }

  private static void assertDenied(Executable request) {
    assertThrows(KeeperException.NoAuthException.class, request);
  }

  private int port() {
    String address = cluster.address();
    return Integer.parseInt(address.substring(address.indexOf(':') + 1));
  }

  private String ask(String word) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port())) {
      socket.getOutputStream().write(word.getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    }
  }
}

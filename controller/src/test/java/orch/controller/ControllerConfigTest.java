package orch.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.nio.file.Path;
import orch.api.config.HostAndPort;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ControllerConfigTest {
  private static final Path DATA = Path.of("data");

  @Test
  void itListensOnLoopbackAddresses() {
    ControllerConfig config =
        ControllerConfig.of(DATA, at("localhost:7400"), at("[::1]:7401"), null, null, false);
    assertTrue(config.listen().getAddress().isLoopbackAddress());
    assertEquals(7401, config.grpcListen().getPort());
    assertTrue(config.dataDirectory().isAbsolute());
  }

  @Test
  void anAddressThatOthersReachIsRefusedAndSaysWhy() {
    assertProblem(
        () ->
            ControllerConfig.of(DATA, at("0.0.0.0:7400"), at("localhost:7401"), null, null, false),
        "--listen 0.0.0.0:7400 would let other hosts in");
    assertProblem(
        () -> ControllerConfig.of(DATA, at("localhost:7400"), at("[::]:7401"), null, null, false),
        "--insecure-listen");
  }

  @Test
  void whoInsistsMayListenForOthers() {
    ControllerConfig config =
        ControllerConfig.of(DATA, at("0.0.0.0:7400"), at("0.0.0.0:7401"), null, null, true);
    InetAddress address = config.listen().getAddress();
    assertTrue(address.isAnyLocalAddress());
  }

  @Test
  void oneAddressForBothIsRefused() {
    assertProblem(
        () ->
            ControllerConfig.of(
                DATA, at("localhost:7400"), at("localhost:7400"), null, null, false),
        "are both localhost:7400");
  }

  @ParameterizedTest
  @ValueSource(strings = {"a:2181", "a:2181,b:2181,10.0.0.3:2181", "a:2181/orch/prod"})
  void connectStringsAreTakenAsZooKeeperHasThem(String connect) {
    assertEquals(connect, with(connect, "a").zooKeeper());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a", "a:2181,", "a:b", "a:2181 b:2181", "/orch"})
  void whatIsNoConnectStringIsRefused(String connect) {
    assertProblem(() -> with(connect, "a"), "is no connect string");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "1a", "Controller", "a_b", "a-", "a+b"})
  void whatIsNoNameIsRefused(String name) {
    assertProblem(() -> with("a:1", name), "is no name");
  }

  @Test
  void theHostNamesAControllerThatIsNotNamed() {
    String name =
        ControllerConfig.of(DATA, at("localhost:1"), at("localhost:2"), null, null, false).name();
    assertTrue(name.matches("[a-z]([a-z0-9.-]{0,61}[a-z0-9])?"), name);
  }

  private static ControllerConfig with(String connect, String name) {
    return ControllerConfig.of(DATA, at("localhost:1"), at("localhost:2"), connect, name, false);
  }

  private static HostAndPort at(String address) {
    return HostAndPort.parse(address);
  }

  private static void assertProblem(Runnable making, String part) {
    IllegalArgumentException problem = assertThrows(IllegalArgumentException.class, making::run);
    assertTrue(String.valueOf(problem.getMessage()).contains(part), problem.getMessage());
  }
}

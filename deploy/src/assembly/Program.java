import java.util.ArrayList;
import java.util.List;

/**
 * A program of the distribution's bin.
 *
 * @param part the directory below lib that holds its jars, but for those that others need too
 * @param module the directory of the module that builds it
 * @param main its main class
 * @param summary what stands at the top of its start script
 * @param flags of its JVM, as the start script has them: $home is the distribution
 */
record Program(
    String name, String part, String module, String main, String summary, List<String> flags) {
  /** Commands of a second or so: quick to start, and silent where the AOT cache does not fit. */
  private static final List<String> CLIENT_FLAGS =
      List.of(
          "-XX:+UseSerialGC",
          "-XX:TieredStopAtLevel=1",
          "-XX:+UseCompactObjectHeaders",
          "-XX:-UsePerfData",
          "-Xmx128m",
          "-Xlog:disable",
          "-Dorch.home=$home");

  private static final List<String> DAEMON_FLAGS =
      List.of(
          "-XX:+UseCompactObjectHeaders",
          "-XX:-UsePerfData",
          "-XX:+ExitOnOutOfMemoryError",
          "-Xlog:aot*=off",
          "-Xlog:cds*=off",
          "--enable-native-access=ALL-UNNAMED",
          "--sun-misc-unsafe-memory-access=allow",
          "-Dorch.home=$home");

  private static final List<String> CONTROLLER_FLAGS = List.of("-XX:+UseG1GC", "-Xmx1g");

  /**
   * For a small agent: the compiler that makes the best code would cost more memory than all else
   * of it, a heap is not to begin at its limit, no thread keeps a large buffer that it used once,
   * and netty's arenas are few and grow in small steps. Measured idle: 107 MB instead of 138.
   */
  private static final List<String> AGENT_FLAGS =
      List.of(
          "-XX:+UseSerialGC",
          "-XX:TieredStopAtLevel=1",
          "-Xss512k",
          "-Xms16m",
          "-Xmx128m",
          "-Djdk.nio.maxCachedBufferSize=65536",
          "-Dio.grpc.netty.shaded.io.netty.allocator.maxOrder=5",
          "-Dio.grpc.netty.shaded.io.netty.allocator.numDirectArenas=1",
          "-Dio.grpc.netty.shaded.io.netty.allocator.numHeapArenas=1",
          "-Djna.boot.library.path=$home/libexec",
          "-Djna.nounpack=true");

  static final Program ORCHCTL =
      new Program(
          "orchctl", "orchctl", "orchctl", "orch.ctl.Main", "Orch's command line.", CLIENT_FLAGS);

  static final Program DEV =
      new Program(
          "orch-dev",
          "dev",
          "deploy",
          "orch.dev.DevMain",
          "A cluster on this machine: a controller and some agents.",
          CLIENT_FLAGS);

  static final Program CONTROLLER =
      new Program(
          "orch-controller",
          "controller",
          "controller",
          "orch.controller.ControllerMain",
          "Orch's controller.",
          both(DAEMON_FLAGS, CONTROLLER_FLAGS));

  static final Program AGENT =
      new Program(
          "orch-agent",
          "agent",
          "node-agent",
          "orch.agent.AgentMain",
          "Orch's node agent.",
          both(DAEMON_FLAGS, AGENT_FLAGS));

  static final List<Program> ALL = List.of(ORCHCTL, DEV, CONTROLLER, AGENT);

  /** The variable that adds flags of Java: ORCH_AGENT_JAVA_OPTS. */
  String optionsVariable() {
    return name.toUpperCase(java.util.Locale.ROOT).replace('-', '_') + "_JAVA_OPTS";
  }

  private static List<String> both(List<String> first, List<String> second) {
    List<String> all = new ArrayList<>(first);
    all.addAll(second);
    return List.copyOf(all);
  }
}

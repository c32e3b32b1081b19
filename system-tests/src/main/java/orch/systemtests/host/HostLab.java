package orch.systemtests.host;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import orch.systemtests.Cluster;
import orch.systemtests.CommandResult;
import orch.systemtests.Shell;

/**
 * Several real hosts and the network between them. Closing it ends the hosts and removes all that
 * was made; what a killed test left is found by its name and removed when the next lab opens.
 *
 * <p>The hosts stand on a bridge in a network namespace of the lab's own: 10.77.0.11, 10.77.0.12
 * and so on, and know each other by name. This machine is 10.77.0.1 there ({@link #run}).
 */
public final class HostLab implements AutoCloseable {
  /** What a lab's directory, namespace and processes are called, with its owner behind. */
  static final String PREFIX = "orch-lab-";

  private static final Path ROOT = Path.of("/");
  private static final Path TEMPORARY = Path.of(System.getProperty("java.io.tmpdir"));
  private static final int FIRST_ADDRESS = 11;
  private static final int MOST_HOSTS = 32;
  private static final AtomicInteger COUNTER = new AtomicInteger();

  private final String name;
  private final Path directory;
  private final Map<String, Host> hosts = new LinkedHashMap<>();
  private final Thread atExit;

  private HostLab(String name) throws IOException {
    this.name = name;
    this.directory = Files.createDirectory(TEMPORARY.resolve(name));
    this.atExit = new Thread(this::remove, "remove " + name);
    Runtime.getRuntime().addShutdownHook(atExit);
  }

  /** What real hosts need and this machine lacks; empty: a lab can be opened. */
  public static String missing() {
    if (!System.getProperty("user.name").equals("root")) {
      return "real hosts need root";
    }
    Map<String, String> needed = new LinkedHashMap<>();
    needed.put("/usr/bin/linux.uml", "user-mode-linux");
    needed.put("/lib/systemd/systemd", "systemd");
    needed.put("/sbin/insmod", "kmod");
    needed.put("/sbin/mkfs.ext4", "e2fsprogs");
    needed.put("/sbin/ip", "iproute2");
    for (Map.Entry<String, String> program : needed.entrySet()) {
      if (!Files.isExecutable(Path.of(program.getKey()))) {
        return "real hosts need " + program.getKey() + ": apt-get install " + program.getValue();
      }
    }
    return Files.isWritable(Path.of("/dev/net/tun")) ? "" : "real hosts need /dev/net/tun";
  }

  /** Opens an empty lab, after what dead owners left has been removed. */
  public static HostLab open() throws IOException, InterruptedException {
    LabLeftovers.sweep(TEMPORARY);
    long pid = ProcessHandle.current().pid();
    HostLab lab =
        new HostLab(
            PREFIX + pid + "-" + LabLeftovers.startOf(pid) + "-" + COUNTER.incrementAndGet());
    try {
      lab.ip("netns", "add", lab.name);
      lab.inside("link", "set", "lo", "up");
      lab.inside("link", "add", "br0", "type", "bridge");
      lab.inside("addr", "add", "10.77.0.1/24", "dev", "br0");
      lab.inside("link", "set", "br0", "up");
      return lab;
    } catch (IOException | InterruptedException | RuntimeException e) {
      lab.close();
      throw e;
    }
  }

  /**
   * Makes a host with an empty disk of 4 GiB; it is not booted yet.
   *
   * @param memoryMebibytes its main memory
   */
  public synchronized Host add(String host, int memoryMebibytes)
      throws IOException, InterruptedException {
    if (hosts.size() == MOST_HOSTS) {
      throw new IllegalStateException("a lab has at most " + MOST_HOSTS + " hosts");
    }
    String tap = "tap" + (hosts.size() + 1);
    ip("netns", "exec", name, "ip", "tuntap", "add", tap, "mode", "tap");
    inside("link", "set", tap, "master", "br0", "up");
    Host added =
        new Host(
            this,
            host,
            "10.77.0." + (FIRST_ADDRESS + hosts.size()),
            tap,
            hosts.size() + 1,
            memoryMebibytes);
    hosts.put(host, added);
    Files.createDirectories(added.share());
    Shell.run(
        List.of("truncate", "-s", "4G", added.disk().toString()), Map.of(), ROOT, new byte[0]);
    CommandResult made =
        Shell.run(
            List.of(
                "/sbin/mkfs.ext4",
                "-q",
                "-F",
                "-E",
                "lazy_itable_init=1,lazy_journal_init=1",
                added.disk().toString()),
            Map.of(),
            ROOT,
            new byte[0]);
    if (made.code() != 0) {
      throw new IOException("no disk for " + host + ": " + made);
    }
    return added;
  }

  /** Boots all hosts that are down, at the same time. */
  public void bootAll() throws IOException, InterruptedException {
    List<Callable<Void>> boots = new ArrayList<>();
    for (Host host : hosts()) {
      boots.add(() -> {
        host.boot();
        return null;
      });
    }
    together(boots);
  }

  /** Runs all at once, and waits for all; throws what the first that failed threw. */
  public static void together(List<Callable<Void>> all) throws IOException, InterruptedException {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<Void> one : threads.invokeAll(all)) {
        one.get();
      }
    } catch (ExecutionException e) {
      throw new IOException(String.valueOf(e.getCause()), e.getCause());
    }
  }

  public synchronized List<Host> hosts() {
    return List.copyOf(hosts.values());
  }

  /** A host by its name. */
  public synchronized Host host(String host) {
    Host found = hosts.get(host);
    if (found == null) {
      throw new IllegalArgumentException("this lab has no host " + host);
    }
    return found;
  }

  /** Runs a command on this machine, but in the hosts' network. */
  public CommandResult run(Map<String, String> environment, List<String> command)
      throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(List.of("ip", "netns", "exec", name));
    all.addAll(command);
    return Shell.run(all, environment, ROOT, new byte[0]);
  }

  @Override
  public void close() {
    Runtime.getRuntime().removeShutdownHook(atExit);
    remove();
  }

  private void remove() {
    LabLeftovers.remove(TEMPORARY, name);
  }

  String name() {
    return name;
  }

  Path directory() {
    return directory;
  }

  /** What each host's /etc/hosts says. */
  synchronized String hostsFile() {
    StringBuilder text = new StringBuilder("127.0.0.1 localhost\n10.77.0.1 outer\n");
    for (Host host : hosts.values()) {
      text.append(host.address()).append(' ').append(host.name()).append('\n');
    }
    return text.toString();
  }

  /** The start script of a host. */
  String init(Host host) throws IOException {
    return "#!/bin/sh\nLAB='%s' HOST='%s' ADDRESS='%s/24' DISTRIBUTION='%s'\n%s"
        .formatted(
            directory,
            host.name(),
            host.address(),
            Cluster.distribution(),
            Files.readString(part("init"), StandardCharsets.UTF_8));
  }

  /** A file that hosts are made of. */
  static Path part(String file) {
    return Path.of("src/main/host", file).toAbsolutePath();
  }

  /** {@code ip} within the lab's network. */
  void inside(String... arguments) throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(List.of("-n", name));
    all.addAll(List.of(arguments));
    ip(all.toArray(String[]::new));
  }

  private void ip(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("/sbin/ip"));
    command.addAll(List.of(arguments));
    CommandResult result = Shell.run(command, Map.of(), ROOT, new byte[0]);
    if (result.code() != 0) {
      throw new IOException(String.join(" ", command) + ": " + result);
    }
  }
}

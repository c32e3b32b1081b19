package orch.systemtests.host;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import orch.systemtests.CommandResult;
import org.jspecify.annotations.Nullable;

/**
 * One real host of a {@link HostLab}: its own kernel, systemd as PID 1, journald, cgroup v2 with
 * the cpu, io, memory and pids controllers, one CPU. Orders reach it by a serial line, whatever
 * became of its network. A crash loses what was not synced, as on a machine whose power fails.
 */
public final class Host {
  private static final Duration BOOT_LIMIT = Duration.ofSeconds(90);
  private static final Duration RUN_LIMIT = Duration.ofMinutes(2);

  private final HostLab lab;
  private final String name;
  private final String address;
  private final String tap;
  private final int number;
  private final int memoryMebibytes;
  private final AtomicInteger scripts = new AtomicInteger();
  private @Nullable Process kernel;
  private Map<String, CompletableFuture<Integer>> running = new ConcurrentHashMap<>();
  private CompletableFuture<String> up = new CompletableFuture<>();

  Host(HostLab lab, String name, String address, String tap, int number, int memoryMebibytes) {
    this.lab = lab;
    this.name = name;
    this.address = address;
    this.tap = tap;
    this.number = number;
    this.memoryMebibytes = memoryMebibytes;
  }

  public String name() {
    return name;
  }

  public String address() {
    return address;
  }

  /** Boots it, from its own disk, and waits until it takes orders. Does nothing when it is up. */
  public synchronized void boot() throws IOException, InterruptedException {
    if (alive()) {
      return;
    }
    for (String part : List.of("serve", "orch-host.target", "orch-host.service")) {
      Files.copy(HostLab.part(part), share().resolve(part), StandardCopyOption.REPLACE_EXISTING);
    }
    Files.writeString(share().resolve("hosts"), lab.hostsFile(), StandardCharsets.UTF_8);
    Path init = directory().resolve("init");
    Files.writeString(init, lab.init(this), StandardCharsets.UTF_8);
    if (!init.toFile().setExecutable(true)) {
      throw new IOException("cannot make " + init + " executable");
    }
    CompletableFuture<String> upNow = new CompletableFuture<>();
    Map<String, CompletableFuture<Integer>> runningNow = new ConcurrentHashMap<>();
    up = upNow;
    running = runningNow;
    ProcessBuilder builder =
        new ProcessBuilder(
            "/sbin/ip",
            "netns",
            "exec",
            lab.name(),
            "/usr/bin/linux.uml",
            "umid=" + umid(),
            "uml_dir=" + directory(),
            "mem=" + memoryMebibytes + "M",
            "root=/dev/root",
            "rootfstype=hostfs",
            "rootflags=/",
            "ro",
            "init=" + init,
            "ubd0=" + disk(),
            "vec0:transport=tap,ifname=" + tap + ",mac=" + mac(number),
            "con=null",
            "con0=null,fd:2",
            "ssl=null",
            "ssl0=fd:0,fd:1",
            "quiet",
            "systemd.unified_cgroup_hierarchy=1");
    builder.redirectError(console().toFile());
    Process started = builder.start();
    kernel = started;
    Thread.ofPlatform().daemon().name("host " + name).start(() -> hear(started, upNow, runningNow));
    try {
      upNow.get(BOOT_LIMIT.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new IOException(name + " did not boot; its console ends with:\n" + endOf(console()), e);
    }
  }

  /** The boot id of the running kernel. */
  public String bootId() {
    return up.join();
  }

  public synchronized boolean alive() {
    return kernel != null && kernel.isAlive();
  }

  /** Runs a bash script as root, within two minutes; its end is awaited. */
  public CommandResult run(String script) throws IOException, InterruptedException {
    return finish(start(script), RUN_LIMIT);
  }

  /** As {@link #run}; throws when the exit code is not 0. */
  public String expect(String script) throws IOException, InterruptedException {
    CommandResult result = run(script);
    if (result.code() != 0) {
      throw new IOException("on " + name + ": " + script + "\n" + result);
    }
    return result.text();
  }

  /** Repeats a bash script until its exit code is 0; throws when the time is over. */
  public String await(Duration limit, String script) throws IOException, InterruptedException {
    CommandResult result =
        finish(
            start(
                "deadline=$(($(date +%%s) + %d)) file=$(mktemp)%nuntil ( %s%n) >$file 2>&1; do%n"
                        .formatted(limit.toSeconds(), script)
                    + "[ $(date +%s) -lt $deadline ] || { cat $file; exit 1; }\n"
                    + "sleep 0.2\ndone\ncat $file; rm -f $file"),
            limit.plusSeconds(60));
    if (result.code() != 0) {
      throw new IOException(
          "on " + name + ", not in " + limit.toSeconds() + " s: " + script + "\n" + result);
    }
    return result.text();
  }

  /** A script that was begun on a host. */
  public record Running(String id, CompletableFuture<Integer> code) {}

  /** Begins a bash script as root. */
  public synchronized Running start(String script) throws IOException {
    Process to = kernel;
    if (to == null || !to.isAlive()) {
      throw new IOException(name + " is down");
    }
    String id = Integer.toString(scripts.incrementAndGet());
    Files.writeString(share().resolve(id + ".script"), script, StandardCharsets.UTF_8);
    CompletableFuture<Integer> code = new CompletableFuture<>();
    running.put(id, code);
    OutputStream line = to.getOutputStream();
    line.write((id + "\n").getBytes(StandardCharsets.UTF_8));
    line.flush();
    return new Running(id, code);
  }

  /** Awaits the end of a script. */
  public CommandResult finish(Running script, Duration limit)
      throws IOException, InterruptedException {
    try {
      int code = script.code().get(limit.toMillis(), TimeUnit.MILLISECONDS);
      return new CommandResult(
          code,
          Files.readAllBytes(share().resolve(script.id() + ".out")),
          Files.readAllBytes(share().resolve(script.id() + ".err")));
    } catch (ExecutionException e) {
      throw new IOException(name + " went down while a script ran", e);
    } catch (TimeoutException e) {
      throw new IOException(
          "on %s, over %d s: %s%n%s"
              .formatted(
                  name,
                  limit.toSeconds(),
                  Files.readString(share().resolve(script.id() + ".script")),
                  endOf(share().resolve(script.id() + ".out"))),
          e);
    }
  }

  /** Writes a file on the host. */
  public void write(String path, String content) throws IOException, InterruptedException {
    String id = "file" + scripts.incrementAndGet();
    Files.writeString(share().resolve(id), content, StandardCharsets.UTF_8);
    expect("mkdir -p \"$(dirname '%s')\" && cp /mnt/host/%s '%s'".formatted(path, id, path));
  }

  /** A file of the host. */
  public String read(String path) throws IOException, InterruptedException {
    return expect("cat '" + path + "'");
  }

  /** The power fails: SIGKILL to the whole machine. */
  public synchronized void crash() throws IOException, InterruptedException {
    LabLeftovers.kill("umid=" + umid());
    Process was = kernel;
    if (was != null) {
      was.waitFor();
    }
  }

  /** Crashes and boots again, from the same disk. */
  public void crashAndReboot() throws IOException, InterruptedException {
    crash();
    boot();
  }

  /** The machine stands still, as one whose hypervisor has stopped it; {@link #thaw} goes on. */
  public void freeze() throws IOException, InterruptedException {
    signal("STOP");
  }

  public void thaw() throws IOException, InterruptedException {
    signal("CONT");
  }

  /** Its network cable is pulled. */
  public void cutOff() throws IOException, InterruptedException {
    // Off the bridge, not down: the host's driver gives up for good on a card that fails.
    lab.inside("link", "set", tap, "nomaster");
  }

  /** Its network cable is back. */
  public void heal() throws IOException, InterruptedException {
    lab.inside("link", "set", tap, "master", "br0");
  }

  /**
   * Nothing passes between the two hosts any more, silently, in either direction; all else does.
   */
  public void cutOffFrom(Host other) throws IOException, InterruptedException {
    dropPacketsTo(other);
    other.dropPacketsTo(this);
  }

  /** Undoes {@link #cutOffFrom}. */
  public void healWith(Host other) throws IOException, InterruptedException {
    passPacketsTo(other);
    other.passPacketsTo(this);
  }

  /** What it sends to the other is lost, silently; what the other sends arrives. */
  public void dropPacketsTo(Host other) throws IOException, InterruptedException {
    // A neighbour with an address that nobody has.
    expect("ip neigh replace %s lladdr %s dev vec0 nud permanent".formatted(other.address, mac(0)));
  }

  private void passPacketsTo(Host other) throws IOException, InterruptedException {
    expect("ip neigh del %s dev vec0; ip neigh flush dev vec0 || :".formatted(other.address));
  }

  /** What it sends takes that much longer; zero: no longer than it needs. */
  public void slow(Duration delay) throws IOException, InterruptedException {
    expect(
        delay.isZero()
            ? "tc qdisc del dev vec0 root"
            : """
            grep -q ^sch_netem /proc/modules || insmod "$(find /usr/lib/uml/modules -name sch_netem.ko)"
            tc qdisc replace dev vec0 root netem delay %dms
            """
                .formatted(delay.toMillis()));
  }

  @Override
  public String toString() {
    return name;
  }

  Path share() {
    return directory().resolve("share");
  }

  Path disk() {
    return directory().resolve("disk");
  }

  /** What the host sees as /mnt/host. */
  public Path outside() {
    return share();
  }

  private Path directory() {
    return lab.directory().resolve(name);
  }

  private Path console() {
    return directory().resolve("console");
  }

  private String umid() {
    return lab.name() + "." + name;
  }

  /** The address of the network card of a host by its number; of 0 nobody's. */
  private static String mac(int host) {
    return "02:4f:52:43:48:%02x".formatted(host);
  }

  private synchronized void signal(String signal) throws IOException, InterruptedException {
    Process to = kernel;
    if (to == null) {
      throw new IOException(name + " is down");
    }
    int code = new ProcessBuilder("kill", "-" + signal, Long.toString(to.pid())).start().waitFor();
    if (code != 0) {
      throw new IOException("cannot send " + signal + " to " + name);
    }
  }

  private void hear(
      Process from,
      CompletableFuture<String> booted,
      Map<String, CompletableFuture<Integer>> scriptsOfThisBoot) {
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(from.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String[] words = line.strip().split(" ", -1);
        if (words.length == 2 && words[0].equals("up")) {
          booted.complete(words[1]);
        } else if (words.length == 3 && words[0].equals("done")) {
          CompletableFuture<Integer> code = scriptsOfThisBoot.remove(words[1]);
          if (code != null) {
            code.complete(Integer.valueOf(words[2]));
          }
        }
      }
    } catch (IOException e) {
      // The host is down: said below to all who wait.
    }
    IOException down = new IOException(name + " is down");
    booted.completeExceptionally(down);
    scriptsOfThisBoot.values().forEach(code -> code.completeExceptionally(down));
    scriptsOfThisBoot.clear();
  }

  private static String endOf(Path file) throws IOException {
    if (!Files.exists(file)) {
      return "";
    }
    List<String> lines = Files.readString(file, StandardCharsets.ISO_8859_1).lines().toList();
    return String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size()));
  }
}

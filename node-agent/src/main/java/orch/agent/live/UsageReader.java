package orch.agent.live;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;
import orch.agent.process.Guarded;
import orch.api.model.AttemptUsage;
import orch.api.seam.Clock;
import org.jspecify.annotations.Nullable;

/**
 * What an attempt uses: from the files of its cgroup where they are (cgroups(7), Documentation/
 * admin-guide/cgroup-v2.rst), else summed over its processes, else said to be missing.
 */
final class UsageReader {
  private final ProcFile proc;
  private final Clock clock;

  UsageReader(ProcFile proc, Clock clock) {
    this.proc = proc;
    this.clock = clock;
  }

  AttemptUsage read(Guarded guarded) throws IOException {
    Members members = Members.of(guarded, proc);
    Reading reading = new Reading(guarded.leaf(), members);
    Instant now = clock.now();
    AttemptUsage usage =
        new AttemptUsage(
            reading.orSum(
                "cpu_user_micros",
                flat(reading.text("cpu.stat"), "user_usec"),
                stat -> micros(stat.userTicks() + stat.childrenUserTicks())),
            reading.orSum(
                "cpu_system_micros",
                flat(reading.text("cpu.stat"), "system_usec"),
                stat -> micros(stat.systemTicks() + stat.childrenSystemTicks())),
            reading.orSum(
                "memory_current_bytes",
                number(reading.text("memory.current")),
                stat -> proc.residentBytes(stat.pid())),
            reading.orMissing("memory_peak_bytes", number(reading.text("memory.peak"))),
            (long) members.all().size(),
            reading.orSum(
                "read_bytes",
                device(reading.text("io.stat"), "rbytes"),
                stat -> proc.ioBytes(stat.pid(), "read_bytes")),
            reading.orSum(
                "write_bytes",
                device(reading.text("io.stat"), "wbytes"),
                stat -> proc.ioBytes(stat.pid(), "write_bytes")),
            reading.orMissing("cpu_pressure", pressure(reading.text("cpu.pressure"))),
            reading.orMissing("memory_pressure", pressure(reading.text("memory.pressure"))),
            reading.orMissing("io_pressure", pressure(reading.text("io.pressure"))),
            number(reading.text("memory.max")),
            number(reading.text("pids.max")),
            reading.orMissing("throttled_micros", flat(reading.text("cpu.stat"), "throttled_usec")),
            reading.orMissing("oom_kills", flat(reading.text("memory.events"), "oom_kill")),
            (long) members.zombies(),
            reading.missing,
            reading.summed,
            now.getEpochSecond() * 1_000_000_000L + now.getNano());
    return usage;
  }

  /** One look at one attempt. */
  private static final class Reading {
    final List<String> missing = new ArrayList<>();
    final List<String> summed = new ArrayList<>();
    private final @Nullable Path leaf;
    private final Members members;

    Reading(@Nullable Path leaf, Members members) {
      this.leaf = leaf;
      this.members = members;
    }

    /** Empty where the file is not. */
    String text(String file) {
      try {
        return leaf == null ? "" : Files.readString(leaf.resolve(file), StandardCharsets.US_ASCII);
      } catch (IOException none) {
        return "";
      }
    }

    <T> @Nullable T orMissing(String field, @Nullable T value) {
      if (value == null) {
        missing.add(field);
      }
      return value;
    }

    @Nullable Long orSum(
        String field, @Nullable Long counted, ToLongFunction<ProcFile.Stat> ofProcess) {
      if (counted != null) {
        return counted;
      }
      long sum = 0;
      for (ProcFile.Stat stat : members.all().values()) {
        long value = ofProcess.applyAsLong(stat);
        if (value < 0) {
          missing.add(field);
          return null;
        }
        sum += value;
      }
      summed.add(field);
      return sum;
    }
  }

  private static long micros(long ticks) {
    return ticks * (ProcFile.TICK_NANOS / 1_000);
  }

  /** {@code max}, and what is not there, is null. */
  static @Nullable Long number(String text) {
    try {
      return text.isEmpty() ? null : Long.valueOf(text.strip());
    } catch (NumberFormatException unlimited) {
      return null;
    }
  }

  /** The value of {@code key value} in a flat keyed file. */
  static @Nullable Long flat(String text, String key) {
    for (String line : text.lines().toList()) {
      if (line.startsWith(key + " ")) {
        return number(line.substring(key.length() + 1));
      }
    }
    return null;
  }

  /** The sum over all devices of {@code MAJ:MIN key=value …}; an empty file is 0. */
  private @Nullable Long device(String text, String key) {
    if (text.isEmpty()) {
      return null;
    }
    long sum = 0;
    for (String word : text.split("\\s+", -1)) {
      if (word.startsWith(key + "=")) {
        sum += Long.parseLong(word.substring(key.length() + 1));
      }
    }
    return sum;
  }

  /** avg10 of {@code some}, in percent. */
  static @Nullable Double pressure(String text) {
    for (String line : text.lines().toList()) {
      int at = line.indexOf(" avg10=");
      if (line.startsWith("some ") && at > 0) {
        String rest = line.substring(at + 7);
        int space = rest.indexOf(' ');
        return Double.valueOf(space < 0 ? rest : rest.substring(0, space));
      }
    }
    return null;
  }
}

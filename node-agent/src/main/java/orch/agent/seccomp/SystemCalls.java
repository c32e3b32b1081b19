package orch.agent.seccomp;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;

/** The tables of system calls, read once. */
final class SystemCalls {
  private static final Map<Architecture, SortedMap<String, Integer>> TABLES = tables();

  private SystemCalls() {}

  static SortedMap<String, Integer> of(Architecture architecture) {
    return Objects.requireNonNull(TABLES.get(architecture));
  }

  private static Map<Architecture, SortedMap<String, Integer>> tables() {
    Map<Architecture, SortedMap<String, Integer>> tables = new EnumMap<>(Architecture.class);
    for (Architecture architecture : Architecture.values()) {
      tables.put(architecture, read(architecture.name().toLowerCase(Locale.ROOT) + ".txt"));
    }
    return tables;
  }

  private static SortedMap<String, Integer> read(String resource) {
    SortedMap<String, Integer> numbers = new TreeMap<>();
    try (InputStream in = SystemCalls.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException(resource + " is missing");
      }
      BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.startsWith("#")) {
          int space = line.indexOf(' ');
          numbers.put(line.substring(0, space), Integer.parseInt(line.substring(space + 1)));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return Collections.unmodifiableSortedMap(numbers);
  }
}

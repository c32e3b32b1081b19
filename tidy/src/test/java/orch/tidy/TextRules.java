package orch.tidy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What holds for the texts of the project. Each rule returns its complaints, one line each. */
final class TextRules {
  static final int MAX_LINES = 700;

  // Written in pieces, so that this file obeys its own rules.
  private static final Pattern LEFT_OVER = Pattern.compile("\\b(TO" + "DO|FIX" + "ME|XX" + "X)\\b");

  private static final Pattern MACHINE_PATH =
      Pattern.compile("(?<![\\w.$}/-])/(work|root|Users)/(?=[\\w.])");

  private static final Pattern SOURCE_ROOT = Pattern.compile("(.*)/src/(main|test)/java/(.*)");

  private static final Pattern DECISION = Pattern.compile("docs/adr/(\\d{4}-[^/]+\\.md)");

  private TextRules() {}

  static List<String> sourcesOfAReadableLength(List<TextFile> files) {
    List<String> complaints = new ArrayList<>();
    for (TextFile file : files) {
      long lines = file.content().lines().count();
      if ((file.isJava() || file.isC()) && lines > MAX_LINES) {
        complaints.add(
            "%s has %d lines; at most %d: divide it".formatted(file.path(), lines, MAX_LINES));
      }
    }
    return complaints;
  }

  static List<String> nothingLeftForLater(List<TextFile> files) {
    return matches(files, LEFT_OVER, "do it now, or file an issue");
  }

  static List<String> noPathOfOneMachine(List<TextFile> files) {
    return matches(files, MACHINE_PATH, "name a path that exists on every machine");
  }

  static List<String> linesEndWithANewline(List<TextFile> files) {
    List<String> complaints = new ArrayList<>();
    for (TextFile file : files) {
      if (!file.content().isEmpty() && !file.content().endsWith("\n")) {
        complaints.add(file.path() + " does not end with a newline");
      }
      if (file.content().indexOf('\r') >= 0) {
        complaints.add(file.path() + " has carriage returns");
      }
    }
    return complaints;
  }

  static List<String> packagesAreNullMarked(List<TextFile> files) {
    Map<String, String> packages = new TreeMap<>();
    Set<String> marked = new TreeSet<>();
    for (TextFile file : files) {
      Matcher source = SOURCE_ROOT.matcher(file.directory());
      if (file.isJava() && source.matches()) {
        // One package-info, in main or in test, serves the package's classes and their tests.
        String key = source.group(1) + " " + source.group(3);
        packages.putIfAbsent(key, file.directory());
        if (file.name().equals("package-info.java") && file.content().contains("@NullMarked")) {
          marked.add(key);
        }
      }
    }
    packages.keySet().removeAll(marked);
    return packages.values().stream()
        .map(directory -> directory + " has no package-info.java with @NullMarked")
        .toList();
  }

  static List<String> decisionsAreListed(List<TextFile> files) {
    String index =
        files.stream()
            .filter(file -> file.path().equals("docs/adr/README.md"))
            .map(TextFile::content)
            .findFirst()
            .orElse("");
    List<String> complaints = new ArrayList<>();
    for (TextFile file : files) {
      Matcher decision = DECISION.matcher(file.path());
      if (decision.matches() && !index.contains("(" + decision.group(1) + ")")) {
        complaints.add(file.path() + " is not linked from docs/adr/README.md");
      }
    }
    return complaints;
  }

  private static List<String> matches(List<TextFile> files, Pattern pattern, String remedy) {
    List<String> complaints = new ArrayList<>();
    for (TextFile file : files) {
      int number = 0;
      for (String line : file.content().lines().toList()) {
        number++;
        Matcher matcher = pattern.matcher(line);
        if (matcher.find()) {
          complaints.add("%s:%d: %s: %s".formatted(file.path(), number, matcher.group(), remedy));
        }
      }
    }
    return complaints;
  }
}

package orch.api.spec;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** The reference part of docs/job-spec.md, made from the table. */
public final class SpecReference {
  private final StringBuilder out = new StringBuilder();
  private final Deque<Runnable> later = new ArrayDeque<>();

  private SpecReference() {}

  /** A table for the job and one for each section below it. */
  public static String markdown() {
    SpecReference reference = new SpecReference();
    reference.section("", SpecTable.job());
    while (!reference.later.isEmpty()) {
      reference.later.poll().run();
    }
    return reference.out.toString();
  }

  private void section(String path, SpecType.Section section) {
    if (section.fields().isEmpty()) {
      return;
    }
    out.append("\n### ").append(path.isEmpty() ? "A job" : "`" + path + "`").append("\n\n");
    out.append("| Key | Value | Example | When unsaid | Meaning |\n|---|---|---|---|---|\n");
    for (SpecField field : section.fields()) {
      String below = path.isEmpty() ? field.key() : path + "." + field.key();
      out.append("| `").append(field.key()).append("` | ");
      out.append(value(field.type())).append(" | `").append(field.example()).append("` | ");
      out.append(field.unset()).append(" | ").append(field.meaning()).append(" |\n");
      switch (field.type()) {
        case SpecType.Section inner -> later.add(() -> once(below, inner));
        case SpecType.Sections list -> later.add(() -> once(below + "[]", list.item()));
        default -> {}
      }
    }
  }

  /** The three health checks have the same keys. */
  private void once(String path, SpecType.Section section) {
    if (path.equals("health.startup")) {
      section(path, section);
      out.append("\n`health.readiness` and `health.liveness` have the same keys.\n");
    } else if (!path.startsWith("health.readiness") && !path.startsWith("health.liveness")) {
      section(path, section);
    }
  }

  private static String value(SpecType type) {
    return switch (type) {
      case SpecType.Text() -> "text";
      case SpecType.Bool(), SpecType.InverseBool() -> "true or false";
      case SpecType.Whole _, SpecType.Weight() -> "whole number";
      case SpecType.Retries() -> "whole number or `unlimited`";
      case SpecType.Decimal _ -> "number";
      case SpecType.Bytes() -> "bytes";
      case SpecType.Cpu() -> "CPU";
      case SpecType.Time() -> "duration";
      case SpecType.Octal() -> "octal";
      case SpecType.SignalName() -> "signal";
      case SpecType.Word(List<String> words, String _) -> words(words);
      case SpecType.BoolWord(String unset, String set) -> words(List.of(unset, set));
      case SpecType.Texts() -> "list of texts";
      case SpecType.Content() -> "text or bytes";
      case SpecType.Contents() -> "texts or bytes by name";
      case SpecType.TextMap() -> "texts by name";
      case SpecType.CountMap() -> "whole numbers by name";
      case SpecType.Rlimits() -> "limits by name";
      case SpecType.Indexes() -> "indexes";
      case SpecType.ExitCodes() -> "exit codes";
      case SpecType.Signals() -> "list of signals";
      case SpecType.Section section -> section.fields().isEmpty() ? "`{}`" : "mapping";
      case SpecType.Sections _ -> "list of mappings";
    };
  }

  private static String words(List<String> words) {
    return "`" + String.join("`, `", words) + "`";
  }
}

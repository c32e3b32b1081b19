package orch.api.spec.convert;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import orch.api.model.NearestName;
import orch.api.spec.SpecField;
import orch.api.spec.SpecTable;
import orch.api.spec.SpecType;
import orch.api.yaml.YamlNode;
import orch.v1.JobSpec;
import org.jspecify.annotations.Nullable;

/** Reads the keys of one document by the table, and remembers where each stood. */
final class SpecFields {
  /** A problem without the file's name. */
  record Problem(int line, int column, String path, String message, String suggestion) {}

  private final YamlNode.Mapping document;
  private final List<Problem> problems = new ArrayList<>();
  private final Map<String, YamlNode> places = new HashMap<>();
  private final SpecValues values = new SpecValues(this);

  SpecFields(YamlNode.Mapping document) {
    this.document = document;
  }

  JobSpec read() {
    JobSpec.Builder job = JobSpec.newBuilder();
    section("", SpecTable.job(), document, job);
    return job.build();
  }

  List<Problem> problems() {
    return problems;
  }

  /** Where a field stands; for one that is not there, the nearest one above it that is. */
  YamlNode placeOf(String path) {
    String at = path;
    while (!at.isEmpty()) {
      YamlNode node = places.get(at);
      if (node != null) {
        return node;
      }
      at = at.substring(0, Math.max(0, Math.max(at.lastIndexOf('.'), at.lastIndexOf('['))));
    }
    return document.entries().isEmpty() ? document : document.entries().getFirst().key();
  }

  /** Whether a problem of this field, of one above or below it, is told already. */
  boolean isTold(String path) {
    return problems.stream()
        .anyMatch(problem ->
            isWithin(path, problem.path())
                || isWithin(problem.path(), path)
                || isWithin(path, suggestedPath(problem)));
  }

  private static boolean isWithin(String path, String outer) {
    return !outer.isEmpty()
        && path.startsWith(outer)
        && (path.length() == outer.length() || ".[".indexOf(path.charAt(outer.length())) >= 0);
  }

  /** The key that was meant where an unknown one stands: its absence needs no second word. */
  private static String suggestedPath(Problem problem) {
    String suggestion = problem.suggestion();
    int dot = problem.path().lastIndexOf('.');
    return suggestion.isEmpty() || suggestion.indexOf('.') >= 0 || dot < 0
        ? suggestion
        : problem.path().substring(0, dot + 1) + suggestion;
  }

  void problem(String path, YamlNode where, String message) {
    problems.add(new Problem(where.line(), where.column(), path, message, ""));
  }

  void problem(String path, YamlNode where, String message, String suggestion) {
    problems.add(new Problem(where.line(), where.column(), path, message, suggestion));
  }

  /** Whether the document has this key. */
  boolean says(String key) {
    return document.entries().stream().anyMatch(entry -> entry.key().text().equals(key));
  }

  void place(String path, YamlNode node) {
    places.put(path, node);
  }

  void section(
      String prefix, SpecType.Section section, YamlNode.Mapping mapping, Message.Builder message) {
    for (YamlNode.Entry entry : mapping.entries()) {
      String key = entry.key().text();
      SpecField field = find(section, key);
      if (field == null) {
        unknown(prefix, section, entry.key());
        continue;
      }
      String path = prefix + key;
      place(path, entry.value());
      if (entry.value() instanceof YamlNode.Scalar scalar && scalar.kind() == YamlNode.Kind.NULL) {
        problem(path, scalar, "has no value; give one or drop the line");
        continue;
      }
      FieldDescriptor descriptor = message.getDescriptorForType().findFieldByName(field.proto());
      if (descriptor == null) {
        throw new IllegalStateException("no field " + field.proto() + " for the key " + path);
      }
      checkOneof(path, entry.value(), descriptor, message);
      value(path, field, entry.value(), descriptor, message);
    }
  }

  /** Of http, tcp, grpc, … only one can be. */
  private void checkOneof(
      String path, YamlNode where, FieldDescriptor field, Message.Builder message) {
    if (field.getRealContainingOneof() != null
        && message.hasOneof(field.getRealContainingOneof())) {
      problem(
          path,
          where,
          "a check has one probe, and "
              + message.getOneofFieldDescriptor(field.getRealContainingOneof()).getJsonName()
              + " is said already; drop one of the two");
    }
  }

  private void value(
      String path,
      SpecField field,
      YamlNode node,
      FieldDescriptor descriptor,
      Message.Builder message) {
    switch (field.type()) {
      case SpecType.Section section -> {
        Message.Builder below = message.newBuilderForField(descriptor);
        message.setField(descriptor, sectionOf(path, section, node, below).build());
      }
      case SpecType.Sections list -> {
        List<YamlNode> items = list(path, node, "a list of " + keysOf(list.item()));
        for (int i = 0; i < items.size(); i++) {
          String item = path + "[" + i + "]";
          place(item, items.get(i));
          Message.Builder below = message.newBuilderForField(descriptor);
          message.addRepeatedField(
              descriptor, sectionOf(item, list.item(), items.get(i), below).build());
        }
      }
      default -> values.set(path, field.type(), node, descriptor, message);
    }
  }

  private Message.Builder sectionOf(
      String path, SpecType.Section section, YamlNode node, Message.Builder message) {
    switch (node) {
      case YamlNode.Mapping mapping -> section(path + ".", section, mapping, message);
      case YamlNode.Scalar scalar
          when scalar.kind() != YamlNode.Kind.NULL && !section.shorthand().isEmpty() -> {
        SpecField field = find(section, section.shorthand());
        if (field != null) {
          place(path + "." + field.key(), scalar);
          value(
              path + "." + field.key(),
              field,
              scalar,
              message.getDescriptorForType().findFieldByName(field.proto()),
              message);
        }
      }
      case YamlNode.Scalar scalar
          when section.fields().isEmpty() && scalar.text().equals("true") ->
      // `notify: true` says as much as `notify: {}`.
      {}
      case YamlNode other ->
          problem(path, other, "expected " + keysOf(section) + ", got " + other.described());
    }
    return message;
  }

  private static String keysOf(SpecType.Section section) {
    if (section.fields().isEmpty()) {
      return "{}";
    }
    List<String> keys = section.fields().stream().map(SpecField::key).toList();
    String some = String.join(", ", keys.subList(0, Math.min(4, keys.size())));
    return "a mapping with " + some + (keys.size() > 4 ? ", …" : "");
  }

  /** The items of a list; none, with a problem, when it is something else. */
  List<YamlNode> list(String path, YamlNode node, String expected) {
    if (node instanceof YamlNode.Sequence sequence) {
      return sequence.values();
    }
    problem(path, node, "expected " + expected + ", got " + node.described());
    return List.of();
  }

  private static @Nullable SpecField find(SpecType.Section section, String key) {
    for (SpecField field : section.fields()) {
      if (field.key().equals(key)) {
        return field;
      }
    }
    return null;
  }

  private void unknown(String prefix, SpecType.Section section, YamlNode.Scalar key) {
    String word = key.text();
    if (word.equals("<<")) {
      problem(
          prefix + word, key, "merge keys are no part of YAML 1.2; name the keys, or use an alias");
      return;
    }
    List<String> known = section.fields().stream().map(SpecField::key).toList();
    String synonym = prefix.isEmpty() ? SpecTable.synonym(word) : null;
    Optional<String> near = synonym == null ? NearestName.of(word, known) : Optional.of(synonym);
    if (near.isEmpty()) {
      near = SpecTable.pathsOf(word).stream().filter(path -> !path.contains("[")).findFirst();
    }
    String message = "there is no key '" + word + "'";
    if (near.isPresent()) {
      message += " here; did you mean '" + near.get() + "'?";
    } else if (prefix.isEmpty()) {
      message += "; the documentation of the job spec lists all";
    } else {
      message += " here; keys are " + String.join(", ", known);
    }
    problem(prefix + word, key, message, near.orElse(""));
  }
}

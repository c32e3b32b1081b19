package orch.api.spec.convert;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.math.BigInteger;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import orch.api.model.NearestName;
import orch.api.model.Quantity;
import orch.api.model.Signal;
import orch.api.spec.SpecType;
import orch.api.yaml.YamlNode;
import orch.v1.ExitCodeRange;
import orch.v1.JobSpec;
import orch.v1.Rlimit;
import org.jspecify.annotations.Nullable;

/** Reads the values of single keys into a message; problems go to the fields. */
final class SpecValues {
  private static final Pattern CODES = Pattern.compile("([0-9]{1,9})\\s*-\\s*([0-9]{1,9})");

  private final SpecFields fields;

  SpecValues(SpecFields fields) {
    this.fields = fields;
  }

  void set(
      String path, SpecType type, YamlNode node, FieldDescriptor field, Message.Builder message) {
    switch (type) {
      case SpecType.Texts() ->
          texts(path, node, text -> text).forEach(text -> message.addRepeatedField(field, text));
      case SpecType.Signals() ->
          parsedTexts(path, node, "a list of signals such as [SEGV, 11]", Signal::parse)
              .forEach(number -> message.addRepeatedField(field, number));
      case SpecType.ExitCodes() ->
          parsedTexts(path, node, "a list of exit codes such as [75, \"64-78\"]", SpecValues::codes)
              .forEach(range -> message.addRepeatedField(field, range));
      case SpecType.Contents() ->
          entries(
              path,
              node,
              "a mapping of names to contents",
              (place, entry) -> {
                ByteString bytes = content(place, entry.value());
                if (bytes != null && message instanceof JobSpec.Builder job) {
                  job.putFiles(entry.key().text(), bytes);
                }
              });
      case SpecType.TextMap() ->
          entries(
              path,
              node,
              "a mapping of names to texts",
              (place, entry) -> {
                String text = text(place, entry.value());
                if (text != null) {
                  put(message, field, entry.key().text(), text);
                }
              });
      case SpecType.CountMap() ->
          entries(
              path,
              node,
              "a mapping of names to whole numbers",
              (place, entry) -> {
                Long count = whole(place, entry.value(), 1, Integer.MAX_VALUE);
                if (count != null) {
                  put(message, field, entry.key().text(), count.intValue());
                }
              });
      case SpecType.Rlimits() ->
          entries(
              path,
              node,
              "a mapping of limits such as {nofile: 4096}",
              (place, entry) -> {
                Rlimit limit = rlimit(place, entry.value());
                if (limit != null && message instanceof JobSpec.Builder job) {
                  job.putRlimits(entry.key().text(), limit);
                }
              });
      case SpecType.Indexes() -> {
        String text = parsed(path, node, SpecIndexes.EXPECTED, word -> word);
        if (text != null && message instanceof JobSpec.Builder job) {
          SpecIndexes.read(fields, path, node, text, job);
        }
      }
      default -> {
        Object value = single(path, type, node, field);
        if (value != null) {
          message.setField(field, value);
        }
      }
    }
  }

  private @Nullable Object single(
      String path, SpecType type, YamlNode node, FieldDescriptor field) {
    return switch (type) {
      case SpecType.Text() -> text(path, node);
      case SpecType.Bool() -> bool(path, node);
      case SpecType.InverseBool() -> {
        Boolean value = bool(path, node);
        yield value == null ? null : Boolean.valueOf(!value);
      }
      case SpecType.Whole(long least, long most) ->
          sized(field, whole(path, node, least, Math.min(most, mostOf(field))));
      case SpecType.Weight() -> {
        Long weight = whole(path, node, -100, 100);
        if (weight != null && weight == 0) {
          fields.problem(
              path, node, "0 prefers nothing; 1 to 100 is rather, -1 to -100 rather not");
        }
        yield sized(field, weight);
      }
      case SpecType.Retries() ->
          node instanceof YamlNode.Scalar scalar && scalar.text().equals("unlimited")
              ? Integer.valueOf(-1)
              : sized(field, retries(path, node));
      case SpecType.Decimal(int least) -> decimal(path, node, least);
      case SpecType.Bytes() -> parsed(path, node, "bytes such as 256Mi", Quantity::parseBytes);
      case SpecType.Cpu() -> cpu(path, node);
      case SpecType.Time() ->
          parsed(
              path, node, "a duration such as 1h30m", text -> proto(Quantity.parseDuration(text)));
      case SpecType.Octal() -> parsed(path, node, "an octal mask such as 027", SpecValues::octal);
      case SpecType.SignalName() -> parsed(path, node, "a signal such as TERM", Signal::parse);
      case SpecType.Word(List<String> words, String prefix) ->
          word(path, node, words, prefix, field);
      case SpecType.BoolWord(String unset, String set) -> {
        String word = oneOf(path, node, List.of(unset, set));
        yield word == null ? null : Boolean.valueOf(word.equals(set));
      }
      case SpecType.Content() -> content(path, node);
      default -> throw new IllegalStateException("not a single value: " + type);
    };
  }

  private static long mostOf(FieldDescriptor field) {
    return field.getJavaType() == FieldDescriptor.JavaType.INT ? Integer.MAX_VALUE : Long.MAX_VALUE;
  }

  private static @Nullable Object sized(FieldDescriptor field, @Nullable Long value) {
    if (value == null) {
      return null;
    }
    return field.getJavaType() == FieldDescriptor.JavaType.INT ? (Object) value.intValue() : value;
  }

  private @Nullable String text(String path, YamlNode node) {
    if (!(node instanceof YamlNode.Scalar scalar)) {
      fields.problem(path, node, "expected a text, got " + node.described());
      return null;
    }
    return switch (scalar.kind()) {
      case NULL -> {
        fields.problem(path, node, "nothing stands here; write '' for an empty text");
        yield null;
      }
      case BINARY -> {
        fields.problem(path, node, "expected a text, got binary data");
        yield null;
      }
      default -> scalar.text();
    };
  }

  private @Nullable Boolean bool(String path, YamlNode node) {
    if (node instanceof YamlNode.Scalar scalar) {
      if (scalar.kind() == YamlNode.Kind.BOOLEAN) {
        return Boolean.parseBoolean(scalar.text());
      }
      String meant =
          switch (scalar.text().toLowerCase(Locale.ROOT)) {
            case "yes", "on", "1", "true" -> "; write true";
            case "no", "off", "0", "false" -> "; write false";
            default -> "";
          };
      fields.problem(path, node, "expected true or false, got " + node.described() + meant);
    } else {
      fields.problem(path, node, "expected true or false, got " + node.described());
    }
    return null;
  }

  private @Nullable Long retries(String path, YamlNode node) {
    if (node instanceof YamlNode.Scalar scalar
        && scalar.kind() == YamlNode.Kind.TEXT
        && NearestName.of(scalar.text(), List.of("unlimited")).isPresent()) {
      fields.problem(
          path, node, "expected a whole number or unlimited, got " + node.described(), "unlimited");
      return null;
    }
    return whole(path, node, -1, Integer.MAX_VALUE);
  }

  private @Nullable Long whole(String path, YamlNode node, long least, long most) {
    if (!(node instanceof YamlNode.Scalar scalar) || scalar.kind() != YamlNode.Kind.INTEGER) {
      String quoted =
          node instanceof YamlNode.Scalar text
                  && text.kind() == YamlNode.Kind.TEXT
                  && text.text().matches("-?[0-9]{1,18}")
              ? "; drop the quotes"
              : "";
      fields.problem(path, node, "expected a whole number, got " + node.described() + quoted);
      return null;
    }
    BigInteger value = integer(scalar.text());
    if (value.compareTo(BigInteger.valueOf(least)) < 0
        || value.compareTo(BigInteger.valueOf(most)) > 0) {
      String range =
          most == Long.MAX_VALUE || (most == Integer.MAX_VALUE && value.signum() <= 0)
              ? String.format(Locale.ROOT, "%,d or more", least)
              : String.format(Locale.ROOT, "%,d to %,d", least, most);
      fields.problem(
          path, node, "must be " + range + String.format(Locale.ROOT, ", not %,d", value));
      return null;
    }
    return value.longValueExact();
  }

  private static BigInteger integer(String text) {
    if (text.startsWith("0x")) {
      return new BigInteger(text.substring(2), 16);
    }
    if (text.startsWith("0o")) {
      return new BigInteger(text.substring(2), 8);
    }
    return new BigInteger(text);
  }

  private @Nullable Double decimal(String path, YamlNode node, int least) {
    if (!(node instanceof YamlNode.Scalar scalar)
        || (scalar.kind() != YamlNode.Kind.INTEGER && scalar.kind() != YamlNode.Kind.FLOAT)
        || !scalar.text().matches("[-+.0-9eE]+")) {
      fields.problem(path, node, "expected a number such as 1.5, got " + node.described());
      return null;
    }
    double value = Double.parseDouble(scalar.text());
    if (value < least) {
      fields.problem(path, node, "must be " + least + " or more, not " + scalar.text());
      return null;
    }
    return value;
  }

  private @Nullable Long cpu(String path, YamlNode node) {
    Long millis = parsed(path, node, "CPU such as 500m or 2", Quantity::parseCpuMillis);
    if (millis != null && millis == 0) {
      fields.problem(path, node, "must be more than 0; leave it out for the default");
      return null;
    }
    return millis;
  }

  /** A scalar that has a form of its own, whose parser explains what is wrong. */
  private <T> @Nullable T parsed(
      String path, YamlNode node, String expected, Function<String, T> parser) {
    if (!(node instanceof YamlNode.Scalar scalar)
        || scalar.kind() == YamlNode.Kind.BOOLEAN
        || scalar.kind() == YamlNode.Kind.NULL
        || scalar.kind() == YamlNode.Kind.BINARY) {
      fields.problem(path, node, "expected " + expected + ", got " + node.described());
      return null;
    }
    try {
      return parser.apply(scalar.text());
    } catch (IllegalArgumentException e) {
      fields.problem(path, node, String.valueOf(e.getMessage()));
      return null;
    }
  }

  private static Integer octal(String text) {
    String digits = text.startsWith("0o") ? text.substring(2) : text;
    if (!digits.matches("[0-7]{1,4}")) {
      throw new IllegalArgumentException(
          "expected an octal mask such as 027, got '" + text + "'; its digits are 0 to 7");
    }
    return Integer.parseInt(digits, 8);
  }

  private @Nullable EnumValueDescriptor word(
      String path, YamlNode node, List<String> words, String prefix, FieldDescriptor field) {
    String word = oneOf(path, node, words);
    return word == null
        ? null
        : field
            .getEnumType()
            .findValueByName(prefix + "_" + word.toUpperCase(Locale.ROOT).replace('-', '_'));
  }

  private @Nullable String oneOf(String path, YamlNode node, List<String> words) {
    String any = "expected one of " + String.join(", ", words);
    if (!(node instanceof YamlNode.Scalar scalar)) {
      fields.problem(path, node, any + ", got " + node.described());
      return null;
    }
    if (words.contains(scalar.text())) {
      return scalar.text();
    }
    Optional<String> near = NearestName.of(scalar.text(), words);
    fields.problem(
        path,
        node,
        any
            + ", got "
            + node.described()
            + near.map(word -> "; did you mean '" + word + "'?").orElse(""),
        near.orElse(""));
    return null;
  }

  private List<String> texts(String path, YamlNode node, Function<String, String> form) {
    String remedy = "";
    if (node instanceof YamlNode.Scalar scalar && scalar.kind() != YamlNode.Kind.NULL) {
      String[] words = scalar.text().strip().split("\\s+");
      remedy = "; write [" + String.join(", ", words) + "]";
      if (path.endsWith("ommand") || path.endsWith("preStop")) {
        remedy +=
            path.equals("command")
                ? ", or script: for a line of shell"
                : ", or [sh, -c, \"…\"] for a line of shell";
      }
      if (remedy.length() > 200) {
        remedy = "";
      }
    }
    if (!(node instanceof YamlNode.Sequence)) {
      fields.problem(path, node, "expected a list of texts, got " + node.described() + remedy);
      return List.of();
    }
    return parsedTexts(path, node, "a list of texts", form);
  }

  private <T> List<T> parsedTexts(
      String path, YamlNode node, String expected, Function<String, T> parser) {
    List<T> values = new ArrayList<>();
    List<YamlNode> items = fields.list(path, node, expected);
    for (int i = 0; i < items.size(); i++) {
      String place = path + "[" + i + "]";
      fields.place(place, items.get(i));
      String text = text(place, items.get(i));
      if (text != null) {
        try {
          values.add(parser.apply(text));
        } catch (IllegalArgumentException e) {
          fields.problem(place, items.get(i), String.valueOf(e.getMessage()));
        }
      }
    }
    return values;
  }

  private static ExitCodeRange codes(String text) {
    Matcher range = CODES.matcher(text.strip());
    if (range.matches()) {
      return ExitCodeRange.newBuilder()
          .setFirst(Integer.parseInt(range.group(1)))
          .setLast(Integer.parseInt(range.group(2)))
          .build();
    }
    if (text.strip().matches("[0-9]{1,9}")) {
      int code = Integer.parseInt(text.strip());
      return ExitCodeRange.newBuilder().setFirst(code).setLast(code).build();
    }
    throw new IllegalArgumentException(
        "expected an exit code or a range such as \"64-78\", got '" + text + "'");
  }

  private void entries(
      String path, YamlNode node, String expected, BiConsumer<String, YamlNode.Entry> reader) {
    if (!(node instanceof YamlNode.Mapping mapping)) {
      fields.problem(path, node, "expected " + expected + ", got " + node.described());
      return;
    }
    for (YamlNode.Entry entry : mapping.entries()) {
      String place = path + "." + entry.key().text();
      fields.place(place, entry.value());
      reader.accept(place, entry);
    }
  }

  private static void put(Message.Builder message, FieldDescriptor map, String key, Object value) {
    Message.Builder entry = message.newBuilderForField(map);
    entry.setField(map.getMessageType().findFieldByNumber(1), key);
    entry.setField(map.getMessageType().findFieldByNumber(2), value);
    message.addRepeatedField(map, entry.build());
  }

  private @Nullable ByteString content(String path, YamlNode node) {
    String expected = "expected a text, !!binary or {base64: …}, got ";
    return switch (node) {
      case YamlNode.Scalar scalar when scalar.kind() == YamlNode.Kind.BINARY ->
          base64(path, scalar);
      case YamlNode.Scalar scalar when scalar.kind() != YamlNode.Kind.NULL ->
          ByteString.copyFromUtf8(scalar.text());
      case YamlNode.Mapping mapping
          when mapping.entries().size() == 1
              && mapping.entries().getFirst().key().text().equals("base64")
              && mapping.entries().getFirst().value() instanceof YamlNode.Scalar scalar ->
          base64(path, scalar);
      case YamlNode other -> {
        fields.problem(path, other, expected + other.described());
        yield null;
      }
    };
  }

  private @Nullable ByteString base64(String path, YamlNode.Scalar scalar) {
    try {
      return ByteString.copyFrom(Base64.getDecoder().decode(scalar.text().replaceAll("\\s", "")));
    } catch (IllegalArgumentException e) {
      fields.problem(path, scalar, "is not base64: " + e.getMessage());
      return null;
    }
  }

  private @Nullable Rlimit rlimit(String path, YamlNode node) {
    if (node instanceof YamlNode.Mapping mapping) {
      Long soft = null;
      Long hard = null;
      for (YamlNode.Entry entry : mapping.entries()) {
        switch (entry.key().text()) {
          case "soft" -> soft = limit(path + ".soft", entry.value());
          case "hard" -> hard = limit(path + ".hard", entry.value());
          default ->
              fields.problem(
                  path + "." + entry.key().text(),
                  entry.key(),
                  "there is no key '" + entry.key().text() + "' here; keys are soft, hard");
        }
      }
      if (soft == null || hard == null) {
        fields.problem(path, node, "needs both soft and hard; one number sets both");
        return null;
      }
      return Rlimit.newBuilder().setSoft(soft).setHard(hard).build();
    }
    Long both = limit(path, node);
    return both == null ? null : Rlimit.newBuilder().setSoft(both).setHard(both).build();
  }

  private @Nullable Long limit(String path, YamlNode node) {
    return parsed(
        path,
        node,
        "a number, bytes or unlimited",
        text -> text.equals("unlimited") ? Long.valueOf(-1) : Quantity.parseBytes(text));
  }

  private static com.google.protobuf.Duration proto(Duration duration) {
    return com.google.protobuf.Duration.newBuilder()
        .setSeconds(duration.getSeconds())
        .setNanos(duration.getNano())
        .build();
  }
}

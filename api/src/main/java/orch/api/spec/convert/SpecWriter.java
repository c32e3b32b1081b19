package orch.api.spec.convert;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Duration;
import com.google.protobuf.Message;
import com.google.protobuf.MessageOrBuilder;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import orch.api.model.Quantity;
import orch.api.model.Signal;
import orch.api.spec.SpecField;
import orch.api.spec.SpecTable;
import orch.api.spec.SpecType;
import orch.v1.ExitCodeRange;
import orch.v1.IndexRange;
import orch.v1.JobSpec;
import orch.v1.Rlimit;

/** Writes a spec in the dialect: {@link SpecReader} reads it as an equal message. */
public final class SpecWriter {
  /** Longest list that is written in one line. */
  private static final int MAX_LINE = 90;

  private final StringBuilder out = new StringBuilder();

  private SpecWriter() {}

  /**
   * The YAML of a spec that passes {@link orch.api.convert.SpecConvert#fromProto}: every field that
   * is set, in the order of the documentation. For a text without what holds anyway, write {@link
   * orch.api.convert.SpecConvert#withoutDefaults} of it.
   */
  public static String write(JobSpec spec) {
    SpecWriter writer = new SpecWriter();
    writer.section("", SpecTable.job(), spec);
    return writer.out.toString();
  }

  private void section(String indent, SpecType.Section section, Message message) {
    for (SpecField field : section.fields()) {
      FieldDescriptor descriptor = message.getDescriptorForType().findFieldByName(field.proto());
      if (!isSet(message, descriptor)) {
        continue;
      }
      Object value = message.getField(descriptor);
      switch (field.type()) {
        case SpecType.Section below -> {
          Message inner = (Message) value;
          if (isEmpty(inner)) {
            line(indent, field.key(), "{}");
          } else {
            line(indent, field.key(), "");
            section(indent + "  ", below, inner);
          }
        }
        case SpecType.Sections list -> {
          line(indent, field.key(), "");
          for (Object item : (Collection<?>) value) {
            item(indent + "  ", list.item(), (Message) item);
          }
        }
        case SpecType.Content() -> content(indent, field.key(), (ByteString) value);
        case SpecType.Contents() -> {
          line(indent, field.key(), "");
          new TreeMap<>(((JobSpec) message).getFilesMap())
              .forEach((name, bytes) -> content(indent + "  ", SpecText.quoted(name), bytes));
        }
        case SpecType.TextMap() -> {
          line(indent, field.key(), "");
          entries(message, descriptor)
              .forEach((name, text) -> text(indent + "  ", SpecText.quoted(name), (String) text));
        }
        case SpecType.CountMap() -> {
          line(indent, field.key(), "");
          entries(message, descriptor)
              .forEach((name, count) ->
                  line(indent + "  ", SpecText.quoted(name), String.valueOf(count)));
        }
        case SpecType.Rlimits() -> {
          line(indent, field.key(), "");
          new TreeMap<>(((JobSpec) message).getRlimitsMap())
              .forEach((name, limit) -> line(indent + "  ", SpecText.quoted(name), limit(limit)));
        }
        case SpecType.Texts() ->
            list(indent, field.key(), (Collection<?>) value, o -> SpecText.quoted((String) o));
        case SpecType.Signals() ->
            list(indent, field.key(), (Collection<?>) value, o -> Signal.name((Integer) o));
        case SpecType.ExitCodes() ->
            list(indent, field.key(), (Collection<?>) value, o -> codes((ExitCodeRange) o));
        case SpecType.Indexes() -> line(indent, field.key(), indexes((Collection<?>) value));
        case SpecType.Text() -> text(indent, field.key(), (String) value);
        default -> line(indent, field.key(), single(field.type(), value));
      }
    }
  }

  /** One item of a list of sections, by its shorthand where that says all. */
  private void item(String indent, SpecType.Section section, Message message) {
    if (isEmpty(message)) {
      out.append(indent).append("- {}\n");
      return;
    }
    if (!section.shorthand().isEmpty() && message.getAllFields().size() == 1) {
      Map.Entry<FieldDescriptor, Object> only = message.getAllFields().entrySet().iterator().next();
      if (only.getKey().getName().equals(section.shorthand())
          && only.getValue() instanceof String text) {
        out.append(indent).append("- ").append(SpecText.quoted(text)).append('\n');
        return;
      }
    }
    int start = out.length();
    section(indent + "  ", section, message);
    out.replace(start, start + indent.length() + 2, indent + "- ");
  }

  private static String single(SpecType type, Object value) {
    return switch (type) {
      case SpecType.Bool(), SpecType.Whole _, SpecType.Weight(), SpecType.Decimal _ ->
          String.valueOf(value);
      case SpecType.InverseBool() -> String.valueOf(!(Boolean) value);
      case SpecType.Retries() -> value.equals(-1) ? "unlimited" : String.valueOf(value);
      case SpecType.Bytes() -> Quantity.formatBytes((Long) value);
      case SpecType.Cpu() -> Quantity.formatCpu((Long) value);
      case SpecType.Time() -> time((Duration) value);
      case SpecType.Octal() -> "'0" + Integer.toOctalString((Integer) value) + "'";
      case SpecType.SignalName() -> Signal.name((Integer) value);
      case SpecType.Word(List<String> words, String prefix) ->
          ((EnumValueDescriptor) value)
              .getName()
              .substring(prefix.length() + 1)
              .toLowerCase(Locale.ROOT)
              .replace('_', '-');
      case SpecType.BoolWord(String unset, String set) -> (Boolean) value ? set : unset;
      default -> throw new IllegalStateException("not a single value: " + type);
    };
  }

  private static String time(Duration duration) {
    return Quantity.formatDuration(
        java.time.Duration.ofSeconds(duration.getSeconds(), duration.getNanos()));
  }

  private void line(String indent, String key, String value) {
    out.append(indent).append(key).append(':');
    if (!value.isEmpty()) {
      out.append(' ').append(value);
    }
    out.append('\n');
  }

  private void text(String indent, String key, String text) {
    line(
        indent,
        key,
        SpecText.isBlock(text) ? SpecText.block(indent + "  ", text) : SpecText.quoted(text));
  }

  private void content(String indent, String key, ByteString bytes) {
    try {
      String text =
          StandardCharsets.UTF_8
              .newDecoder()
              .decode(ByteBuffer.wrap(bytes.toByteArray()))
              .toString();
      text(indent, key, text);
    } catch (CharacterCodingException e) {
      String base64 = Base64.getEncoder().encodeToString(bytes.toByteArray());
      line(indent, key, "{base64: \"" + base64 + "\"}");
    }
  }

  private void list(
      String indent, String key, Collection<?> values, Function<Object, String> form) {
    List<String> items = new ArrayList<>();
    values.forEach(value -> items.add(form.apply(value)));
    String flow = "[" + String.join(", ", items) + "]";
    boolean block =
        values.stream().anyMatch(value -> value instanceof String text && SpecText.isBlock(text));
    if (!block && indent.length() + key.length() + flow.length() <= MAX_LINE) {
      line(indent, key, flow);
      return;
    }
    line(indent, key, "");
    int i = 0;
    for (Object value : values) {
      out.append(indent).append("  - ");
      if (value instanceof String text && SpecText.isBlock(text)) {
        out.append(SpecText.block(indent + "    ", text));
      } else {
        out.append(items.get(i));
      }
      out.append('\n');
      i++;
    }
  }

  private static String limit(Rlimit limit) {
    String soft = limit.getSoft() == -1 ? "unlimited" : Long.toString(limit.getSoft());
    String hard = limit.getHard() == -1 ? "unlimited" : Long.toString(limit.getHard());
    return soft.equals(hard) ? soft : "{soft: " + soft + ", hard: " + hard + "}";
  }

  private static String codes(ExitCodeRange range) {
    return range.getFirst() == range.getLast()
        ? Integer.toString(range.getFirst())
        : "\"" + range.getFirst() + "-" + range.getLast() + "\"";
  }

  private static String indexes(Collection<?> ranges) {
    return ranges.stream()
        .map(range -> range((IndexRange) range))
        .collect(Collectors.joining(",", "\"", "\""));
  }

  private static String range(IndexRange range) {
    String text =
        range.getFirst() == range.getLast()
            ? Integer.toString(range.getFirst())
            : range.getFirst() + "-" + range.getLast();
    return range.getStep() == 0 ? text : text + ":" + range.getStep();
  }

  private static Map<String, Object> entries(Message message, FieldDescriptor map) {
    Map<String, Object> sorted = new TreeMap<>();
    for (Object entry : (Collection<?>) message.getField(map)) {
      MessageOrBuilder pair = (MessageOrBuilder) entry;
      FieldDescriptor key = map.getMessageType().findFieldByNumber(1);
      FieldDescriptor value = map.getMessageType().findFieldByNumber(2);
      sorted.put((String) pair.getField(key), pair.getField(value));
    }
    return sorted;
  }

  private static boolean isSet(Message message, FieldDescriptor field) {
    return field.isRepeated() ? message.getRepeatedFieldCount(field) > 0 : message.hasField(field);
  }

  private static boolean isEmpty(Message message) {
    return message.getAllFields().isEmpty();
  }
}

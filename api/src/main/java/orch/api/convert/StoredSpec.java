package orch.api.convert;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Whether this version holds all that a kept spec says. */
final class StoredSpec {
  private StoredSpec() {}

  /** A field that this version does not know is a problem, at any depth. */
  static void unknownFields(String path, Message message, SpecConvertProblems problems) {
    for (int number : message.getUnknownFields().asMap().keySet()) {
      problems.add(
          join(path, String.valueOf(number)), "is a field that this version does not know");
    }
    Submessages.each(
        message, (field, inner) -> unknownFields(join(path, field.getJsonName()), inner, problems));
  }

  /** What {@code kept} says and {@code read} does not say is a problem; more in it is none. */
  static void lost(String path, Message kept, Message read, SpecConvertProblems problems) {
    for (Map.Entry<FieldDescriptor, Object> entry : new TreeMap<>(kept.getAllFields()).entrySet()) {
      FieldDescriptor field = entry.getKey();
      String name = join(path, field.getJsonName());
      Object value = entry.getValue();
      Object now = read.getField(field);
      boolean message = field.getJavaType() == FieldDescriptor.JavaType.MESSAGE;
      if (message && !field.isRepeated()) {
        lost(name, (Message) value, (Message) now, problems);
      } else if (message && !field.isMapField()) {
        lostOf(name, (List<?>) value, (List<?>) now, problems);
      } else if (field.isMapField() ? !map(value).equals(map(now)) : !value.equals(now)) {
        problems.add(name, "has a value that this version cannot hold");
      }
    }
  }

  private static void lostOf(
      String path, List<?> kept, List<?> read, SpecConvertProblems problems) {
    if (kept.size() != read.size()) {
      problems.add(path, "has entries that this version cannot hold");
      return;
    }
    for (int i = 0; i < kept.size(); i++) {
      lost(path + "[" + i + "]", (Message) kept.get(i), (Message) read.get(i), problems);
    }
  }

  /** Entries in an order of their own. */
  private static Map<String, Message> map(Object entries) {
    Map<String, Message> map = new TreeMap<>();
    for (Object entry : (List<?>) entries) {
      Message message = (Message) entry;
      FieldDescriptor key = message.getDescriptorForType().findFieldByName("key");
      map.put(String.valueOf(message.getField(key)), message);
    }
    return map;
  }

  private static String join(String path, String name) {
    return path.isEmpty() ? name : path + "." + name;
  }
}

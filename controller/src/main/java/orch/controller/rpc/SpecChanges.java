package orch.controller.rpc;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
import com.google.protobuf.util.JsonFormat;
import java.util.ArrayList;
import java.util.List;

/** The difference of two specs, a line a field: {@code path: old -> new}. */
final class SpecChanges {
  private static final String UNSET = "unset";

  private SpecChanges() {}

  static List<String> between(Message before, Message after) {
    List<String> lines = new ArrayList<>();
    compare("", before, after, lines);
    return lines;
  }

  private static void compare(String path, Message before, Message after, List<String> lines) {
    for (FieldDescriptor field : before.getDescriptorForType().getFields()) {
      Object left = before.getField(field);
      Object right = after.getField(field);
      boolean leftSet = set(before, field);
      boolean rightSet = set(after, field);
      if (leftSet == rightSet && left.equals(right)) {
        continue;
      }
      String name = path + field.getJsonName();
      if (leftSet && rightSet && left instanceof Message leftMessage && !leaf(field)) {
        compare(name + ".", leftMessage, (Message) right, lines);
      } else {
        lines.add(
            name
                + ": "
                + (leftSet ? text(before, field) : UNSET)
                + " -> "
                + (rightSet ? text(after, field) : UNSET));
      }
    }
  }

  private static boolean leaf(FieldDescriptor field) {
    return field.getMessageType().getFullName().startsWith("google.protobuf.");
  }

  private static boolean set(Message message, FieldDescriptor field) {
    return message.getAllFields().containsKey(field);
  }

  /** The field alone in JSON, without its name. */
  private static String text(Message message, FieldDescriptor field) {
    Message alone = message.newBuilderForType().setField(field, message.getField(field)).build();
    try {
      String json = JsonFormat.printer().omittingInsignificantWhitespace().print(alone);
      return json.substring(json.indexOf(':') + 1, json.length() - 1);
    } catch (InvalidProtocolBufferException unprintable) {
      return TextFormat.printer().emittingSingleLine(true).printToString(alone);
    }
  }
}

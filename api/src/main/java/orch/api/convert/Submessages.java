package orch.api.convert;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.util.List;
import java.util.function.BiConsumer;

/** The messages that a message holds. Every replayed record is walked, so scalars cost nothing. */
public final class Submessages {
  private Submessages() {}

  /** Each one that is set or listed, with its field; of maps the entries whose values are some. */
  public static void each(Message message, BiConsumer<FieldDescriptor, Message> consumer) {
    for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
      if (!holdsMessages(field)) {
        continue;
      }
      if (!field.isRepeated()) {
        if (message.hasField(field)) {
          consumer.accept(field, (Message) message.getField(field));
        }
      } else if (message.getRepeatedFieldCount(field) > 0) {
        for (Object element : (List<?>) message.getField(field)) {
          consumer.accept(field, (Message) element);
        }
      }
    }
  }

  private static boolean holdsMessages(FieldDescriptor field) {
    if (field.isMapField()) {
      return holdsMessages(field.getMessageType().findFieldByName("value"));
    }
    return field.getJavaType() == FieldDescriptor.JavaType.MESSAGE;
  }
}

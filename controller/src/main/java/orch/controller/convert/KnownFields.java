package orch.controller.convert;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import com.google.protobuf.UnknownFieldSet;
import java.util.List;
import java.util.Map;

/**
 * A field that this version does not know means something that it would miss: the member must stop,
 * as for an unknown change.
 */
final class KnownFields {
  private KnownFields() {}

  /** The message's own fields; cheap. */
  static void require(Message message) {
    UnknownFieldSet unknown = message.getUnknownFields();
    if (!unknown.asMap().isEmpty()) {
      throw new UnknownChangeException(
          "the log holds a "
              + message.getDescriptorForType().getName()
              + " with fields "
              + unknown.asMap().keySet()
              + " that this version does not know; upgrade this controller");
    }
  }

  /** The fields at any depth; for what is rare. */
  static void requireAll(Message message) {
    require(message);
    for (Map.Entry<FieldDescriptor, Object> field : message.getAllFields().entrySet()) {
      if (field.getKey().getJavaType() != FieldDescriptor.JavaType.MESSAGE) {
        continue;
      }
      if (field.getValue() instanceof List<?> list) {
        for (Object element : list) {
          requireAll((Message) element);
        }
      } else {
        requireAll((Message) field.getValue());
      }
    }
  }
}

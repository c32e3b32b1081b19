package orch.controller.convert;

import com.google.protobuf.Message;
import com.google.protobuf.UnknownFieldSet;
import orch.api.convert.Submessages;

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
    Submessages.each(message, (field, inner) -> requireAll(inner));
  }
}

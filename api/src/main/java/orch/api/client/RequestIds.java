package orch.api.client;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.grpc.MethodDescriptor;
import java.security.SecureRandom;
import java.util.List;
import java.util.UUID;

/** Request ids: with one a change may be asked for twice and is made once. */
final class RequestIds {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final String FIELD = "request_id";

  private static final List<String> READS =
      List.of("Get", "BatchGet", "List", "Watch", "Explain", "Plan", "Stream", "Parse", "Format");

  private RequestIds() {}

  /** The request with a fresh id, if it can have one and has none. */
  @SuppressWarnings("unchecked") // A builder of a message builds the same kind of message.
  static <Q> Q identified(Q request) {
    if (request instanceof Message message) {
      FieldDescriptor field = message.getDescriptorForType().findFieldByName(FIELD);
      if (field != null && message.getField(field).equals("")) {
        return (Q) message.toBuilder().setField(field, next()).build();
      }
    }
    return request;
  }

  /** Whether a method may be called twice with this request. */
  static boolean repeatable(MethodDescriptor<?, ?> method, Object request) {
    return reads(method)
        || request instanceof Message message
            && message.getDescriptorForType().findFieldByName(FIELD) != null;
  }

  static boolean reads(MethodDescriptor<?, ?> method) {
    String name = method.getBareMethodName();
    return name != null && READS.stream().anyMatch(name::startsWith);
  }

  /** A UUID of version 7: the time in milliseconds, then random bits. */
  static String next() {
    long high = System.currentTimeMillis() << 16 | 0x7000L | RANDOM.nextLong() & 0xFFFL;
    long low = RANDOM.nextLong() & ~(3L << 62) | 1L << 63;
    return new UUID(high, low).toString();
  }
}

package orch.controller.http;

import com.google.protobuf.Message;
import io.grpc.MethodDescriptor;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A method as the HTTP port serves it.
 *
 * @param handler the same as gRPC calls, interceptors included
 * @param request an empty request
 */
record Procedure(ServerMethodDefinition<Message, Message> handler, Message request) {
  /** Of every method of {@code services}, by {@code package.Service/Method}. */
  static Map<String, Procedure> of(List<ServerServiceDefinition> services) {
    Map<String, Procedure> procedures = new TreeMap<>();
    for (ServerServiceDefinition service : services) {
      for (ServerMethodDefinition<?, ?> method : service.getMethods()) {
        procedures.put(method.getMethodDescriptor().getFullMethodName(), Procedure.of(method));
      }
    }
    return procedures;
  }

  MethodDescriptor.MethodType type() {
    return handler.getMethodDescriptor().getType();
  }

  /** Whether both sides send streams. */
  boolean converses() {
    return type() == MethodDescriptor.MethodType.BIDI_STREAMING;
  }

  /** Whether it answers with a stream. */
  boolean streams() {
    return !type().serverSendsOneMessage();
  }

  private static Procedure of(ServerMethodDefinition<?, ?> method) {
    if (method.getMethodDescriptor().getRequestMarshaller()
            instanceof MethodDescriptor.PrototypeMarshaller<?> marshaller
        && marshaller.getMessagePrototype() instanceof Message prototype) {
      @SuppressWarnings("unchecked") // Both marshallers are protobuf's.
      ServerMethodDefinition<Message, Message> typed =
          (ServerMethodDefinition<Message, Message>) method;
      return new Procedure(typed, prototype);
    }
    throw new IllegalArgumentException(
        method.getMethodDescriptor().getFullMethodName() + " takes no protobuf message");
  }
}

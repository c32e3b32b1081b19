package orch.controller.http;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.Message;
import io.grpc.Attributes;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import io.grpc.protobuf.ProtoUtils;
import java.util.ArrayList;
import java.util.List;
import orch.v1.GetClusterRequest;
import org.junit.jupiter.api.Test;

class ConnectCallTest {
  private static final Message MESSAGE = GetClusterRequest.getDefaultInstance();

  /** The service's thread and the call's meet here, as they do under load. */
  @Test
  void aMessageThatIsSentWhileAnotherStepIsWrittenIsWrittenOnce() {
    ConnectCall call = new ConnectCall(sendsHeaders(), Attributes.EMPTY, null);
    List<Message> written = new ArrayList<>();
    Responder out =
        new Responder() {
          @Override
          public void headers(Metadata headers) {
            call.sendMessage(MESSAGE);
            call.close(Status.OK, new Metadata());
          }

          @Override
          public void messages(List<Message> messages) {
            written.addAll(messages);
          }

          @Override
          public void end(Status status, Metadata trailers) {}
        };
    Status status = call.run(Context.current().withCancellation(), new Metadata(), MESSAGE, out);
    assertEquals(Status.Code.OK, status.getCode());
    assertEquals(List.of(MESSAGE), written);
  }

  private static Procedure sendsHeaders() {
    MethodDescriptor.Marshaller<Message> marshaller = ProtoUtils.marshaller(MESSAGE);
    MethodDescriptor<Message, Message> method =
        MethodDescriptor.newBuilder(marshaller, marshaller)
            .setType(MethodDescriptor.MethodType.SERVER_STREAMING)
            .setFullMethodName("test.Service/Stream")
            .build();
    return new Procedure(
        ServerMethodDefinition.create(
            method,
            (call, headers) -> {
              call.request(1);
              call.sendHeaders(new Metadata());
              return new ServerCall.Listener<Message>() {};
            }),
        MESSAGE);
  }
}

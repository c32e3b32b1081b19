package orch.controller.http;

import com.google.protobuf.Message;
import io.grpc.Metadata;
import io.grpc.Status;
import java.io.IOException;
import java.util.List;

/** Writes what a call answers; used by the call's own thread, may block it. */
interface Responder {
  /** Response metadata, before anything else. */
  void headers(Metadata headers);

  void messages(List<Message> messages) throws IOException;

  /** The last call. */
  void end(Status status, Metadata trailers) throws IOException;
}

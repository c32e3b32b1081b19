package orch.api.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.MethodDescriptor;

/** A channel to whichever controller answers. */
final class RepeatingChannel extends Channel {
  private final Controllers controllers;

  RepeatingChannel(Controllers controllers) {
    this.controllers = controllers;
  }

  /** Calls with a stream of requests go to one controller and are not repeated. */
  @Override
  public <Q, R> ClientCall<Q, R> newCall(MethodDescriptor<Q, R> method, CallOptions options) {
    return method.getType().clientSendsOneMessage()
        ? new RepeatingCall<>(controllers, method, options)
        : controllers.to(controllers.current()).newCall(method, options);
  }

  @Override
  public String authority() {
    return controllers.current();
  }
}

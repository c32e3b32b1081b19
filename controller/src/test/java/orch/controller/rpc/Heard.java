package orch.controller.rpc;

import io.grpc.stub.StreamObserver;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** What one side of a stream hears: messages, then an error or {@link #END}. */
final class Heard<T> implements StreamObserver<T> {
  static final String END = "<end>";

  final BlockingQueue<Object> all = new LinkedBlockingQueue<>();

  @Override
  public void onNext(T message) {
    all.add(message);
  }

  @Override
  public void onError(Throwable failure) {
    all.add(failure);
  }

  @Override
  public void onCompleted() {
    all.add(END);
  }

  Object next() throws InterruptedException {
    Object next = all.poll(10, TimeUnit.SECONDS);
    if (next == null) {
      throw new AssertionError("nothing came");
    }
    return next;
  }
}

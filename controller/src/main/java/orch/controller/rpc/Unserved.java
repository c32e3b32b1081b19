package orch.controller.rpc;

import com.google.rpc.Code;
import io.grpc.stub.StreamObserver;

/** Methods of the API that this version does not serve. */
final class Unserved {
  private Unserved() {}

  /**
   * Answers UNIMPLEMENTED.
   *
   * @param method for example {@code JobService.DispatchJob}
   * @param instead what to use in its place, part of a sentence
   */
  static void refuse(StreamObserver<?> observer, String method, String instead) {
    observer.onError(error(method, instead));
  }

  /** As {@link #refuse}, of a method that takes a stream. */
  static <Q> StreamObserver<Q> refuseStream(
      StreamObserver<?> observer, String method, String instead) {
    refuse(observer, method, instead);
    return new StreamObserver<>() {
      @Override
      public void onNext(Q message) {}

      @Override
      public void onError(Throwable failure) {}

      @Override
      public void onCompleted() {}
    };
  }

  private static RuntimeException error(String method, String instead) {
    return Errors.error(
        Code.UNIMPLEMENTED, "NOT_SERVED", method + " is not served yet; " + instead);
  }
}

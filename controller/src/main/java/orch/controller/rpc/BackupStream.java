package orch.controller.rpc;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.concurrent.atomic.AtomicReference;
import orch.controller.port.ControllerPort;
import orch.v1.BackupChunk;
import org.jspecify.annotations.Nullable;

/** A backup as a stream, no faster than the client reads it. */
final class BackupStream implements ControllerPort.BackupTaker {
  /** Bytes in one message. */
  private static final int CHUNK_BYTES = 256 * 1024;

  private final ServerCallStreamObserver<BackupChunk> observer;
  private final AtomicReference<ControllerPort.@Nullable Backup> backup = new AtomicReference<>();

  private BackupStream(ServerCallStreamObserver<BackupChunk> observer) {
    this.observer = observer;
  }

  /** To be called by the service method itself. */
  static void start(ControllerPort port, ServerCallStreamObserver<BackupChunk> observer) {
    BackupStream stream = new BackupStream(observer);
    observer.setOnReadyHandler(() -> {
      ControllerPort.Backup of = stream.backup.get();
      if (of != null) {
        of.resume();
      }
    });
    observer.setOnCancelHandler(() -> {
      ControllerPort.Backup of = stream.backup.get();
      if (of != null) {
        of.stop();
      }
    });
    ControllerPort.Backup begun = port.backup(stream);
    stream.backup.set(begun);
    begun.resume();
  }

  @Override
  public boolean ready() {
    return observer.isReady();
  }

  @Override
  public void data(byte[] bytes) {
    for (int from = 0; from < bytes.length; from += CHUNK_BYTES) {
      int length = Math.min(CHUNK_BYTES, bytes.length - from);
      observer.onNext(
          BackupChunk.newBuilder().setData(ByteString.copyFrom(bytes, from, length)).build());
    }
  }

  @Override
  public void done() {
    observer.onCompleted();
  }

  @Override
  public void failed(String why) {
    observer.onError(Status.UNAVAILABLE.withDescription(why).asRuntimeException());
  }
}

package orch.agent.rpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Channel;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import orch.agent.live.Conversation;
import orch.agent.v1.AgentServiceGrpc;
import orch.agent.v1.ExecInput;
import orch.agent.v1.ExecOutput;
import orch.api.convert.AttemptConvert;
import orch.api.model.Result;
import org.jspecify.annotations.Nullable;

/** One ServeExec stream: output goes out as long as the controller grants credit. */
final class GrpcConversation
    implements Conversation, ClientResponseObserver<ExecOutput, ExecInput> {
  /** What a controller may send before anybody listens; more breaks the stream. */
  private static final int MAX_EARLY = 1_024;

  private @Nullable ClientCallStreamObserver<ExecOutput> stream;
  // Guarded by this.
  private final List<Consumer<Listener>> early = new ArrayList<>();
  private @Nullable Listener listener;
  private long credit;
  private boolean ended;

  private GrpcConversation() {}

  static GrpcConversation open(Channel channel, long number) {
    GrpcConversation conversation = new GrpcConversation();
    AgentServiceGrpc.newStub(channel).serveExec(conversation);
    conversation.next(ExecOutput.newBuilder().setStream(number));
    return conversation;
  }

  /** For a stream whose controller is gone already. */
  static GrpcConversation gone() {
    GrpcConversation conversation = new GrpcConversation();
    conversation.onCompleted();
    return conversation;
  }

  @Override
  public synchronized void listen(Listener heard) {
    listener = heard;
    early.forEach(event -> event.accept(heard));
    early.clear();
  }

  @Override
  public synchronized boolean send(int which, byte[] bytes) throws InterruptedException {
    // A piece may overdraw the credit once, so that one of any size goes through.
    while (credit <= 0 && !ended) {
      wait();
    }
    if (ended) {
      return false;
    }
    credit -= bytes.length;
    ByteString data = UnsafeByteOperations.unsafeWrap(bytes);
    next(
        which == STDERR
            ? ExecOutput.newBuilder().setStderr(data)
            : ExecOutput.newBuilder().setStdout(data));
    return true;
  }

  @Override
  public synchronized void credit(long bytes) {
    next(ExecOutput.newBuilder().setCredit(bytes));
  }

  @Override
  public synchronized void result(Result result) {
    last(ExecOutput.newBuilder().setResult(AttemptConvert.toProto(result)));
  }

  @Override
  public synchronized void refuse(String why) {
    last(ExecOutput.newBuilder().setError(why));
  }

  private void last(ExecOutput.Builder message) {
    ClientCallStreamObserver<ExecOutput> open = stream;
    if (!ended && open != null) {
      ended = true;
      open.onNext(message.build());
      open.onCompleted();
      notifyAll();
    }
  }

  private void next(ExecOutput.Builder message) {
    ClientCallStreamObserver<ExecOutput> open = stream;
    if (!ended && open != null) {
      open.onNext(message.build());
    }
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<ExecOutput> requests) {
    stream = requests;
  }

  @Override
  public synchronized void onNext(ExecInput message) {
    switch (message.getKindCase()) {
      case STDIN -> {
        byte[] bytes = message.getStdin().toByteArray();
        tell(to -> to.input(bytes));
      }
      case STDIN_EOF -> tell(Listener::endOfInput);
      case RESIZE ->
          tell(to -> to.resize(message.getResize().getRows(), message.getResize().getColumns()));
      case SIGNAL -> tell(to -> to.signal(message.getSignal()));
      case CREDIT -> {
        credit += message.getCredit();
        notifyAll();
      }
      case KIND_NOT_SET -> {
        // Of a newer controller.
      }
    }
  }

  private void tell(Consumer<Listener> event) {
    Listener heard = listener;
    if (heard != null) {
      event.accept(heard);
    } else if (early.size() < MAX_EARLY) {
      early.add(event);
    } else if (stream != null) {
      stream.cancel("more input than was granted", null);
    }
  }

  @Override
  public synchronized void onError(Throwable problem) {
    onCompleted();
  }

  @Override
  public synchronized void onCompleted() {
    boolean before = ended;
    ended = true;
    notifyAll();
    if (!before) {
      tell(Listener::gone);
    }
  }
}

package orch.agent;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import orch.agent.live.Conversation;
import orch.api.model.Result;

/** A receiver that grants credit as the test says, and keeps what it got. */
final class FakeConversation implements Conversation {
  private static final long PATIENCE_SECONDS = 20;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final CompletableFuture<Listener> listener = new CompletableFuture<>();
  final CompletableFuture<Result> result = new CompletableFuture<>();
  private long credit = Long.MAX_VALUE / 2;
  private long granted;
  private boolean gone;

  @Override
  public void listen(Listener heard) {
    listener.complete(heard);
  }

  Listener agent() throws Exception {
    return listener.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  Result ended() throws Exception {
    return result.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  synchronized void creditOnly(long bytes) {
    credit = bytes;
  }

  synchronized void more(long bytes) {
    credit += bytes;
    notifyAll();
  }

  void leave() throws Exception {
    synchronized (this) {
      gone = true;
      notifyAll();
    }
    agent().gone();
  }

  synchronized String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  synchronized String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  synchronized int outBytes() {
    return out.size();
  }

  /** Bytes of input that the agent took. */
  synchronized long granted() {
    return granted;
  }

  synchronized void awaitOut(String text) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!out.toString(StandardCharsets.UTF_8).contains(text)) {
      long left = end - System.nanoTime();
      if (left <= 0) {
        throw new AssertionError("'" + text + "' did not come; got '" + out() + "'");
      }
      TimeUnit.NANOSECONDS.timedWait(this, left);
    }
  }

  @Override
  public synchronized boolean send(int stream, byte[] bytes) throws InterruptedException {
    while (credit <= 0 && !gone) {
      wait();
    }
    if (gone) {
      return false;
    }
    credit -= bytes.length;
    (stream == STDERR ? err : out).writeBytes(bytes);
    notifyAll();
    return true;
  }

  @Override
  public synchronized void credit(long bytes) {
    granted += bytes;
    notifyAll();
  }

  @Override
  public void result(Result of) {
    result.complete(of);
  }

  @Override
  public void refuse(String why) {
    result.completeExceptionally(new IllegalStateException(why));
  }
}

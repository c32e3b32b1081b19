package orch.controller.port;

import java.util.List;
import java.util.concurrent.CompletionStage;
import orch.api.model.AgentMessage;
import orch.api.model.ControllerMessage;
import orch.controller.core.Answer;
import orch.controller.core.Input;
import orch.controller.core.StateView;

/**
 * The controller as its edges see it. Every method may be called by any thread and never blocks;
 * stages complete on the controller's loop, so what hangs on them must be short or move elsewhere
 * ({@code thenApplyAsync}). A stage that fails does so with {@link UnavailableException}, or with
 * what the caller's own reader threw.
 */
public interface ControllerPort {
  /**
   * Decides a request. {@code reader} runs on the loop right after the decision; its result is
   * released once that revision has committed, so that nobody sees what may still be lost.
   */
  <T> CompletionStage<T> submit(Input.Request request, AnswerReader<T> reader);

  /** Reads the state on the loop; released once the revision that was read has committed. */
  <T> CompletionStage<T> read(StateReader<T> reader);

  /**
   * An agent opened a session and sent its first message. The returned session takes the rest. On a
   * standby the link is closed with {@code NOT_LEADER} (see {@link AgentLink#close}).
   */
  AgentSession openSession(AgentMessage.Hello hello, AgentLink link);

  /**
   * Sends a message that follows from no decision ({@link ControllerMessage.OpenLogs}, {@link
   * ControllerMessage.CloseLogs}, {@link ControllerMessage.Signal}, {@link
   * ControllerMessage.Inspect}) to a node. False: the node has no live session.
   */
  CompletionStage<Boolean> send(String nodeUid, ControllerMessage message);

  /**
   * From now on {@code listener} hears of what commits. It is first told {@link
   * CommittedListener#rebuilt} with the state as it is when that revision has committed.
   */
  Subscription addListener(CommittedListener listener);

  /** Role of this controller, the epoch, and where the leader is, as far as it is known here. */
  Leadership leadership();

  /** Controllers that are alive, this one among them, by name. */
  List<Member> members();

  /** Takes a backup; called on the loop's thread. */
  interface BackupTaker {
    /** Whether more is wanted now; if not, {@link Backup#resume} is to be called once it is. */
    boolean ready();

    void data(byte[] bytes);

    void done();

    void failed(String why);
  }

  /** A backup that is being taken. */
  interface Backup {
    /** The taker is ready again. */
    void resume();

    /** No more is wanted; may come after the end. */
    void stop();
  }

  /**
   * Begins a backup of the state as it is, and of nothing that has not committed. Who does not lead
   * has none: it fails.
   */
  Backup backup(BackupTaker taker);

  /** Reads the answer's objects from the state in which they were decided. */
  @FunctionalInterface
  interface AnswerReader<T> {
    T read(Answer answer, StateView view, long revision);
  }

  /** Reads the state; must neither keep the view nor change what it hands out. */
  @FunctionalInterface
  interface StateReader<T> {
    T read(StateView view, long revision);
  }

  /** Ends what it was returned for; may be called more than once. */
  interface Subscription {
    void cancel();
  }
}

package orch.controller.http;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import orch.api.model.AgentMessage;
import orch.api.model.ControllerMessage;
import orch.controller.core.Input;
import orch.controller.core.State;
import orch.controller.port.AgentLink;
import orch.controller.port.AgentSession;
import orch.controller.port.CommittedListener;
import orch.controller.port.ControllerPort;
import orch.controller.port.Leadership;
import orch.controller.port.Member;
import orch.controller.port.Role;

/** A controller in a given role over an empty state, which takes no requests. */
final class IdleController implements ControllerPort {
  static final Member SELF =
      new Member("c1", true, 3, 17, "127.0.0.1:7400", "127.0.0.1:7401", "0.1.0", 1);

  private final State state = new State();
  private volatile Role role = Role.LEADER;

  void become(Role newRole) {
    role = newRole;
  }

  @Override
  public Leadership leadership() {
    return new Leadership(role, 3, 17, SELF);
  }

  @Override
  public List<Member> members() {
    return List.of(SELF);
  }

  @Override
  public <T> CompletionStage<T> read(StateReader<T> reader) {
    return CompletableFuture.completedFuture(reader.read(state, 17));
  }

  @Override
  public <T> CompletionStage<T> submit(Input.Request request, AnswerReader<T> reader) {
    throw new UnsupportedOperationException();
  }

  @Override
  public AgentSession openSession(AgentMessage.Hello hello, AgentLink link) {
    throw new UnsupportedOperationException();
  }

  @Override
  public CompletionStage<Boolean> send(String nodeUid, ControllerMessage message) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Subscription addListener(CommittedListener listener) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Backup backup(BackupTaker taker) {
    throw new UnsupportedOperationException();
  }
}

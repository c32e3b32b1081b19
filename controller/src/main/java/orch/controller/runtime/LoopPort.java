package orch.controller.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import orch.api.model.AgentMessage;
import orch.api.model.ControllerMessage;
import orch.controller.core.Answer;
import orch.controller.core.Input;
import orch.controller.core.InvariantError;
import orch.controller.port.AgentLink;
import orch.controller.port.AgentSession;
import orch.controller.port.CommittedListener;
import orch.controller.port.ControllerPort;
import orch.controller.port.Leadership;
import orch.controller.port.Member;
import orch.controller.port.Role;
import orch.controller.port.UnavailableException;

/** The loop's side of the port: puts what any thread asks into the loop's queue. */
final class LoopPort implements ControllerPort {
  private final ControllerLoop loop;
  private final AtomicInteger waiting = new AtomicInteger();
  private final AtomicLong sessionNumbers = new AtomicLong();

  LoopPort(ControllerLoop loop) {
    this.loop = loop;
  }

  @Override
  public <T> CompletionStage<T> submit(Input.Request request, AnswerReader<T> reader) {
    return enqueue(
        () -> {
          Answer answer = loop.decide(request).answer();
          if (answer == null) {
            throw new InvariantError("the core gave no answer to " + request);
          }
          return () -> reader.read(answer, loop.state(), loop.appendedRevision());
        },
        true);
  }

  @Override
  public <T> CompletionStage<T> read(StateReader<T> reader) {
    return enqueue(() -> () -> reader.read(loop.state(), loop.appendedRevision()), false);
  }

  @Override
  public AgentSession openSession(AgentMessage.Hello hello, AgentLink link) {
    AgentSessions.Session session =
        new AgentSessions.Session(sessionNumbers.incrementAndGet(), hello, link);
    loop.enqueue(
        new ControllerLoop.Work() {
          @Override
          public void run() {
            loop.sessions().open(session);
          }

          @Override
          public void refuse(UnavailableException why) {
            link.close(loop.notLeading());
          }

          @Override
          public boolean impatient() {
            return loop.sessions().suspended();
          }
        });
    return new QueuedSession(session);
  }

  @Override
  public CompletionStage<Boolean> send(String nodeUid, ControllerMessage message) {
    CompletableFuture<Boolean> sent = new CompletableFuture<>();
    loop.execute(() ->
        sent.complete(loop.role() == Role.LEADER && loop.sessions().sendNow(nodeUid, message)));
    return sent;
  }

  @Override
  public Subscription addListener(CommittedListener listener) {
    loop.execute(() -> loop.listeners().add(listener));
    return () -> loop.execute(() -> loop.listeners().remove(listener));
  }

  @Override
  public Backup backup(BackupTaker taker) {
    return loop.backups().begin(taker);
  }

  @Override
  public Leadership leadership() {
    Role role = loop.role();
    Member self = loop.self();
    if (role == Role.LEADER) {
      // One that lost its session sends nobody to itself.
      Member leading = self.leader() ? self : null;
      return new Leadership(role, self.epoch(), self.appliedRevision(), leading);
    }
    Member leader = null;
    for (Member member : loop.membership().members()) {
      if (member.leader()
          && !member.name().equals(self.name())
          && (leader == null || member.epoch() > leader.epoch())) {
        leader = member;
      }
    }
    long epoch = Math.max(self.epoch(), leader == null ? 0 : leader.epoch());
    return new Leadership(role, epoch, self.appliedRevision(), leader);
  }

  @Override
  public List<Member> members() {
    Member self = loop.self();
    List<Member> members = new ArrayList<>();
    for (Member member : loop.membership().members()) {
      members.add(member.name().equals(self.name()) ? self : member);
    }
    return members;
  }

  /**
   * Queues a request or a read, unless too many wait.
   *
   * @param decide runs on the loop; what it returns reads the answer, and may fail, which is the
   *     caller's affair
   */
  private <T> CompletionStage<T> enqueue(Supplier<Supplier<T>> decide, boolean mayHaveEffect) {
    CompletableFuture<T> result = new CompletableFuture<>();
    if (waiting.incrementAndGet() > LoopLimits.MAX_QUEUED_REQUESTS) {
      waiting.decrementAndGet();
      result.completeExceptionally(
          new UnavailableException(
              UnavailableException.Reason.OVERLOADED,
              "the controller has "
                  + LoopLimits.MAX_QUEUED_REQUESTS
                  + " requests waiting already; nothing was done, try again later",
              null));
      return result;
    }
    loop.enqueue(
        new ControllerLoop.Work() {
          @Override
          public void run() {
            waiting.decrementAndGet();
            Supplier<T> reading = decide.get();
            T value;
            try {
              value = reading.get();
            } catch (InvariantError e) {
              throw e;
            } catch (RuntimeException e) {
              result.completeExceptionally(e);
              return;
            }
            loop.hold(new Reply<>(result, value, mayHaveEffect));
          }

          @Override
          public void refuse(UnavailableException why) {
            waiting.decrementAndGet();
            result.completeExceptionally(why);
          }

          @Override
          public boolean impatient() {
            return true;
          }
        });
    return result;
  }

  /** A reply that waits for its revision. */
  private final class Reply<T> implements HeldActions.Action {
    private final CompletableFuture<T> result;
    private final T value;
    private final boolean mayHaveEffect;

    Reply(CompletableFuture<T> result, T value, boolean mayHaveEffect) {
      this.result = result;
      this.value = value;
      this.mayHaveEffect = mayHaveEffect;
    }

    @Override
    public void run() {
      result.complete(value);
    }

    @Override
    public void lost() {
      result.completeExceptionally(
          mayHaveEffect
              ? outcomeUnknown(
                  "this controller lost the leadership before the answer was committed")
              : loop.refusal());
    }

    @Override
    public void late() {
      result.completeExceptionally(
          mayHaveEffect
              ? outcomeUnknown("ZooKeeper does not answer, so the answer is not committed")
              : loop.logUnavailable());
    }

    private UnavailableException outcomeUnknown(String why) {
      return new UnavailableException(
          UnavailableException.Reason.OUTCOME_UNKNOWN,
          why + "; the request may have taken effect or not: repeat it with the same request id",
          leadership().leader());
    }
  }

  private final class QueuedSession implements AgentSession {
    private final AgentSessions.Session session;

    QueuedSession(AgentSessions.Session session) {
      this.session = session;
    }

    @Override
    public void receive(AgentMessage message, Runnable taken) {
      if (message instanceof AgentMessage.Heartbeat) {
        // Passes the queue: a node must not look silent because much is to be done.
        loop.execute(() -> take(message, taken));
        return;
      }
      loop.enqueue(
          new ControllerLoop.Work() {
            @Override
            public void run() {
              take(message, taken);
            }

            @Override
            public void refuse(UnavailableException why) {
              taken.run();
            }
          });
    }

    @Override
    public void closed() {
      loop.execute(() -> loop.sessions().closed(session));
    }

    private void take(AgentMessage message, Runnable taken) {
      if (loop.role() == Role.LEADER) {
        loop.sessions().receive(session, message);
      }
      taken.run();
    }
  }
}

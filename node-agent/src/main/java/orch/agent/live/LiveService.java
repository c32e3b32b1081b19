package orch.agent.live;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Function;
import orch.agent.core.KnownAttempt;
import orch.agent.linux.Linux;
import orch.agent.logs.LogServer;
import orch.agent.process.CommandPort;
import orch.agent.process.Guarded;
import orch.agent.process.StartRefusedException;
import orch.agent.process.StartRequest;
import orch.agent.process.TaskPreparation;
import orch.api.model.AgentMessage;
import orch.api.model.Blob;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.Execution;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.SpecDefinition;
import orch.api.model.Uid;
import orch.api.seam.Clock;
import org.jspecify.annotations.Nullable;

/** Trees and usage, commands and attachments of this node's attempts. */
public final class LiveService implements LiveTasks {
  /** Commands that run at a time; one more is refused. */
  static final int MAX_COMMANDS = 128;

  /** Attachments at a time; one more is refused. */
  static final int MAX_ATTACHMENTS = 256;

  private static final String GONE = "the task does not run on this node (any more)";

  private final Linux linux;
  private final Executor loop;
  private final Executor background;
  private final CommandPort commands;
  private final Conversations conversations;
  private final Inspector inspector;
  private final Set<RunningCommand> running = new HashSet<>();
  private final Map<Uid, Map<Long, Attached>> attached = new HashMap<>();
  private int attachments;

  private record Attached(Attachment attachment, LogServer logs) {}

  /**
   * @param loop of the agent
   * @param background for what may wait for a name service
   * @param attempts where a running attempt is found, asked on the loop; null: it does not run
   */
  public LiveService(
      Linux linux,
      Clock clock,
      Executor loop,
      Executor background,
      CommandPort commands,
      Conversations conversations,
      Function<Uid, @Nullable Guarded> attempts) {
    this.linux = linux;
    this.loop = loop;
    this.background = background;
    this.commands = commands;
    this.conversations = conversations;
    this.inspector = new Inspector(linux, clock, loop, attempts);
  }

  @Override
  public void inspect(ControllerMessage.Inspect query, Consumer<AgentMessage.Inspected> answer) {
    inspector.inspect(query, answer);
  }

  // ---- commands

  @Override
  public void run(
      ControllerMessage.OpenExec query,
      @Nullable DesiredAttempt order,
      @Nullable SpecDefinition definition,
      TaskPreparation tasks) {
    Conversation conversation = conversations.open(query.stream());
    if (order == null || definition == null) {
      conversation.refuse(GONE);
      return;
    }
    if (running.size() >= MAX_COMMANDS) {
      conversation.refuse(
          MAX_COMMANDS + " commands run inside this node's tasks already; end some first");
      return;
    }
    background.execute(() -> {
      try {
        StartRequest request =
            tasks.inside(order, bare(definition), definition.jobName() + " exec");
        loop.execute(() -> begin(query, request, conversation));
      } catch (StartRefusedException e) {
        conversation.result(Result.without(ResultKind.START_FAILED, e.failure()));
      }
    });
  }

  private void begin(
      ControllerMessage.OpenExec query, StartRequest request, Conversation conversation) {
    RunningCommand[] self = new RunningCommand[1];
    RunningCommand command =
        new RunningCommand(linux, commands, loop, conversation, () -> running.remove(self[0]));
    self[0] = command;
    running.add(command);
    command.start(request, query);
  }

  /**
   * The task without what is done once for it: its command, script and files. A command from
   * outside is not expanded either: it comes later, as it was typed.
   */
  private static SpecDefinition bare(SpecDefinition of) {
    Execution execution = of.spec().execution();
    return new SpecDefinition(
        of.jobUid(),
        of.version(),
        of.spec()
            .withExecution(
                new Execution(
                    List.of("command"),
                    Blob.EMPTY,
                    new TreeMap<>(),
                    execution.env(),
                    "",
                    "",
                    "",
                    execution.user(),
                    execution.workingDirectory(),
                    execution.umask(),
                    execution.nice(),
                    execution.oomScoreAdj(),
                    execution.rlimits(),
                    execution.capabilities(),
                    execution.noNewPrivileges(),
                    execution.seccomp(),
                    false,
                    List.of(),
                    execution.pidNamespace(),
                    execution.fileAccess(),
                    false,
                    false)),
        of.namespace(),
        of.jobName(),
        of.jobNumber(),
        of.traceId(),
        of.traceState(),
        of.count());
  }

  // ---- attachments

  @Override
  public void attach(
      ControllerMessage.OpenAttach query,
      @Nullable KnownAttempt attempt,
      boolean terminal,
      LogServer logs) {
    Conversation conversation = conversations.open(query.stream());
    if (attempt == null) {
      conversation.refuse(GONE);
      return;
    }
    if (attachments >= MAX_ATTACHMENTS) {
      conversation.refuse(
          MAX_ATTACHMENTS + " are attached to this node's tasks already; end some first");
      return;
    }
    attachments++;
    Attachment attachment =
        new Attachment(linux, commands, loop, conversation, query.uid(), () -> detach(query, logs));
    attached
        .computeIfAbsent(query.uid(), uid -> new HashMap<>())
        .put(query.stream(), new Attached(attachment, logs));
    if (!query.stdin()) {
      attachment.begin();
      serveOutput(query, attempt, attachment, logs);
      return;
    }
    commands.input(
        query.uid(),
        descriptor -> {
          if (descriptor < 0) {
            detach(query, logs);
            conversation.refuse(
                "the task takes no input (any more); it is started with run -i, or interactive:"
                    + " true in its spec");
          } else {
            attachment.begin(descriptor, terminal);
            serveOutput(query, attempt, attachment, logs);
          }
        });
  }

  private static void serveOutput(
      ControllerMessage.OpenAttach query,
      KnownAttempt attempt,
      Attachment attachment,
      LogServer logs) {
    if (query.noOutput()) {
      attachment.withoutOutput();
      return;
    }
    logs.open(
        new ControllerMessage.OpenLogs(
            query.stream(),
            attempt.jobUid(),
            attempt.index(),
            attempt.attempt(),
            true,
            query.tail(),
            0,
            0),
        attachment);
  }

  private void detach(ControllerMessage.OpenAttach query, LogServer logs) {
    Map<Long, Attached> of = attached.get(query.uid());
    if (of != null && of.remove(query.stream()) != null) {
      attachments--;
      logs.close(query.stream(), false);
      if (of.isEmpty()) {
        attached.remove(query.uid());
      }
    }
  }

  @Override
  public void ended(Uid uid, Result result) {
    Map<Long, Attached> of = attached.remove(uid);
    if (of != null) {
      of.forEach((stream, each) -> {
        attachments--;
        each.logs().close(stream, true);
        each.attachment().ended(result);
      });
    }
  }
}

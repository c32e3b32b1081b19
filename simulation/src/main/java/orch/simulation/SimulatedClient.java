package orch.simulation;

import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import orch.controller.core.Answer;
import orch.controller.core.Input;
import orch.controller.core.RequestMeta;
import orch.controller.port.ControllerPort;
import orch.controller.port.UnavailableException;
import org.jspecify.annotations.Nullable;

/**
 * A caller of the API: it asks one controller after the other until one answers, always under the
 * same request id, and now and then asks once more though it had its answer.
 */
final class SimulatedClient {
  private static final Duration PATIENCE = Duration.ofSeconds(3);
  private static final double REPEATS = 0.05;
  private static final double READS = 0.3;
  private static final Duration LOOK_AGAIN = Duration.ofMillis(50);

  /** Ten seconds, as the edge has it. */
  private static final int MOST_LOOKS = 200;

  private final World world;
  private final SimulatedNetwork network;
  private final SimulatedProcess process;
  private final List<SimulatedController> controllers;
  private final AnswerBook answers;
  private int next;
  private int requests;
  private int open;
  private int answered;

  SimulatedClient(
      World world,
      SimulatedNetwork network,
      SimulatedMachine machine,
      List<SimulatedController> controllers,
      AnswerBook answers) {
    this.world = world;
    this.network = network;
    this.process = new SimulatedProcess(world, machine, machine.name());
    this.controllers = controllers;
    this.answers = answers;
  }

  /** Requests that have no answer yet. */
  int open() {
    return open;
  }

  int answered() {
    return answered;
  }

  SimulatedProcess process() {
    return process;
  }

  /** Asks until there is an answer. */
  void ask(
      String what, Function<RequestMeta, Input.Request> request, Consumer<Answer> whenAnswered) {
    open++;
    String id = requestId();
    new Call(what, id, request.apply(new RequestMeta(id, id.hashCode(), "local")), whenAnswered)
        .attempt();
  }

  /** A UUID, version 7, as clients make them. */
  private String requestId() {
    long millis = process.machine().clock().now().toEpochMilli();
    String time = String.format("%012x", millis);
    return String.format(
        "%s-%s-7%03x-8%03x-%012x",
        time.substring(0, 8),
        time.substring(8),
        requests & 0xfff,
        process.machine().number(),
        ++requests);
  }

  /** Reads at some controller what was answered at another; a message that is lost ends it. */
  private void readBack(long least) {
    SimulatedController at = world.pick(controllers);
    SimulatedProcess server = at.process();
    if (server != null) {
      network.datagram(process, server, "reads", () -> serveRead(at, server, least, MOST_LOOKS));
    }
  }

  /** As the edge does for a caller who gives a least revision: it waits until that was told. */
  private void serveRead(SimulatedController at, SimulatedProcess server, long least, int looks) {
    ControllerPort port = at.port();
    if (port == null || looks == 0) {
      return;
    }
    if (at.told() < least) {
      server.after(
          LOOK_AGAIN, "waits for a revision", () -> serveRead(at, server, least, looks - 1));
      return;
    }
    port.read((view, revision) -> revision)
        .thenAccept(revision -> {
          try {
            answers.read(at.name(), revision, least);
          } catch (Violation violation) {
            world.broken(violation);
          }
        });
  }

  private record Heard(@Nullable Answer answer, long revision, @Nullable String leader) {}

  private final class Call {
    private final String what;
    private final String id;
    private final Input.Request request;
    private final Consumer<Answer> whenAnswered;
    private @Nullable Answer answer;
    private @Nullable String leader;
    private int attempt;

    Call(String what, String id, Input.Request request, Consumer<Answer> whenAnswered) {
      this.what = what;
      this.id = id;
      this.request = request;
      this.whenAnswered = whenAnswered;
    }

    void attempt() {
      int mine = ++attempt;
      SimulatedController target = controllers.get(next % controllers.size());
      String named = leader;
      leader = null;
      for (SimulatedController each : controllers) {
        if (each.name().equals(named)) {
          target = each;
        }
      }
      SimulatedController at = target;
      SimulatedProcess server = at.process();
      if (server != null) {
        network.datagram(process, server, what, () -> serve(at, server, mine));
      }
      process.after(
          PATIENCE,
          "gives up waiting",
          () -> {
            if (mine == attempt && answer == null) {
              next++;
              attempt();
            }
          });
    }

    /** At the controller. */
    private void serve(SimulatedController at, SimulatedProcess server, int mine) {
      ControllerPort port = at.port();
      if (port == null) {
        return;
      }
      port.submit(request, (heard, view, revision) -> new Heard(heard, revision, null))
          .whenComplete((heard, problem) -> {
            if (heard != null && heard.answer() != null) {
              try {
                answers.released(at.name(), id, heard.answer(), heard.revision());
              } catch (Violation violation) {
                world.broken(violation);
              }
            }
            Heard back = heard != null ? heard : refused(problem);
            network.datagram(server, process, "answer", () -> hear(mine, back));
          });
    }

    private static Heard refused(@Nullable Throwable problem) {
      if (problem instanceof UnavailableException unavailable) {
        return new Heard(
            null, 0, unavailable.leader() == null ? null : unavailable.leader().name());
      }
      throw new IllegalStateException("a request failed", problem);
    }

    /** Whether a repetition must give the same. */
    private static boolean lasting(Answer of) {
      return !(of instanceof Answer.Rejected || of instanceof Answer.Validated);
    }

    private void hear(int mine, Heard heard) {
      Answer got = heard.answer();
      if (got == null) {
        if (mine == attempt && answer == null) {
          leader = heard.leader();
          next += leader == null ? 1 : 0;
          process.after(
              world.millis(50, 500),
              "asks again",
              () -> {
                if (mine == attempt && answer == null) {
                  attempt();
                }
              });
        }
        return;
      }
      if (answer != null) {
        if (!answer.equals(got) && lasting(answer) && lasting(got)) {
          world.broken(new Violation(4, what + " was answered " + answer + ", then " + got));
        }
        return;
      }
      answer = got;
      open--;
      answered++;
      world.record(process.name(), "hears: " + what + ": " + got.getClass().getSimpleName());
      if (world.traced()) {
        world.comment(process.name(), got.toString());
      }
      whenAnswered.accept(got);
      if (world.chance(READS)) {
        readBack(heard.revision());
      }
      if (world.chance(REPEATS)) {
        process.after(world.millis(1, 2_000), "asks once more", this::attempt);
      }
    }
  }
}

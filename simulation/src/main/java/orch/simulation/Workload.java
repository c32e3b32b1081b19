package orch.simulation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import orch.api.model.IndexRange;
import orch.api.model.JobState;
import orch.api.model.JobType;
import orch.controller.core.Answer;
import orch.controller.core.Input;
import orch.controller.core.NodeAvailability;
import orch.controller.core.NodeView;
import orch.controller.core.SubmitOutcome;
import orch.controller.core.TaskRef;
import org.jspecify.annotations.Nullable;

/**
 * What callers ask of the cluster: jobs of every kind, and everything that may be done to them and
 * to nodes, at random moments.
 */
final class Workload {
  /** The code by which a task asks to be run again. */
  static final int TEMPORARY_CODE = 75;

  private static final Duration SETTLES_AGAIN = Duration.ofSeconds(5);
  private static final int SERVICES = 4;
  private static final int NAMES = 12;

  private final World world;
  private final CommittedLog log;
  private final Ledger ledger;
  private final List<SimulatedClient> clients;
  private final List<SimulatedNode> nodes;
  private final JobKinds kinds;
  private final List<Long> known = new ArrayList<>();
  private final int mostPauseMillis;
  private int operations;
  private boolean over;

  Workload(
      World world,
      CommittedLog log,
      Ledger ledger,
      List<SimulatedClient> clients,
      List<SimulatedNode> nodes) {
    this.world = world;
    this.log = log;
    this.ledger = ledger;
    this.clients = clients;
    this.nodes = nodes;
    this.kinds = new JobKinds(world);
    this.mostPauseMillis = 400 + world.below(2_000);
  }

  /** Begins to ask. */
  void begin() {
    world.after(world.millis(1, mostPauseMillis), "workload", "asks", this::next);
  }

  int submits() {
    return known.size();
  }

  /**
   * Nothing new is asked for; what is held or suspended goes on, nodes may be used again, and some
   * services are ended, so that everything can come to rest.
   */
  void settle() {
    over = true;
    for (Ledger.BookedJob job : ledger.jobs()) {
      if (job.spec.type() == JobType.SERVICE && job.end == null && world.chance(0.5)) {
        cancel(job.number);
      }
    }
    settleAgain();
  }

  private void settleAgain() {
    for (Ledger.BookedJob job : ledger.jobs()) {
      if (job.held && job.end == null && !job.stopping) {
        client().ask("release", meta -> new Input.ReleaseJob(meta, job.number), answer -> {});
      }
    }
    for (Ledger.BookedJob job : ledger.jobs()) {
      if (job.suspended && job.end == null) {
        client().ask("resume", meta -> new Input.ResumeJob(meta, job.number), answer -> {});
      }
    }
    for (NodeView node : log.state().nodes()) {
      if (node.availability() != NodeAvailability.READY) {
        client().ask("uncordon", meta -> new Input.UncordonNode(meta, node.name()), answer -> {});
      }
    }
    world.after(SETTLES_AGAIN, "workload", "settles", this::settleAgain);
  }

  /** An operator vouches that a host is dead; hears of it when that is done or refused. */
  void declareGone(SimulatedNode node, Runnable done) {
    client()
        .ask(
            "gone",
            meta -> new Input.DeclareNodeGone(meta, node.name(), true),
            answer -> done.run());
  }

  private void next() {
    if (over) {
      return;
    }
    begin();
    int kind = world.below(100);
    if (kind < 40 || known.isEmpty()) {
      submitBatch();
    } else if (kind < 52) {
      submitService();
    } else if (kind < 80) {
      actOnJob(kind);
    } else {
      actOnNode(kind);
    }
  }

  // ---- jobs

  private void submitBatch() {
    Long upstream = world.chance(0.15) ? someBatch() : null;
    String operation = "op-" + ++operations;
    String name = world.chance(0.3) ? "job-" + world.below(NAMES) : "batch-" + operations;
    submit(
        new Input.SubmitJob(
            NO_META,
            "default",
            kinds.batch(name, operation, upstream),
            world.chance(0.3),
            false,
            0,
            "",
            ""));
  }

  private void submitService() {
    String operation = "op-" + ++operations;
    submit(
        new Input.SubmitJob(
            NO_META,
            "default",
            kinds.service("service-" + world.below(SERVICES), operation),
            false,
            world.chance(0.05),
            0,
            "",
            ""));
  }

  private static final orch.controller.core.RequestMeta NO_META =
      orch.controller.core.RequestMeta.of("local");

  private void submit(Input.SubmitJob wish) {
    client()
        .ask(
            "submit " + wish.spec().name(),
            meta ->
                new Input.SubmitJob(
                    meta,
                    wish.namespace(),
                    wish.spec(),
                    wish.replace(),
                    wish.validateOnly(),
                    wish.expectedVersion(),
                    wish.traceparent(),
                    wish.tracestate()),
            answer -> {
              if (answer instanceof Answer.Submitted of) {
                submitted(wish, of);
              }
            });
  }

  /** Acknowledged: the job is in the log, and stays there. */
  private void submitted(Input.SubmitJob wish, Answer.Submitted answer) {
    if (answer.outcome() == SubmitOutcome.CREATED) {
      Long made = ledger.submitted(String.valueOf(wish.spec().labels().get(Ledger.OPERATION)));
      if (made == null || made != answer.number()) {
        world.broken(
            new Violation(3, "job " + answer.number() + " was acknowledged; made was " + made));
      }
    }
    if (!known.contains(answer.number())) {
      known.add(answer.number());
    }
  }

  private void actOnJob(int kind) {
    long number = world.pick(known);
    SimulatedClient client = client();
    if (kind < 58) {
      cancel(number);
    } else if (world.chance(0.1)) {
      client.ask("suspend", meta -> new Input.SuspendJob(meta, number), answer -> {});
    } else if (world.chance(0.1)) {
      client.ask("resume", meta -> new Input.ResumeJob(meta, number), answer -> {});
    } else if (kind < 61) {
      List<TaskRef> tasks = List.of(new TaskRef(number, world.below(4)));
      client.ask(
          "cancel task", meta -> new Input.CancelTasks(meta, tasks, "asked for"), answer -> {});
    } else if (kind < 64) {
      client.ask("delete", meta -> new Input.DeleteJob(meta, number), answer -> {});
    } else if (kind < 68) {
      List<IndexRange> indexes =
          world.chance(0.5) ? List.of() : List.of(new IndexRange(0, world.below(2), 1));
      client.ask("retry", meta -> new Input.RetryJob(meta, number, indexes), answer -> {});
    } else if (kind < 71) {
      client.ask("hold", meta -> new Input.HoldJob(meta, number), answer -> {});
    } else if (kind < 74) {
      client.ask("release", meta -> new Input.ReleaseJob(meta, number), answer -> {});
    } else if (kind < 77) {
      int count = 1 + world.below(4);
      client.ask("scale", meta -> new Input.ScaleJob(meta, number, count, 0), answer -> {});
    } else {
      client.ask("restart", meta -> new Input.RestartJob(meta, number), answer -> {});
    }
  }

  private void cancel(long number) {
    client()
        .ask(
            "cancel",
            meta -> new Input.CancelJobs(meta, List.of(number), "asked for"),
            answer -> {});
  }

  private @Nullable Long someBatch() {
    for (int i = 0; i < 4 && !known.isEmpty(); i++) {
      long number = world.pick(known);
      Ledger.BookedJob job = ledger.job(number);
      if (job != null
          && !job.deleted
          && job.spec.type() == JobType.BATCH
          && job.end != JobState.CANCELLED) {
        return number;
      }
    }
    return null;
  }

  // ---- nodes

  private void actOnNode(int kind) {
    String name = world.pick(nodes).name();
    SimulatedClient client = client();
    if (kind < 83) {
      client.ask("cordon", meta -> new Input.CordonNode(meta, name, "asked for"), answer -> {});
    } else if (kind < 94) {
      client.ask("uncordon", meta -> new Input.UncordonNode(meta, name), answer -> {});
    } else if (kind < 97) {
      Duration deadline = world.chance(0.5) ? null : world.millis(0, 3_000);
      client.ask("drain", meta -> new Input.DrainNode(meta, name, deadline), answer -> {});
    } else {
      TreeMap<String, String> labels = new TreeMap<>();
      labels.put("disk", world.chance(0.5) ? "fast" : "good");
      client.ask(
          "labels",
          meta -> new Input.UpdateNodeLabels(meta, name, labels, List.of()),
          answer -> {});
    }
  }

  private SimulatedClient client() {
    return world.pick(clients);
  }
}

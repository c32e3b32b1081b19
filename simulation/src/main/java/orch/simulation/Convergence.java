package orch.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import orch.api.model.JobType;
import orch.api.model.TaskState;
import orch.api.model.Uid;
import orch.controller.core.JobView;
import orch.controller.core.NodeContact;
import orch.controller.core.NodeView;
import orch.controller.core.TaskView;
import orch.controller.port.ControllerPort;
import orch.controller.port.Role;

/**
 * Whether everything has come to rest after the faults are over: what is wanted runs and nothing
 * else does, every batch job has ended, every result is known and forgotten by its node, and every
 * replica has the same state (invariants 14, 15, 16, 22 and 23).
 */
final class Convergence {
  private static final int MOST_PROBLEMS = 10;

  private final CommittedLog log;
  private final Ledger ledger;
  private final HostInvariants hosts;
  private final List<SimulatedController> controllers;
  private final List<SimulatedNode> nodes;
  private final List<SimulatedClient> clients;

  Convergence(
      CommittedLog log,
      Ledger ledger,
      HostInvariants hosts,
      List<SimulatedController> controllers,
      List<SimulatedNode> nodes,
      List<SimulatedClient> clients) {
    this.log = log;
    this.ledger = ledger;
    this.hosts = hosts;
    this.controllers = controllers;
    this.nodes = nodes;
    this.clients = clients;
  }

  /** What is not at rest, a sentence each; empty: everything is. */
  List<String> problems() {
    List<String> problems = new ArrayList<>();
    controllers(problems);
    nodes(problems);
    jobs(problems);
    trees(problems);
    for (SimulatedClient client : clients) {
      if (client.open() > 0) {
        problems.add(client.process().name() + " waits for " + client.open() + " answers");
      }
    }
    return problems.subList(0, Math.min(MOST_PROBLEMS, problems.size()));
  }

  private void controllers(List<String> problems) {
    int leaders = 0;
    for (SimulatedController controller : controllers) {
      ControllerPort port = controller.port();
      if (port == null) {
        problems.add(controller.name() + " does not run");
        continue;
      }
      if (port.leadership().role() == Role.LEADER) {
        leaders++;
      }
      if (port.leadership().committedRevision() != log.revision()) {
        problems.add(
            controller.name()
                + " is at revision "
                + port.leadership().committedRevision()
                + ", the log at "
                + log.revision());
      }
    }
    if (leaders != 1) {
      problems.add(leaders + " controllers lead");
    }
  }

  private void nodes(List<String> problems) {
    for (SimulatedNode node : nodes) {
      NodeContact contact =
          log.state().node(node.uid()).map(NodeView::contact).orElse(NodeContact.GONE);
      SimulatedLink link = node.link();
      if (contact != NodeContact.UP || link == null || !link.opened()) {
        problems.add(node.name() + " is " + contact + (link == null ? ", without an agent" : ""));
      }
    }
  }

  private void jobs(List<String> problems) {
    for (Ledger.BookedJob job : ledger.jobs()) {
      if (job.end != null || job.deleted) {
        continue;
      }
      JobView view = log.state().job(job.number).orElseThrow();
      if (job.spec.type() == JobType.BATCH || job.stopping) {
        problems.add(
            "job "
                + job.number
                + " is "
                + view.state()
                + " "
                + view.tasks()
                + ": "
                + log.state().explainJob(job.number).map(Object::toString).orElse(""));
        continue;
      }
      for (TaskView task : tasks(job.number)) {
        Ledger.BookedTask booked = job.tasks.get(task.index());
        boolean cancelled = booked != null && booked.ended && booked.cancelled;
        boolean wanted = task.index() < view.spec().tasks().size() && !cancelled;
        if (wanted ? task.state() != TaskState.RUNNING : !task.state().ended()) {
          problems.add(
              "service "
                  + job.number
                  + " task "
                  + task.index()
                  + " is "
                  + task.state()
                  + " "
                  + task.reason());
        }
      }
    }
  }

  private List<TaskView> tasks(long number) {
    List<TaskView> tasks = new ArrayList<>();
    for (int index = 0; ; index++) {
      TaskView task = log.state().task(number, index).orElse(null);
      if (task == null) {
        return tasks;
      }
      tasks.add(task);
    }
  }

  private void trees(List<String> problems) {
    TreeSet<Uid> running = new TreeSet<>();
    for (TaskLife life : hosts.live()) {
      running.add(life.uid);
      Ledger.BookedAttempt attempt = ledger.attempt(life.uid);
      if (attempt == null || !attempt.live()) {
        problems.add("an orphan lives on " + life.node.name() + ": " + life.uid + " " + attempt);
      }
      if (life.frozen) {
        problems.add(
            life.uid + " stands still on " + life.node.name() + ", and no job is suspended");
      }
    }
    for (Ledger.BookedAttempt attempt : ledger.attempts()) {
      if (attempt.live() && !running.contains(attempt.uid)) {
        problems.add(attempt + " is " + attempt.stage + ", and nothing of it lives");
      }
    }
    for (SimulatedNode node : nodes) {
      for (Uid uid : node.launcher().kept()) {
        Ledger.BookedAttempt attempt = ledger.attempt(uid);
        if (attempt == null || !attempt.live()) {
          problems.add(node.name() + " still keeps the result of " + uid);
        }
      }
    }
  }
}

package orch.controller.core;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.DependencyCondition;
import orch.api.model.IndexRange;
import orch.api.model.JobSpec;
import orch.api.model.JobType;
import orch.api.model.Readiness;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.StartFailure;

/** A cluster to which everything that can happen happens at random. */
final class RandomLife {
  static final int NODES = 6;

  final Scene scene = Scene.given();
  private final Random random;
  private final List<Long> jobs = new ArrayList<>();
  private int names;
  private int requests;
  private int boots = 1;

  RandomLife(long seed) {
    random = new Random(seed);
    scene.comparing = false;
    for (int i = 0; i < NODES; i++) {
      scene.node("n" + i, 4, 8);
    }
  }

  /** Something happens. */
  void step() {
    switch (random.nextInt(20)) {
      case 0, 1, 2, 3 -> submit();
      case 4, 5, 6, 7, 8, 9, 10 -> report();
      case 11 -> request(job());
      case 12 -> node();
      case 13 -> scene.after(Duration.ofMillis(random.nextInt(3_000_000)));
      case 14 -> reboot();
      case 15 -> scale();
      default -> scene.after(Duration.ofMillis(random.nextInt(5_000)));
    }
  }

  private long job() {
    return jobs.isEmpty() ? 1 : jobs.get(random.nextInt(jobs.size()));
  }

  private RequestMeta meta() {
    long millis = scene.now.toEpochMilli();
    String id =
        String.format("%08x-%04x-7000-8000-%012x", millis >>> 16, millis & 0xffff, ++requests);
    return new RequestMeta(id, requests, "local:u" + random.nextInt(3));
  }

  private void submit() {
    String name = "j" + names++ % 40;
    int count = 1 + random.nextInt(random.nextInt(4) == 0 ? 700 : 5);
    JobSpec spec =
        random.nextInt(4) == 0 ? Scene.service(name, 1 + count % 9) : Scene.array(name, count);
    spec =
        Scene.with(
            spec,
            parts -> {
              parts.cpu(10 + random.nextInt(300)).memory((1 + random.nextInt(64)) << 20);
              if (random.nextInt(3) == 0) {
                parts.ports("http", "admin");
              }
              return parts;
            });
    if (spec.type() == JobType.BATCH && random.nextInt(4) == 0 && !jobs.isEmpty()) {
      String upstream = scene.state.job(job()).map(JobView::name).orElse("j0");
      DependencyCondition condition =
          DependencyCondition.values()[random.nextInt(DependencyCondition.values().length)];
      boolean byIndex = random.nextBoolean();
      spec =
          Scene.with(
              spec,
              parts ->
                  byIndex
                      ? parts.afterSameIndex(upstream, condition)
                      : parts.after(upstream, condition));
    }
    boolean replace = random.nextInt(3) == 0;
    Answer answer =
        scene
            .on(new Input.SubmitJob(meta(), "default", spec, replace, false, 0, "t" + names, ""))
            .answer();
    if (answer instanceof Answer.Submitted submitted && !jobs.contains(submitted.number())) {
      jobs.add(submitted.number());
    }
  }

  private void report() {
    for (int i = 0; i < 30; i++) {
      long number = job();
      Job job = scene.state.jobs.get(number);
      if (job == null) {
        continue;
      }
      int at = job.tasks.nextLive(random.nextInt(job.tasks.size()));
      if (at >= 0) {
        report(job, at);
      }
    }
  }

  private void report(Job job, int ordinal) {
    int index = job.indexOf(ordinal);
    AttemptView attempt = scene.state.attempts(job.number, index).getLast();
    AttemptState state = AttemptState.RUNNING;
    Result result = null;
    switch (random.nextInt(8)) {
      case 0, 1 -> {
        state = AttemptState.SUCCEEDED;
        result = Result.exited(0);
      }
      case 2 -> {
        state = AttemptState.FAILED;
        result =
            new Result(ResultKind.EXITED, 1, random.nextInt(200), null, true, 3, 5, 6, 7, 8, 9);
      }
      case 3 -> {
        state = AttemptState.FAILED;
        result =
            random.nextBoolean()
                ? Result.signaled(9)
                : Result.without(ResultKind.START_FAILED, new StartFailure("exec", 2, "no"));
      }
      case 4 -> state = attempt.startNanos() == 0 ? AttemptState.DROPPED : AttemptState.RUNNING;
      default -> {}
    }
    AttemptStatus status = scene.status(job.number, index, attempt, state, result);
    scene.on(
        new Input.AttemptReports(
            attempt.nodeUid(),
            List.of(
                new AttemptStatus(
                    status.uid(),
                    status.jobUid(),
                    status.jobNumber(),
                    status.index(),
                    status.attempt(),
                    status.state(),
                    status.reason(),
                    status.startNanos(),
                    status.endNanos(),
                    status.result(),
                    status.stages(),
                    Readiness.values()[random.nextInt(3)],
                    ""))));
  }

  private void request(long number) {
    Input.Request request =
        switch (random.nextInt(11)) {
          case 0 -> new Input.CancelJobs(meta(), List.of(number), "enough");
          case 1 -> new Input.HoldJob(meta(), number);
          case 2 -> new Input.ReleaseJob(meta(), number);
          case 3 -> new Input.DeleteJob(meta(), number);
          case 4 -> new Input.RestartJob(meta(), number);
          case 5 -> new Input.RetryJob(meta(), number, List.of());
          case 6 -> new Input.RetryJob(meta(), number, List.of(new IndexRange(0, 0, 1)));
          case 7 -> new Input.SuspendJob(meta(), number);
          case 8 -> new Input.ResumeJob(meta(), number);
          default ->
              new Input.CancelTasks(meta(), List.of(new TaskRef(number, random.nextInt(5))), "no");
        };
    scene.on(request);
  }

  private void scale() {
    scene.on(new Input.ScaleJob(meta(), job(), 1 + random.nextInt(600), 0));
  }

  private String nodeName() {
    return "n" + random.nextInt(NODES);
  }

  private void node() {
    String name = nodeName();
    switch (random.nextInt(6)) {
      case 0 -> scene.on(new Input.CordonNode(meta(), name, "because"));
      case 1 -> scene.on(new Input.UncordonNode(meta(), name));
      case 2 -> scene.on(new Input.DrainNode(meta(), name, Duration.ofSeconds(5)));
      case 3 -> scene.on(new Input.NodeSilent("uid-" + name, scene.bootNanos, null));
      case 4 -> scene.on(new Input.NodeBack("uid-" + name));
      default -> {
        TreeMap<String, String> labels = new TreeMap<>();
        labels.put("rack", "r" + random.nextInt(3));
        scene.on(new Input.UpdateNodeLabels(meta(), name, labels, List.of()));
      }
    }
  }

  private void reboot() {
    String name = nodeName();
    scene.hello(Scene.describe(name, 4, 8, "boot-" + ++boots, new TreeMap<>()));
    if (random.nextBoolean()) {
      scene.inventory(name);
    }
  }
}

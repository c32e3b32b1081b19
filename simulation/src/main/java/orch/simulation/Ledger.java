package orch.simulation;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import orch.api.model.AttemptState;
import orch.api.model.Backoff;
import orch.api.model.Dependency;
import orch.api.model.IndexRange;
import orch.api.model.JobSpec;
import orch.api.model.JobState;
import orch.api.model.JobType;
import orch.api.model.ResultKind;
import orch.api.model.Uid;
import orch.controller.core.AttemptRef;
import orch.controller.core.AttemptView;
import orch.controller.core.Change;
import orch.controller.core.JobView;
import orch.controller.core.Next;
import orch.controller.core.StopCause;
import orch.controller.core.TaskView;
import org.jspecify.annotations.Nullable;

/**
 * Books of its own over the committed changes: what each job, task and attempt may do next, kept
 * without the core's code. Holds the log against invariants 4, 11, 12 and 13.
 */
final class Ledger implements CommittedLog.Reader {
  /** Label by which a submit is known again. */
  static final String OPERATION = "operation";

  private final CommittedLog log;
  private final Map<Long, BookedJob> jobs = new TreeMap<>();
  private final Map<Uid, BookedAttempt> attempts = new TreeMap<>();
  private final Map<String, Long> submitted = new TreeMap<>();
  private final List<AttemptReader> readers = new ArrayList<>();

  /** Hears of attempts as the log has them. */
  interface AttemptReader {
    void placed(BookedAttempt attempt);

    void ended(BookedAttempt attempt, Change.Ended end);
  }

  enum Stage {
    PLACED,
    RUNNING,
    STOPPING,
    ENDED
  }

  /** A job in the books. */
  static final class BookedJob {
    final long number;
    JobSpec spec;
    boolean blocked;
    boolean held;
    boolean suspended;
    boolean stopping;
    boolean deleted;
    @Nullable JobState end;
    final Map<Integer, BookedTask> tasks = new TreeMap<>();

    BookedJob(long number, JobSpec spec) {
      this.number = number;
      this.spec = spec;
    }

    BookedTask task(int index) {
      return tasks.computeIfAbsent(index, _ -> new BookedTask());
    }
  }

  /** A task in the books. */
  static final class BookedTask {
    @Nullable BookedAttempt newest;
    boolean ended;

    /** Its end was asked for. */
    boolean cancelled;

    /** Restarts that use up a retry, since the submit or the last retry by hand. */
    int counted;

    /** Ends that it came to by itself. */
    int ownEnds;

    long memoryBytes;

    /** It is wanted again after its end: its restarts count from here. */
    void beginAnew() {
      ended = false;
      counted = 0;
      ownEnds = 0;
      memoryBytes = 0;
    }
  }

  /** An attempt in the books. */
  static final class BookedAttempt {
    final Uid uid;
    final BookedJob job;
    final int index;
    final int node;
    final JobSpec spec;
    final List<Integer> ports;
    final long memoryBytes;
    final @Nullable BookedAttempt before;
    Stage stage = Stage.PLACED;
    @Nullable StopCause cause;
    @Nullable AttemptState end;

    /** The next one comes no sooner after its end, by the policy at that time. */
    long leastDelayNanos;

    BookedAttempt(
        Uid uid,
        BookedJob job,
        int index,
        Change.Placed of,
        BookedTask task,
        @Nullable BookedAttempt before) {
      this.uid = uid;
      this.job = job;
      this.index = index;
      this.node = of.node();
      this.spec = job.spec;
      this.ports = of.ports();
      this.memoryBytes =
          task.memoryBytes == 0 ? job.spec.resources().memoryBytes() : task.memoryBytes;
      this.before = before;
    }

    boolean live() {
      return stage != Stage.ENDED;
    }

    @Override
    public String toString() {
      return "job " + job.number + " task " + index + " attempt " + uid;
    }
  }

  Ledger(CommittedLog log) {
    this.log = log;
  }

  void add(AttemptReader reader) {
    readers.add(reader);
  }

  @Nullable BookedAttempt attempt(Uid uid) {
    return attempts.get(uid);
  }

  @Nullable BookedJob job(long number) {
    return jobs.get(number);
  }

  Iterable<BookedJob> jobs() {
    return jobs.values();
  }

  Iterable<BookedAttempt> attempts() {
    return attempts.values();
  }

  /** Number of the job that a submit made; null: none. */
  @Nullable Long submitted(String operation) {
    return submitted.get(operation);
  }

  @Override
  public void revision(long revision) {}

  @Override
  public void changed(Change change, Instant now) {
    switch (change) {
      case Change.JobSubmitted of -> submitted(of);
      case Change.JobVersioned of -> versioned(live(of.number(), change), of.spec());
      case Change.JobUnblocked of -> unblocked(live(of.number(), change));
      case Change.JobHeld of -> live(of.number(), change).held = true;
      case Change.JobReleased of -> live(of.number(), change).held = false;
      case Change.JobSuspended of -> live(of.number(), change).suspended = true;
      case Change.JobResumed of -> live(of.number(), change).suspended = false;
      case Change.JobStopping of -> stopping(live(of.number(), change));
      case Change.JobEnded of -> ended(live(of.number(), change), of.state());
      case Change.JobRetried of -> retried(of);
      case Change.JobDeleted of -> {
        BookedJob job = job(of.number(), change);
        require(job.end != null && !job.deleted, 11, "deleted while it lives: job ", job.number);
        job.deleted = true;
      }
      case Change.AttemptsPlaced of -> {
        of.attempts().forEach(this::placed);
        of.attempts().forEach(each -> wholeGang(live(each.number(), change)));
      }
      case Change.AttemptsRunning of -> {
        for (Change.Started each : of.attempts()) {
          BookedAttempt attempt = live(each.attempt().uid(), change);
          require(attempt.stage == Stage.PLACED, 11, "running twice: " + attempt, change);
          attempt.stage = Stage.RUNNING;
        }
      }
      case Change.AttemptsReadiness of -> {
        for (AttemptRef ref : Stream.concat(of.ready().stream(), of.notReady().stream()).toList()) {
          BookedAttempt attempt = live(ref.uid(), change);
          require(attempt.stage == Stage.RUNNING, 11, "says that it is ready: " + attempt, change);
        }
      }
      case Change.AttemptsStopping of -> {
        of.attempts()
            .forEach(ref -> {
              BookedAttempt attempt = live(ref.uid(), change);
              attempt.stage = Stage.STOPPING;
              attempt.cause = of.cause();
            });
      }
      case Change.AttemptsEnded of -> of.attempts().forEach(this::ended);
      case Change.TasksCancelled of ->
          of.indexes().forEach(range -> ended(live(of.number(), change), range));
      case Change.TasksDropped of ->
          of.indexes().forEach(range -> ended(live(of.number(), change), range));
      case Change.ClusterCreated _,
          Change.EpochStarted _,
          Change.FormatRaised _,
          Change.NumbersRaised _,
          // The simulation restores no backup and adopts no node.
          Change.IncarnationRaised _,
          Change.NodeReconciled _,
          Change.RestoreSettled _,
          Change.AttemptsHeld _,
          Change.HeldStopping _,
          Change.HeldGone _,
          Change.AttemptAdopted _,
          Change.NodeAdopted _,
          Change.RequestAnswered _,
          Change.RequestsExpired _,
          Change.NodeRegistered _,
          Change.NodeUpdated _,
          Change.NodeSettled _,
          Change.NodeContactChanged _,
          Change.NodeAvailabilityChanged _,
          Change.NodeLabelled _,
          Change.FleetBrakeChanged _,
          Change.NodeRefused _,
          Change.NodeRefusalsForgotten _,
          Change.NodeReplaced _,
          Change.NodeAdmitted _ -> {}
    }
  }

  // ---- jobs

  private void submitted(Change.JobSubmitted of) {
    require(!jobs.containsKey(of.number()), 4, "job number given twice: ", of.number());
    BookedJob job = new BookedJob(of.number(), of.spec());
    job.blocked =
        of.afterJob() != 0 || of.spec().dependsOn().stream().anyMatch(each -> !each.sameIndex());
    jobs.put(of.number(), job);
    String operation = of.spec().labels().get(OPERATION);
    if (operation != null) {
      Long before = submitted.put(operation, of.number());
      require(
          before == null,
          4,
          "one submit made two jobs: " + before + " and ",
          of.number() + ", operation " + operation);
    }
  }

  private static void versioned(BookedJob job, JobSpec spec) {
    int before = job.spec.tasks().size();
    int width = spec.tasks().size();
    job.spec = spec;
    // A narrower version ends at once what waits, a back-off included; what lives is stopped.
    for (int index = width; index < before; index++) {
      BookedTask task = job.tasks.get(index);
      if (task != null && (task.newest == null || !task.newest.live())) {
        task.ended = true;
      }
    }
    // Tasks that a wider version takes back, whether they have ended or are about to.
    for (int index = before; index < width; index++) {
      BookedTask task = job.tasks.get(index);
      if (task == null) {
        continue;
      }
      if (task.ended) {
        task.beginAnew();
      }
      if (task.newest != null && task.newest.live() && task.newest.cause == StopCause.TASK) {
        task.newest.cause = StopCause.RESTART;
      }
    }
  }

  private static void ended(BookedJob job, IndexRange range) {
    for (int index = range.first(); index <= range.last(); index += range.step()) {
      BookedTask task = job.task(index);
      require(
          task.newest == null || !task.newest.live(), 11, "ended while it runs: job ", job.number);
      task.ended = true;
      task.cancelled = true;
    }
  }

  private void unblocked(BookedJob job) {
    job.blocked = false;
    JobView view = log.state().job(job.number).orElseThrow();
    for (Dependency dependency : view.spec().dependsOn()) {
      if (dependency.sameIndex() || !isNumber(dependency.job())) {
        continue;
      }
      BookedJob upstream = jobs.get(Long.parseLong(dependency.job()));
      JobState end = upstream == null ? null : upstream.end;
      boolean met =
          switch (dependency.condition()) {
            case SUCCEEDED -> end == JobState.SUCCEEDED;
            case FAILED -> end == JobState.FAILED;
            case FINISHED -> end != null;
            case STARTED -> true;
          };
      require(met, 13, "released before " + dependency + " was met: job ", job.number);
    }
  }

  private static boolean isNumber(String text) {
    return !text.isEmpty() && text.chars().allMatch(Character::isDigit);
  }

  private void stopping(BookedJob job) {
    require(!job.stopping, 11, "stopped twice: job ", job.number);
    job.stopping = true;
    for (BookedTask task : job.tasks.values()) {
      BookedAttempt newest = task.newest;
      if (newest != null && newest.live()) {
        newest.stage = Stage.STOPPING;
        newest.cause = StopCause.JOB;
      }
    }
  }

  private void ended(BookedJob job, JobState end) {
    for (BookedTask task : job.tasks.values()) {
      BookedAttempt newest = task.newest;
      require(
          newest == null || !newest.live(), 11, "ended while an attempt lives: job ", job.number);
    }
    job.end = end;
    job.held = false;
    job.suspended = false;
    job.blocked = false;
  }

  private void retried(Change.JobRetried of) {
    BookedJob job = job(of.number(), of);
    job.end = null;
    job.stopping = false;
    job.tasks.forEach((index, task) -> {
      BookedAttempt newest = task.newest;
      if (newest == null || !newest.live()) {
        task.beginAnew();
      }
    });
  }

  // ---- attempts

  private void placed(Change.Placed of) {
    BookedJob job = live(of.number(), of);
    require(!job.stopping, 13, "a stopped job starts something: " + of, "");
    require(!job.held, 13, "a held job starts something: " + of, "");
    require(!job.suspended, 13, "a suspended job starts something: " + of, "");
    require(!job.blocked, 13, "a job starts before what it depends on: " + of, "");
    BookedTask task = job.task(of.index());
    BookedAttempt before = task.newest;
    require(before == null || !before.live(), 11, "placed while its attempt lives: " + of, "");
    require(!task.ended, 11, "placed though it has ended: " + of, "");
    AttemptView view =
        log.state()
            .task(of.number(), of.index())
            .map(TaskView::attempt)
            .orElseThrow(() -> new Violation(11, "no attempt after " + of));
    BookedAttempt attempt = new BookedAttempt(view.uid(), job, of.index(), of, task, before);
    require(!attempts.containsKey(view.uid()), 7, "uid given twice: ", view.uid());
    attempts.put(view.uid(), attempt);
    task.newest = attempt;
    int parallelism = job.spec.tasks().parallelism();
    if (parallelism > 0) {
      long live =
          job.tasks.values().stream()
              .filter(each -> each.newest != null && each.newest.live())
              .count();
      require(live <= parallelism, 13, live + " run of a job of parallelism ", parallelism);
    }
    readers.forEach(reader -> reader.placed(attempt));
  }

  /** Of a gang all start at once: none waits that never ran while others do. */
  private void wholeGang(BookedJob job) {
    if (!job.spec.tasks().gang()) {
      return;
    }
    for (int index = 0; index < job.spec.tasks().size(); index++) {
      TaskView task = log.state().task(job.number, index).orElseThrow();
      // Others may have ended with their job and not be retried with it.
      require(
          job.task(index).newest != null || task.state().ended(),
          11,
          "a gang starts without its task ",
          job.number + "/" + index);
    }
  }

  private void ended(Change.Ended of) {
    BookedAttempt attempt = live(of.attempt().uid(), of);
    boolean stopped = attempt.stage == Stage.STOPPING;
    attempt.stage = Stage.ENDED;
    attempt.end = of.state();
    BookedTask task = attempt.job.task(attempt.index);
    boolean dropped = of.state() == AttemptState.DROPPED;
    boolean own = !stopped && !dropped;
    if (own) {
      task.ownEnds++;
    }
    switch (of.next()) {
      case Next.Ends _ -> {
        task.ended = true;
        task.cancelled = attempt.cause == StopCause.TASK;
      }
      case Next.Waits waits -> {
        task.memoryBytes = waits.memoryBytes();
        require(
            !attempt.job.stopping, 13, "a stopped job goes on after " + attempt, ": " + of.next());
        if (own) {
          attempt.leastDelayNanos = lost(of) ? 0 : leastDelay(attempt.job.spec, task.ownEnds);
          restarted(attempt, task, of);
        }
      }
    }
    readers.forEach(reader -> reader.ended(attempt, of));
  }

  private static long leastDelay(JobSpec spec, int ownEnds) {
    Backoff backoff = spec.restart().backoff();
    double least = backoff.initial().toNanos();
    for (int i = 1; i < ownEnds && least < backoff.max().toNanos(); i++) {
      least *= backoff.factor();
    }
    return (long) (Math.min(least, (double) backoff.max().toNanos()) * (1 - backoff.jitter()));
  }

  /** Counted anew, by the specs that the workload makes: no window, and few kinds of rules. */
  private static void restarted(BookedAttempt attempt, BookedTask task, Change.Ended of) {
    JobSpec spec = attempt.job.spec;
    boolean success = of.result() != null && of.result().success();
    boolean temporary =
        of.result() != null
            && of.result().kind() == ResultKind.EXITED
            && of.result().siStatus() == Workload.TEMPORARY_CODE
            && !spec.restart().rules().isEmpty();
    if (success && spec.type() == JobType.BATCH) {
      throw new Violation(12, "restarted after it succeeded: " + attempt);
    }
    if (temporary || (lost(of) && !spec.restart().rules().isEmpty())) {
      return; // The workload's rules do not count these.
    }
    task.counted++;
    int most = spec.restart().maxRetries();
    require(
        most < 0 || task.counted <= most,
        12,
        "restart " + task.counted + " of at most " + most + " after ",
        attempt);
  }

  private static boolean lost(Change.Ended of) {
    return of.result() != null
        && switch (of.result().kind()) {
          case LOST, UNKNOWN, NO_LEASE -> true;
          case EXITED,
              SIGNALED,
              OUT_OF_MEMORY,
              TIMED_OUT,
              START_FAILED,
              STOPPED,
              UNHEALTHY,
              EVICTED ->
              false;
        };
  }

  // ---- looking up

  private BookedJob job(long number, Change change) {
    BookedJob job = jobs.get(number);
    if (job == null) {
      throw new Violation(11, "no job for " + change);
    }
    return job;
  }

  private BookedJob live(long number, Object change) {
    BookedJob job = jobs.get(number);
    if (job == null || job.end != null || job.deleted) {
      throw new Violation(11, "the job has ended, yet " + change);
    }
    return job;
  }

  private BookedAttempt live(Uid uid, Object change) {
    BookedAttempt attempt = attempts.get(uid);
    if (attempt == null || !attempt.live()) {
      throw new Violation(11, "the attempt has ended, yet " + change);
    }
    return attempt;
  }

  private static void require(boolean holds, int invariant, String what, Object detail) {
    if (!holds) {
      throw new Violation(invariant, what + detail);
    }
  }
}

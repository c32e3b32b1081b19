package orch.controller.core;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.TreeSet;
import orch.api.model.DesiredAttempt;
import orch.api.model.JobSpec;
import orch.api.model.JobState;
import orch.api.model.SpecDefinition;
import orch.api.model.Uid;
import orch.controller.scheduler.Fleet;
import org.jspecify.annotations.Nullable;

/**
 * The replicated state; made anew it is that before the first entry. One thread owns it.
 *
 * <p>It is laid out for checkpoints that do not stop the loop: what is large, tasks, lies in chunks
 * of fixed size ({@link TaskStore}); a {@link Snapshot} holds on to what there was at one index,
 * has what is altered meanwhile kept for it first ({@link Freeze}), and writes only what was
 * altered since the last. {@link StateLoader} reads it.
 */
public final class State implements StateView {
  /** Who makes uids: they carry the number of the term in the tasks' columns. */
  record Term(int incarnation, long epoch) {}

  static final long NANOS_PER_SECOND = 1_000_000_000L;
  static final long NANOS_PER_MILLI = 1_000_000L;

  /** Higher priority first, then the older job. */
  private static final Comparator<Job> ORDER =
      Comparator.<Job>comparingInt(job -> -job.spec().priority()).thenComparingLong(j -> j.number);

  String clusterId = "";
  int incarnation;
  long epoch;
  String leader = "";
  int formatLevel;
  long createNanos;
  long epochNanos;
  long nowNanos;
  long nextSequence = 1;
  long nextNumber = 1;

  /** When the state was restored from a backup, as long as nodes are awaited; 0: none is. */
  long restoreNanos;

  /** Incarnation that the last restore began; 0: there was none. Older uids may be unknown. */
  int restoredIncarnation;

  final List<Term> terms = new ArrayList<>();
  final Freeze freeze = new Freeze();
  final Requests requests = new Requests(freeze);

  final TreeMap<Long, Job> jobs = new TreeMap<>();
  final LinkedHashMap<Long, Job> jobsBySequence = new LinkedHashMap<>();
  final TreeMap<Long, Job> liveJobs = new TreeMap<>();
  final LinkedHashMap<String, List<Long>> jobsByName = new LinkedHashMap<>();
  final LinkedHashMap<String, List<Long>> jobsByOwner = new LinkedHashMap<>();
  final TreeSet<Job> runnable = new TreeSet<>(ORDER);
  final EnumMap<JobState, Long> jobCounts = new EnumMap<>(JobState.class);
  long taskCount;

  /** Derived: rises whenever a job that wants places was touched. */
  long workStamp;

  /** Time of the decision in the making, which may change nothing; not replicated. */
  long decisionNanos;

  FleetBrake brake = FleetBrake.OFF;
  String brakeReason = "";

  /** Agents that may not join, by {@link RefusedNode#key}. */
  final TreeMap<String, RefusedNode> refused = new TreeMap<>();

  /** Nodes taken in from other clusters: the cluster by the uid. */
  final TreeMap<String, String> admitted = new TreeMap<>();

  final Fleet fleet = new Fleet();
  final List<Node> nodes = new ArrayList<>();
  final LinkedHashMap<String, Node> nodesByUid = new LinkedHashMap<>();
  final TreeMap<String, Node> nodesByName = new TreeMap<>();

  private final JobChanges jobChanges = new JobChanges(this);
  private final AttemptChanges attemptChanges = new AttemptChanges(this);
  private final NodeChanges nodeChanges = new NodeChanges(this);
  private final RestoreChanges restoreChanges = new RestoreChanges(this, attemptChanges);
  private final Views views = new Views(this);
  private final Listings listings = new Listings(this, views);
  private final Explainer explainer = new Explainer(this, views);
  private final Touched.Sink opener = new Opener();
  private SectionPlan plan = SectionPlan.none();

  /**
   * Applies a change. Total: the same on every member and in every year; a change that does not fit
   * the state is a broken invariant.
   *
   * @param now of the change's entry, never lower than that of the entry before
   * @throws InvariantError naming state and change; the process must stop
   */
  public void apply(Change change, Instant now) {
    long nanos = nanos(now);
    if (nanos < nowNanos) {
      throw new InvariantError(now + " is before the entry before; change: " + change);
    }
    nowNanos = nanos;
    Touched.by(change, opener);
    try {
      switch (change) {
        case Change.ClusterCreated of -> created(of);
        case Change.EpochStarted of -> epochStarted(of);
        case Change.FormatRaised of -> raised(of);
        case Change.IncarnationRaised of -> restoreChanges.raised(of);
        case Change.NumbersRaised of -> restoreChanges.numbers(of);
        case Change.NodeReconciled of -> restoreChanges.reconciled(of);
        case Change.RestoreSettled _ -> restoreChanges.settled();
        case Change.AttemptsHeld of -> restoreChanges.held(of);
        case Change.HeldStopping of -> restoreChanges.stopping(of);
        case Change.HeldGone of -> restoreChanges.gone(of);
        case Change.AttemptAdopted of -> restoreChanges.adopted(of);
        case Change.NodeAdopted of -> restoreChanges.adopted(of);
        case Change.RequestAnswered of -> requests.add(of, nowNanos / NANOS_PER_MILLI);
        case Change.RequestsExpired of -> requests.expire(of.beforeMillis());
        case Change.JobSubmitted of -> jobChanges.submitted(of);
        case Change.JobVersioned of -> jobChanges.versioned(of);
        case Change.JobUnblocked of -> jobChanges.unblocked(of);
        case Change.JobHeld of -> jobChanges.held(of);
        case Change.JobReleased of -> jobChanges.released(of);
        case Change.JobSuspended of -> jobChanges.suspended(of);
        case Change.JobResumed of -> jobChanges.resumed(of);
        case Change.JobStopping of -> jobChanges.stopping(of);
        case Change.JobEnded of -> jobChanges.ended(of);
        case Change.JobRetried of -> jobChanges.retried(of);
        case Change.JobDeleted of -> jobChanges.deleted(of);
        case Change.TasksCancelled of ->
            jobChanges.endTasks(of.number(), of.indexes(), TaskEvent.CANCELLED, of.reason());
        case Change.TasksDropped of ->
            jobChanges.endTasks(of.number(), of.indexes(), TaskEvent.DROPPED, of.reason());
        case Change.AttemptsPlaced of -> of.attempts().forEach(attemptChanges::placed);
        case Change.AttemptsRunning of -> of.attempts().forEach(attemptChanges::running);
        case Change.AttemptsReadiness of -> attemptChanges.readiness(of);
        case Change.AttemptsStopping of -> attemptChanges.stopping(of);
        case Change.AttemptsEnded of -> of.attempts().forEach(attemptChanges::ended);
        case Change.NodeRegistered of -> nodeChanges.registered(of);
        case Change.NodeUpdated of -> nodeChanges.updated(of);
        case Change.NodeSettled of -> nodeChanges.settled(of);
        case Change.NodeContactChanged of -> nodeChanges.contact(of);
        case Change.NodeAvailabilityChanged of -> nodeChanges.availability(of);
        case Change.NodeLabelled of -> nodeChanges.labelled(of);
        case Change.FleetBrakeChanged of -> {
          brake = of.brake();
          brakeReason = of.reason();
        }
        case Change.NodeRefused of -> nodeChanges.refused(of);
        case Change.NodeRefusalsForgotten of -> of.keys().forEach(refused::remove);
        case Change.NodeReplaced of -> nodeChanges.replaced(of);
        case Change.NodeAdmitted of -> nodeChanges.admitted(of);
      }
    } catch (InvariantError broken) {
      throw new InvariantError(broken.getMessage() + "; change: " + Limits.cut(change.toString()));
    }
  }

  /**
   * Begins a checkpoint of the state as it is now; see {@link Snapshot}. There is one at a time.
   *
   * @param whole everything is written, whatever was before
   */
  public Snapshot freeze(PartCodec codec, boolean whole, Snapshot.Sizes sizes) {
    return new Snapshot(this, codec, whole ? SectionPlan.none() : plan, sizes);
  }

  /** What the checkpoint that was written last consists of. */
  void planned(SectionPlan written) {
    plan = written;
  }

  /** Keeps what a change is about to alter for the snapshot that is being written. */
  private final class Opener implements Touched.Sink {
    @Override
    public void job(long number) {
      Job job = jobs.get(number);
      if (job != null) {
        freeze.open(job);
      }
    }

    @Override
    public void task(long jobNumber, int index) {}

    @Override
    public void tasksOf(long jobNumber) {}

    @Override
    public void node(int number) {
      if (number >= 0 && number < nodes.size()) {
        freeze.open(nodes.get(number));
      }
    }
  }

  private void created(Change.ClusterCreated of) {
    if (!clusterId.isEmpty()) {
      throw new InvariantError("the cluster has the id " + clusterId + " already");
    }
    clusterId = of.clusterId();
    incarnation = of.incarnation();
    createNanos = nowNanos;
  }

  private void epochStarted(Change.EpochStarted of) {
    if (of.epoch() <= epoch) {
      throw new InvariantError("epoch " + epoch + " has begun already");
    }
    epoch = of.epoch();
    leader = of.leader();
    formatLevel = of.formatLevel();
    epochNanos = nowNanos;
    terms.add(new Term(incarnation, epoch));
  }

  private void raised(Change.FormatRaised of) {
    if (of.level() <= formatLevel) {
      throw new InvariantError("the format level is " + formatLevel + " already");
    }
    formatLevel = of.level();
  }

  static long nanos(Instant instant) {
    return instant.getEpochSecond() * NANOS_PER_SECOND + instant.getNano();
  }

  // ---- what changes and the decider look up

  Job jobOf(long number) {
    Job job = jobs.get(number);
    if (job == null) {
      throw new InvariantError("there is no job " + number);
    }
    return job;
  }

  Node nodeOf(int number) {
    if (number < 0 || number >= nodes.size()) {
      throw new InvariantError("there is no node " + number);
    }
    return nodes.get(number);
  }

  @Nullable Job newestJobNamed(String namespace, String name) {
    List<Long> numbers = jobsByName.get(key(namespace, name));
    return numbers == null ? null : jobs.get(numbers.getLast());
  }

  static String key(String namespace, String name) {
    return namespace + '/' + name;
  }

  /** The uid that the next job or attempt gets. */
  Uid takeUid() {
    if (terms.isEmpty()) {
      throw new InvariantError("no epoch has begun");
    }
    return new Uid(incarnation, epoch, nextSequence++);
  }

  int currentTerm() {
    return termOf(incarnation, epoch);
  }

  /** Number of the term in which the uid was made, here or elsewhere. */
  int termOf(Uid uid) {
    return termOf(uid.incarnation(), uid.epoch());
  }

  private int termOf(int ofIncarnation, long ofEpoch) {
    Term term = new Term(ofIncarnation, ofEpoch);
    // The newest is nearly always the one.
    for (int i = terms.size() - 1; i >= 0; i--) {
      if (terms.get(i).equals(term)) {
        return i;
      }
    }
    terms.add(term);
    return terms.size() - 1;
  }

  /** Whether the job's tasks wait for nodes to say what they run, after a restore. */
  boolean awaitsNodes(Job job) {
    return restoreNanos != 0 && job.uid.incarnation() < restoredIncarnation;
  }

  /** Uid of the newest attempt of a task. */
  Uid uidOf(Job job, int ordinal) {
    Chunk chunk = job.tasks.readable(ordinal);
    int at = TaskStore.at(ordinal);
    if (chunk == null || chunk.attempts[at] == 0) {
      throw new InvariantError(job.taskName(ordinal) + " has no attempt");
    }
    Term term = terms.get(chunk.term[at]);
    return new Uid(term.incarnation(), term.epoch(), chunk.sequence[at]);
  }

  /** Whether the reference is to the newest attempt of its task, and that lives. */
  boolean isLive(AttemptRef ref) {
    Job job = jobs.get(ref.jobNumber());
    int ordinal = job == null ? -1 : job.ordinalOf(ref.index());
    return job != null
        && ordinal >= 0
        && job.tasks.live(ordinal)
        && uidOf(job, ordinal).equals(ref.uid());
  }

  AttemptRef refOf(Job job, int ordinal) {
    return new AttemptRef(job.number, job.indexOf(ordinal), uidOf(job, ordinal));
  }

  Node nodeOf(Job job, int ordinal) {
    Chunk chunk = job.tasks.readable(ordinal);
    if (chunk == null) {
      throw new InvariantError(job.taskName(ordinal) + " has no attempt");
    }
    return nodeOf(chunk.node[TaskStore.at(ordinal)]);
  }

  long placeNanosOf(Job job, int ordinal) {
    Chunk chunk = job.tasks.readable(ordinal);
    return chunk == null ? 0 : chunk.placeNanos[TaskStore.at(ordinal)];
  }

  /** When the newest attempt began to run, by its node's clock; 0: it did not yet. */
  long startNanosOf(Job job, int ordinal) {
    Chunk chunk = job.tasks.readable(ordinal);
    return chunk == null ? 0 : chunk.startNanos[TaskStore.at(ordinal)];
  }

  /** Keeps the set of jobs that want places true; to be called after every change of a job. */
  void touched(Job job) {
    boolean wanted = job.runnable() && !awaitsNodes(job);
    if (wanted) {
      workStamp++;
    }
    if (wanted != job.inRunnable) {
      job.inRunnable = wanted;
      boolean _ = wanted ? runnable.add(job) : runnable.remove(job);
    }
  }

  void count(JobState state, int more) {
    jobCounts.merge(state, (long) more, Long::sum);
  }

  /** The format that the log may hold. */
  public int formatLevel() {
    return formatLevel;
  }

  /** The newest epoch that began. */
  public long epoch() {
    return epoch;
  }

  /** The change that makes a restored state another incarnation, whose uids are all new. */
  public Change raiseIncarnation(int to, long sequenceLeap) {
    return new Change.IncarnationRaised(to, nextSequence + sequenceLeap, nextNumber, true);
  }

  // ---- the view

  @Override
  public ClusterView cluster() {
    return views.cluster();
  }

  @Override
  public int incarnation() {
    return incarnation;
  }

  @Override
  public long nowNanos() {
    return nowNanos;
  }

  @Override
  public long hash() {
    CanonicalWriter to = new CanonicalWriter();
    to.text(clusterId);
    to.number(incarnation);
    to.number(epoch);
    to.text(leader);
    to.number(formatLevel);
    to.number(createNanos);
    to.number(epochNanos);
    to.number(nowNanos);
    to.number(nextSequence);
    to.number(nextNumber);
    to.name(brake);
    to.text(brakeReason);
    to.number(refused.size());
    refused.values().forEach(to::record);
    to.textMap(admitted);
    to.number(terms.size());
    terms.forEach(to::record);
    if (restoredIncarnation != 0) {
      to.number(restoredIncarnation);
      to.number(restoreNanos);
    }
    requests.write(to);
    to.number(jobs.size());
    jobs.values().forEach(job -> job.write(to));
    to.number(nodes.size());
    nodes.forEach(node -> node.write(to));
    for (Map.Entry<String, Node> named : nodesByName.entrySet()) {
      to.text(named.getKey());
      to.number(named.getValue().number);
    }
    return to.hash();
  }

  @Override
  public Optional<JobView> job(long number) {
    return Optional.ofNullable(jobs.get(number)).map(views::job);
  }

  @Override
  public OptionalLong newestNamed(String namespace, String name) {
    return newest(jobsByName.get(key(namespace, name)));
  }

  @Override
  public OptionalLong lastOf(String namespace, String principal) {
    return newest(jobsByOwner.get(key(namespace, principal)));
  }

  private static OptionalLong newest(@Nullable List<Long> numbers) {
    return numbers == null ? OptionalLong.empty() : OptionalLong.of(numbers.getLast());
  }

  @Override
  public Page<JobView> jobs(JobQuery query) {
    return listings.jobs(query);
  }

  @Override
  public List<JobVersionView> versions(long number) {
    return views.versions(number);
  }

  @Override
  public Optional<Explanation> explainJob(long number) {
    return Optional.ofNullable(jobs.get(number)).map(explainer::job);
  }

  @Override
  public PlanView plan(String namespace, JobSpec spec) {
    return new SubmitPlan(this, explainer).plan(namespace, spec);
  }

  @Override
  public Optional<TaskView> task(long jobNumber, int index) {
    Job job = jobs.get(jobNumber);
    int ordinal = job == null ? -1 : job.ordinalOf(index);
    return job == null || ordinal < 0 ? Optional.empty() : Optional.of(views.task(job, ordinal));
  }

  @Override
  public Page<TaskView> tasks(TaskQuery query) {
    return listings.tasks(query);
  }

  @Override
  public List<AttemptView> attempts(long jobNumber, int index) {
    Job job = jobs.get(jobNumber);
    int ordinal = job == null ? -1 : job.ordinalOf(index);
    return job == null || ordinal < 0 ? List.of() : views.attempts(job, ordinal);
  }

  @Override
  public Optional<Explanation> explainTask(long jobNumber, int index) {
    Job job = jobs.get(jobNumber);
    int ordinal = job == null ? -1 : job.ordinalOf(index);
    return job == null || ordinal < 0
        ? Optional.empty()
        : Optional.of(explainer.task(job, ordinal));
  }

  @Override
  public Optional<NodeView> node(String uid) {
    return Optional.ofNullable(nodesByUid.get(uid)).map(views::node);
  }

  @Override
  public Optional<NodeView> nodeNumbered(int number) {
    return number < 0 || number >= nodes.size()
        ? Optional.empty()
        : Optional.of(views.node(nodes.get(number)));
  }

  @Override
  public Optional<NodeView> nodeNamed(String name) {
    return Optional.ofNullable(nodesByName.get(name)).map(views::node);
  }

  @Override
  public List<NodeView> nodes() {
    return nodesByName.values().stream().map(views::node).toList();
  }

  @Override
  public List<String> nodesOf(long jobNumber) {
    Job job = jobs.get(jobNumber);
    return job == null
        ? List.of()
        : job.nodes.stream().mapToObj(number -> nodes.get(number).uid()).toList();
  }

  @Override
  public List<DesiredAttempt> desiredOf(String nodeUid) {
    Node node = nodesByUid.get(nodeUid);
    return node == null ? List.of() : views.desiredOf(node);
  }

  @Override
  public Optional<DesiredAttempt> desired(AttemptRef attempt) {
    return isLive(attempt) ? views.desired(attempt) : Optional.empty();
  }

  @Override
  public Optional<SpecDefinition> spec(Uid jobUid, long version) {
    return views.spec(jobUid, version);
  }
}

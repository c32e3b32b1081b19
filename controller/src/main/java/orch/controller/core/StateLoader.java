package orch.controller.core;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Makes the state from the sections of a checkpoint, in their order: the one that was written, and
 * what is derived from it anew. Nothing is judged by the rules for new input.
 */
public final class StateLoader {
  private record Live(long sequence, Job job, int ordinal) {}

  private final PartCodec codec;
  private final State state = new State();
  private Parts.@Nullable Counts counts;

  /** Job of the parts that come. */
  private @Nullable Job job;

  public StateLoader(PartCodec codec) {
    this.codec = codec;
  }

  /**
   * Takes the next section.
   *
   * @throws UnreadableStateException when it is damaged, or a newer version wrote it
   */
  public void add(byte[] section) {
    PartReader from = new PartReader(section, "a section");
    while (!from.atEnd()) {
      int kind = (int) from.varint();
      switch (kind) {
        case SnapshotParts.CLUSTER -> counts = Parts.cluster(state, from.framed("the cluster"));
        case SnapshotParts.ANSWERS -> state.requests.decode(from.framed("the answers"), codec);
        case SnapshotParts.NODE -> {
          PartReader part = from.framed("a node");
          NodePart.decode(part, codec).addTo(state, part);
        }
        case SnapshotParts.JOB -> job(from.framed("a job"));
        case SnapshotParts.VERSION -> version(from.framed("a version of a job"));
        case SnapshotParts.TASKS -> tasks(from.framed("tasks of a job"));
        default ->
            throw new UnreadableStateException(
                "the checkpoint has a part of kind "
                    + kind
                    + ", which this version does not know; upgrade this controller");
      }
    }
  }

  /**
   * The state, once every section was added.
   *
   * @throws UnreadableStateException when parts are missing
   */
  public State finish() {
    Parts.Counts expected = counts;
    if (expected == null
        || expected.jobs() != state.jobs.size()
        || expected.nodes() != state.nodes.size()
        || expected.requests() != state.requests.size()) {
      throw new UnreadableStateException(
          "the checkpoint is not whole: it has "
              + state.jobs.size()
              + " jobs, "
              + state.nodes.size()
              + " nodes and "
              + state.requests.size()
              + " answers, and should have "
              + expected
              + "; restore the cluster from a backup");
    }
    NodeChanges nodes = new NodeChanges(state);
    state.nodes.forEach(nodes::describe);
    JobChanges jobs = new JobChanges(state);
    TreeMap<Integer, List<Live>> live = new TreeMap<>();
    for (Job each : state.jobs.values()) {
      index(each);
      attempts(each, live);
      if (each.live()) {
        jobs.link(each);
      }
    }
    live.forEach(this::reserve);
    state.jobs.values().forEach(state::touched);
    return state;
  }

  private void job(PartReader from) {
    JobPart part = JobPart.decode(from);
    Job loaded = new Job(part, state.freeze);
    if (state.jobs.put(loaded.number, loaded) != null || loaded.number >= state.nextNumber) {
      throw from.damaged("job " + loaded.number + " is there twice, or is too new");
    }
    job = loaded;
  }

  private void version(PartReader from) {
    long number = 0;
    long version = 0;
    byte[] spec = new byte[0];
    long nanos = 0;
    String principal = "";
    while (from.next()) {
      switch (from.field()) {
        case 1 -> number = from.number();
        case 2 -> version = from.number();
        case 3 -> spec = from.bytes();
        case 4 -> nanos = from.number();
        case 5 -> principal = from.text();
        default -> throw from.unknown();
      }
    }
    current(number, from)
        .versions
        .add(new Job.Version(version, codec.spec(spec), nanos, principal));
  }

  private void tasks(PartReader from) {
    long number = 0;
    int at = 0;
    Chunk chunk = null;
    while (from.next()) {
      switch (from.field()) {
        case 1 -> number = from.number();
        case 2 -> at = from.integer();
        case 3 -> chunk = Chunk.decode(from.part("tasks of a job"));
        default -> throw from.unknown();
      }
    }
    Job of = current(number, from);
    int expected = Math.min(Chunk.SIZE, of.tasks.size() - at * Chunk.SIZE);
    if (chunk == null || at < 0 || chunk.length() != expected) {
      throw from.damaged("chunk " + at + " of job " + number + " has the wrong size");
    }
    of.tasks.load(at, chunk);
  }

  private Job current(long number, PartReader from) {
    if (job == null || job.number != number) {
      throw from.damaged("it is of job " + number + ", which is not the one before it");
    }
    return job;
  }

  private void index(Job each) {
    if (each.versions.isEmpty()) {
      throw new UnreadableStateException(
          "the checkpoint has no spec of job " + each.number + "; restore from a backup");
    }
    each.tasks.recount();
    state.jobsBySequence.put(each.uid.sequence(), each);
    if (each.live()) {
      state.liveJobs.put(each.number, each);
    }
    JobChanges.add(state.jobsByName, State.key(each.namespace, each.name), each.number);
    JobChanges.add(state.jobsByOwner, State.key(each.namespace, each.owner), each.number);
    state.count(each.state, 1);
    state.taskCount += each.tasks.size();
  }

  /** Collects the live attempts, and the tasks that want a place of their own kind. */
  private void attempts(Job of, TreeMap<Integer, List<Live>> live) {
    @Nullable Chunk[] chunks = of.tasks.chunks();
    for (int number = 0; number < chunks.length; number++) {
      Chunk chunk = chunks[number];
      for (int at = 0; chunk != null && at < chunk.length(); at++) {
        int ordinal = number * Chunk.SIZE + at;
        if (of.tasks.live(ordinal)) {
          of.versionOf(ordinal).live++;
          live.computeIfAbsent(chunk.node[at], _ -> new ArrayList<>())
              .add(new Live(chunk.sequence[at], of, ordinal));
        }
        Extra extra = chunk.extraOrNull(at);
        if (extra != null
            && chunk.state[at] == Codes.WAITING
            && (extra.memoryBytes > 0 || extra.elsewhere)) {
          of.special.add(ordinal);
        }
      }
    }
  }

  private void reserve(int number, List<Live> attempts) {
    Node node = state.nodeOf(number);
    attempts.sort(Comparator.comparingLong(Live::sequence));
    for (Live one : attempts) {
      node.live.add(one.job(), one.ordinal(), one.sequence());
      Extra extra = one.job().tasks.extraOrNull(one.ordinal());
      state.fleet.reserve(
          node.slot,
          one.job().needOf(one.ordinal()),
          extra == null ? List.of() : AttemptChanges.boxed(extra.ports));
    }
  }
}

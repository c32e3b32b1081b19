package orch.controller.core;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The parts of the state in order, as they were when this was made. Beside what stands in the state
 * it has what was altered since and not come to yet; what is larger than a snapshot's place in the
 * order is kept when it is altered, what is smaller is done with.
 */
final class SnapshotParts {
  static final int CLUSTER = 1;
  static final int ANSWERS = 2;
  static final int NODE = 3;

  /** A job and, below it, its versions and its chunks of tasks. */
  static final int JOB = 4;

  static final int VERSION = 5;
  static final int TASKS = 6;

  static final Section.Key FIRST = new Section.Key(CLUSTER, 0, 0);

  /** Chunks come after the versions. */
  private static final long CHUNKS = 1L << 40;

  /** A part of the state. */
  interface Part {
    Section.Key key();

    /** In which it was altered last. */
    int generation();

    void encode(PartWriter to, PartCodec codec);
  }

  private record FrozenNode(byte[] bytes, int generation) {}

  /** {@code head} null: the job has not been altered, and is encoded when it is wanted. */
  private record FrozenJob(
      Job job,
      int generation,
      List<Job.Version> versions,
      @Nullable Chunk[] chunks,
      byte @Nullable [] head) {
    static FrozenJob of(Job job, boolean encoded) {
      return new FrozenJob(
          job,
          job.tasks.generation,
          encoded ? new ArrayList<>(job.versions) : job.versions,
          job.tasks.chunks(),
          encoded ? JobPart.encode(job).toByteArray() : null);
    }
  }

  private record Encoded(Section.Key key, int generation, int kind, byte[] bytes) implements Part {
    @Override
    public void encode(PartWriter to, PartCodec codec) {
      to.varint(kind);
      to.varint(bytes.length);
      to.raw(bytes, bytes.length);
    }
  }

  private interface Encoder {
    PartWriter encode(PartCodec codec);
  }

  private record Lazy(Section.Key key, int generation, int kind, Encoder encoder) implements Part {
    @Override
    public void encode(PartWriter to, PartCodec codec) {
      to.varint(kind);
      PartWriter part = encoder.encode(codec);
      to.varint(part.size());
      to.raw(part);
    }
  }

  private final State state;
  private final PartCodec codec;
  private final byte[] cluster;
  private final Requests.Frozen answers;
  private final int nodes;
  private final long jobsEnd;
  private final TreeMap<Integer, FrozenNode> keptNodes = new TreeMap<>();
  private final TreeMap<Long, FrozenJob> keptJobs = new TreeMap<>();

  /** Smaller parts are not wanted any more. */
  private Section.Key low = FIRST;

  /** The next part is this or the first after it. */
  private Section.Key next = FIRST;

  private @Nullable FrozenJob current;

  SnapshotParts(State state, PartCodec codec) {
    this.state = state;
    this.codec = codec;
    this.cluster = Parts.cluster(state).toByteArray();
    this.answers = state.requests.frozen();
    this.nodes = state.nodes.size();
    this.jobsEnd = state.nextNumber;
  }

  void keep(Job job) {
    boolean due = low.kind() < JOB || job.number >= low.number();
    if (due && job.number < jobsEnd) {
      keptJobs.put(job.number, FrozenJob.of(job, true));
      FrozenJob here = current;
      if (here != null && here.job == job) {
        current = keptJobs.get(job.number);
      }
    }
  }

  void keep(Node node) {
    boolean due = low.kind() < NODE || low.kind() == NODE && node.number >= low.number();
    if (due && node.number < nodes) {
      keptNodes.put(node.number, new FrozenNode(encode(node).toByteArray(), node.generation));
    }
  }

  private PartWriter encode(Node node) {
    return NodePart.encode(node, state.nodesByName.get(node.name()) == node, codec);
  }

  /** Goes back, or on. */
  void seek(Section.Key key) {
    next = key;
  }

  /** Nothing before the key is wanted any more. */
  void passed(Section.Key key) {
    low = key;
    keptNodes.headMap(low.kind() > NODE ? Integer.MAX_VALUE : (int) low.number()).clear();
    if (low.kind() == JOB) {
      keptJobs.headMap(low.number()).clear();
    }
  }

  /** The next part before the limit; null: there is none. */
  @Nullable Part next(Section.@Nullable Key limit) {
    Part part = find();
    if (part == null || limit != null && part.key().compareTo(limit) >= 0) {
      return null;
    }
    Section.Key key = part.key();
    next = new Section.Key(key.kind(), key.number(), key.sub() + 1);
    return part;
  }

  private @Nullable Part find() {
    if (next.kind() == CLUSTER) {
      if (next.sub() == 0) {
        return new Encoded(FIRST, Integer.MAX_VALUE, CLUSTER, cluster);
      }
      next = new Section.Key(ANSWERS, 0, 0);
    }
    if (next.kind() == ANSWERS) {
      long from = next.number() + (next.sub() > 0 ? 1 : 0);
      Map.Entry<Long, Requests.Page> page = answers.pages().ceilingEntry(from);
      if (page != null) {
        long number = page.getKey();
        return new Lazy(
            new Section.Key(ANSWERS, number, 0),
            page.getValue().generation,
            ANSWERS,
            with -> answers.encode(number, with));
      }
      next = new Section.Key(NODE, 0, 0);
    }
    if (next.kind() == NODE) {
      int number = (int) next.number() + (next.sub() > 0 ? 1 : 0);
      if (number < nodes) {
        return node(number);
      }
      next = new Section.Key(JOB, 0, 0);
    }
    return findInJobs();
  }

  private Part node(int number) {
    Section.Key key = new Section.Key(NODE, number, 0);
    FrozenNode kept = keptNodes.get(number);
    if (kept != null) {
      return new Encoded(key, kept.generation(), NODE, kept.bytes());
    }
    Node node = state.nodes.get(number);
    return new Lazy(key, node.generation, NODE, _ -> encode(node));
  }

  private @Nullable Part findInJobs() {
    FrozenJob job = current;
    if (job == null || job.job().number != next.number()) {
      job = jobFrom(next.number());
      current = job;
    }
    while (job != null) {
      long number = job.job().number;
      if (number > next.number()) {
        next = new Section.Key(JOB, number, 0);
      }
      Part part = findIn(job);
      if (part != null) {
        return part;
      }
      job = jobFrom(number + 1);
      current = job;
    }
    return null;
  }

  private @Nullable FrozenJob jobFrom(long number) {
    Map.Entry<Long, Job> there = state.jobs.ceilingEntry(number);
    Map.Entry<Long, FrozenJob> kept = keptJobs.ceilingEntry(number);
    if (kept != null && (there == null || kept.getKey() <= there.getKey())) {
      return kept.getValue();
    }
    return there == null || there.getKey() >= jobsEnd
        ? null
        : FrozenJob.of(there.getValue(), false);
  }

  /** The job's next part from {@code next.sub()} on: itself, a version, or a chunk. */
  private @Nullable Part findIn(FrozenJob frozen) {
    Job job = frozen.job();
    long number = job.number;
    long sub = next.sub();
    if (sub == 0) {
      Section.Key key = new Section.Key(JOB, number, 0);
      byte[] head = frozen.head();
      return head != null
          ? new Encoded(key, frozen.generation(), JOB, head)
          : new Lazy(key, frozen.generation(), JOB, _ -> JobPart.encode(job));
    }
    if (sub < CHUNKS) {
      for (Job.Version version : frozen.versions()) {
        if (version.number >= sub) {
          return new Lazy(
              new Section.Key(JOB, number, version.number),
              frozen.generation(),
              VERSION,
              with -> Parts.version(number, version, with));
        }
      }
    }
    @Nullable Chunk[] chunks = frozen.chunks();
    for (int i = (int) Math.max(0, sub - CHUNKS); i < chunks.length; i++) {
      Chunk chunk = chunks[i];
      if (chunk != null) {
        int at = i;
        return new Lazy(
            new Section.Key(JOB, number, CHUNKS + i),
            chunk.generation,
            TASKS,
            _ -> Parts.tasks(number, at, chunk));
      }
    }
    return null;
  }
}

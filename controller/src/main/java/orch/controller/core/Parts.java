package orch.controller.core;

import java.util.ArrayList;
import java.util.List;
import orch.api.model.AttemptState;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.StageTimes;
import orch.api.model.StartFailure;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** The parts of a checkpoint that have no class of their own, and the values in them. */
final class Parts {
  private static final int STAGES = 11;

  private Parts() {}

  // ---- the cluster

  /** What stands in the state only once. */
  static PartWriter cluster(State state) {
    PartWriter to = new PartWriter();
    to.text(1, state.clusterId);
    to.number(2, state.incarnation);
    to.number(3, state.epoch);
    to.text(4, state.leader);
    to.number(5, state.formatLevel);
    to.number(6, state.createNanos);
    to.number(7, state.epochNanos);
    to.number(8, state.nowNanos);
    to.number(9, state.nextSequence);
    to.number(10, state.nextNumber);
    for (State.Term term : state.terms) {
      PartWriter one = new PartWriter();
      one.number(1, term.incarnation());
      one.number(2, term.epoch());
      to.part(11, one);
    }
    to.number(12, state.jobs.size());
    to.number(13, state.nodes.size());
    to.number(14, state.requests.size());
    if (state.brake != FleetBrake.OFF) {
      to.name(15, state.brake);
    }
    to.text(16, state.brakeReason);
    state.refused.values().forEach(node -> to.part(17, refused(node)));
    state.admitted.forEach((uid, cluster) -> {
      PartWriter one = new PartWriter();
      one.text(1, uid);
      one.text(2, cluster);
      to.part(18, one);
    });
    to.number(19, state.restoreNanos);
    to.number(20, state.restoredIncarnation);
    return to;
  }

  /** How many of each there must be in the checkpoint. */
  record Counts(long jobs, long nodes, long requests) {}

  static Counts cluster(State state, PartReader from) {
    long jobs = 0;
    long nodes = 0;
    long requests = 0;
    while (from.next()) {
      switch (from.field()) {
        case 1 -> state.clusterId = from.text();
        case 2 -> state.incarnation = from.integer();
        case 3 -> state.epoch = from.number();
        case 4 -> state.leader = from.text();
        case 5 -> state.formatLevel = from.integer();
        case 6 -> state.createNanos = from.number();
        case 7 -> state.epochNanos = from.number();
        case 8 -> state.nowNanos = from.number();
        case 9 -> state.nextSequence = from.number();
        case 10 -> state.nextNumber = from.number();
        case 11 -> state.terms.add(term(from.part("a term")));
        case 12 -> jobs = from.number();
        case 13 -> nodes = from.number();
        case 14 -> requests = from.number();
        case 15 -> state.brake = from.name(FleetBrake.class);
        case 16 -> state.brakeReason = from.text();
        case 17 -> {
          RefusedNode node = refused(from.part("a refused node"));
          state.refused.put(node.key(), node);
        }
        case 18 -> admitted(state, from.part("an admitted node"));
        case 19 -> state.restoreNanos = from.number();
        case 20 -> state.restoredIncarnation = from.integer();
        default -> throw from.unknown();
      }
    }
    return new Counts(jobs, nodes, requests);
  }

  private static PartWriter refused(RefusedNode of) {
    PartWriter to = new PartWriter();
    to.text(1, of.name());
    to.text(2, of.uid());
    to.text(3, of.machineId());
    to.text(4, of.bootId());
    to.text(5, of.clusterId());
    to.number(6, of.incarnation());
    to.text(7, of.reason());
    to.text(8, of.message());
    return to;
  }

  private static RefusedNode refused(PartReader from) {
    String[] texts = {"", "", "", "", "", "", "", ""};
    int incarnation = 0;
    while (from.next()) {
      switch (from.field()) {
        case 1, 2, 3, 4, 5, 7, 8 -> texts[from.field() - 1] = from.text();
        case 6 -> incarnation = from.integer();
        default -> throw from.unknown();
      }
    }
    return new RefusedNode(
        texts[0], texts[1], texts[2], texts[3], texts[4], incarnation, texts[6], texts[7]);
  }

  private static void admitted(State state, PartReader from) {
    String uid = "";
    String cluster = "";
    while (from.next()) {
      switch (from.field()) {
        case 1 -> uid = from.text();
        case 2 -> cluster = from.text();
        default -> throw from.unknown();
      }
    }
    state.admitted.put(uid, cluster);
  }

  private static State.Term term(PartReader from) {
    int incarnation = 0;
    long epoch = 0;
    while (from.next()) {
      switch (from.field()) {
        case 1 -> incarnation = from.integer();
        case 2 -> epoch = from.number();
        default -> throw from.unknown();
      }
    }
    return new State.Term(incarnation, epoch);
  }

  // ---- attempts and answers

  static PartWriter uid(Uid of) {
    PartWriter to = new PartWriter();
    to.number(1, of.incarnation());
    to.number(2, of.epoch());
    to.number(3, of.sequence());
    return to;
  }

  static Uid uid(PartReader from) {
    long[] numbers = new long[4];
    while (from.next()) {
      switch (from.field()) {
        case 1, 2, 3 -> numbers[from.field()] = from.number();
        default -> throw from.unknown();
      }
    }
    return new Uid((int) numbers[1], numbers[2], numbers[3]);
  }

  static PartWriter pastAttempt(PastAttempt of) {
    PartWriter to = new PartWriter();
    to.number(1, of.number());
    to.number(2, of.uid().incarnation());
    to.number(3, of.uid().epoch());
    to.number(4, of.uid().sequence());
    to.name(5, of.state());
    to.text(6, of.reason());
    to.number(7, of.node());
    to.number(8, of.placeNanos());
    to.number(9, of.startNanos());
    to.number(10, of.endNanos());
    if (of.result() != null) {
      to.part(11, result(of.result()));
    }
    to.number(12, of.version());
    for (int port : of.ports()) {
      to.present(13, port);
    }
    if (!of.stages().equals(StageTimes.NONE)) {
      to.column(14, array(of.stages()));
    }
    return to;
  }

  static PastAttempt pastAttempt(PartReader from) {
    int number = 0;
    int incarnation = 0;
    long epoch = 0;
    long sequence = 0;
    AttemptState state = AttemptState.DROPPED;
    String reason = "";
    int node = 0;
    long placeNanos = 0;
    long startNanos = 0;
    long endNanos = 0;
    Result result = null;
    long version = 0;
    List<Integer> ports = new ArrayList<>(0);
    StageTimes stages = StageTimes.NONE;
    while (from.next()) {
      switch (from.field()) {
        case 1 -> number = from.integer();
        case 2 -> incarnation = from.integer();
        case 3 -> epoch = from.number();
        case 4 -> sequence = from.number();
        case 5 -> state = from.name(AttemptState.class);
        case 6 -> reason = from.text();
        case 7 -> node = from.integer();
        case 8 -> placeNanos = from.number();
        case 9 -> startNanos = from.number();
        case 10 -> endNanos = from.number();
        case 11 -> result = result(from.part("a result"));
        case 12 -> version = from.number();
        case 13 -> ports.add(from.integer());
        case 14 -> stages = stages(from.column(STAGES));
        default -> throw from.unknown();
      }
    }
    return new PastAttempt(
        number,
        new Uid(incarnation, epoch, sequence),
        state,
        reason,
        node,
        placeNanos,
        startNanos,
        endNanos,
        result,
        version,
        ports,
        stages);
  }

  private static long[] array(StageTimes of) {
    return new long[] {
      of.acceptNanos(),
      of.commitNanos(),
      of.placeNanos(),
      of.sendNanos(),
      of.receiveNanos(),
      of.launchNanos(),
      of.execNanos(),
      of.exitNanos(),
      of.recordNanos(),
      of.reportNanos(),
      of.ackNanos()
    };
  }

  private static StageTimes stages(long[] of) {
    return new StageTimes(
        of[0], of[1], of[2], of[3], of[4], of[5], of[6], of[7], of[8], of[9], of[10]);
  }

  static PartWriter result(Result of) {
    PartWriter to = new PartWriter();
    to.name(1, of.kind());
    to.number(2, of.siCode());
    to.number(3, of.siStatus());
    if (of.startFailure() != null) {
      to.part(4, startFailure(of.startFailure()));
    }
    to.flag(5, of.oomKilled());
    to.number(6, of.oomKills());
    to.number(7, of.cpuUserMicros());
    to.number(8, of.cpuSystemMicros());
    to.number(9, of.memoryPeakBytes());
    to.number(10, of.logBytes());
    to.number(11, of.logLostBytes());
    return to;
  }

  private static Result result(PartReader from) {
    ResultKind kind = ResultKind.UNKNOWN;
    @Nullable StartFailure failure = null;
    long[] numbers = new long[12];
    while (from.next()) {
      switch (from.field()) {
        case 1 -> kind = from.name(ResultKind.class);
        case 4 -> failure = startFailure(from.part("a failed start"));
        case 2, 3, 5, 6, 7, 8, 9, 10, 11 -> numbers[from.field()] = from.number();
        default -> throw from.unknown();
      }
    }
    return new Result(
        kind,
        (int) numbers[2],
        (int) numbers[3],
        failure,
        numbers[5] != 0,
        numbers[6],
        numbers[7],
        numbers[8],
        numbers[9],
        numbers[10],
        numbers[11]);
  }

  static PartWriter startFailure(StartFailure of) {
    PartWriter to = new PartWriter();
    to.text(1, of.stage());
    to.number(2, of.errno());
    to.text(3, of.message());
    return to;
  }

  static StartFailure startFailure(PartReader from) {
    String stage = "";
    int errno = 0;
    String message = "";
    while (from.next()) {
      switch (from.field()) {
        case 1 -> stage = from.text();
        case 2 -> errno = from.integer();
        case 3 -> message = from.text();
        default -> throw from.unknown();
      }
    }
    return new StartFailure(stage, errno, message);
  }

  static PartWriter version(long jobNumber, Job.Version of, PartCodec codec) {
    PartWriter to = new PartWriter();
    to.number(1, jobNumber);
    to.number(2, of.number);
    to.bytes(3, codec.spec(of.spec));
    to.number(4, of.nanos);
    to.text(5, of.principal);
    return to;
  }

  static PartWriter tasks(long jobNumber, int at, Chunk chunk) {
    PartWriter to = new PartWriter();
    to.number(1, jobNumber);
    to.number(2, at);
    PartWriter columns = new PartWriter();
    chunk.encode(columns);
    to.part(3, columns);
    return to;
  }
}

package orch.controller.convert;

import java.util.List;
import orch.api.convert.AttemptConvert;
import orch.api.model.Uid;
import orch.controller.core.Change;
import orch.controller.core.HeldAttempt;
import orch.log.v1.AttemptAdopted;
import orch.log.v1.AttemptsHeld;
import orch.log.v1.HeldGone;
import orch.log.v1.HeldStopping;
import orch.log.v1.IncarnationRaised;
import orch.log.v1.NodeAdopted;

/** The changes of a restore from a backup, and of adoptions. */
final class RestoreConvert {
  private RestoreConvert() {}

  static IncarnationRaised write(Change.IncarnationRaised of) {
    return IncarnationRaised.newBuilder()
        .setIncarnation(of.incarnation())
        .setNextSequence(of.nextSequence())
        .setNextNumber(of.nextNumber())
        .setRestored(of.restored())
        .build();
  }

  static Change read(IncarnationRaised from) {
    return new Change.IncarnationRaised(
        from.getIncarnation(), from.getNextSequence(), from.getNextNumber(), from.getRestored());
  }

  static AttemptsHeld write(Change.AttemptsHeld of) {
    AttemptsHeld.Builder to = AttemptsHeld.newBuilder().setNode(of.node());
    for (HeldAttempt held : of.attempts()) {
      to.addAttempts(
          AttemptsHeld.Held.newBuilder()
              .setUid(AttemptConvert.toProto(held.uid()))
              .setJobUid(AttemptConvert.toProto(held.jobUid()))
              .setJobNumber(held.jobNumber())
              .setIndex(held.index())
              .setAttempt(held.attempt())
              .setStartNanos(held.startNanos())
              .setSinceNanos(held.sinceNanos())
              .setStopping(held.stopping()));
    }
    return to.build();
  }

  static Change read(AttemptsHeld from) {
    return new Change.AttemptsHeld(
        from.getNode(),
        from.getAttemptsList().stream()
            .map(held ->
                new HeldAttempt(
                    AttemptConvert.fromProto(held.getUid()),
                    AttemptConvert.fromProto(held.getJobUid()),
                    held.getJobNumber(),
                    held.getIndex(),
                    held.getAttempt(),
                    held.getStartNanos(),
                    held.getSinceNanos(),
                    held.getStopping()))
            .toList());
  }

  static HeldStopping write(Change.HeldStopping of) {
    return HeldStopping.newBuilder().setNode(of.node()).addAllAttempts(uids(of.attempts())).build();
  }

  static Change read(HeldStopping from) {
    return new Change.HeldStopping(from.getNode(), read(from.getAttemptsList()));
  }

  static HeldGone write(Change.HeldGone of) {
    return HeldGone.newBuilder().setNode(of.node()).addAllAttempts(uids(of.attempts())).build();
  }

  static Change read(HeldGone from) {
    return new Change.HeldGone(from.getNode(), read(from.getAttemptsList()));
  }

  static AttemptAdopted write(Change.AttemptAdopted of) {
    return AttemptAdopted.newBuilder()
        .setNode(of.node())
        .setAttempt(AttemptConvert.toProto(of.attempt()))
        .build();
  }

  static Change read(AttemptAdopted from) {
    return new Change.AttemptAdopted(from.getNode(), AttemptConvert.fromProto(from.getAttempt()));
  }

  static NodeAdopted write(Change.NodeAdopted of) {
    return NodeAdopted.newBuilder().setNode(of.node()).build();
  }

  static Change read(NodeAdopted from) {
    return new Change.NodeAdopted(from.getNode());
  }

  private static List<orch.agent.v1.Uid> uids(List<Uid> of) {
    return of.stream().map(AttemptConvert::toProto).toList();
  }

  private static List<Uid> read(List<orch.agent.v1.Uid> from) {
    return from.stream().map(AttemptConvert::fromProto).toList();
  }
}

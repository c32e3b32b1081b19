package orch.controller.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import com.google.protobuf.UnknownFieldSet;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import orch.api.model.AttemptState;
import orch.api.model.IndexRange;
import orch.api.model.JobSpec;
import orch.api.model.JobState;
import orch.api.model.NodeCapacity;
import orch.api.model.NodeDescription;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.StageTimes;
import orch.api.model.StartFailure;
import orch.api.model.TaskSet;
import orch.api.model.TaskState;
import orch.api.model.Uid;
import orch.controller.core.Answer;
import orch.controller.core.AttemptRef;
import orch.controller.core.Change;
import orch.controller.core.FleetBrake;
import orch.controller.core.HeldAttempt;
import orch.controller.core.JobEnding;
import orch.controller.core.Next;
import orch.controller.core.NodeAvailability;
import orch.controller.core.NodeContact;
import orch.controller.core.RefusedNode;
import orch.controller.core.Rejection;
import orch.controller.core.RejectionCode;
import orch.controller.core.StopCause;
import orch.controller.core.SubmitOutcome;
import orch.controller.core.TaskRef;
import orch.log.v1.Record;
import org.junit.jupiter.api.Test;

class RecordConvertTest {
  private static final Instant NOW = Instant.parse("2026-11-24T10:05:00.123456789Z");
  private static final Uid UID = new Uid(1, 2, 3);
  private static final AttemptRef ATTEMPT = new AttemptRef(42, 7, UID);
  private static final List<IndexRange> RANGES =
      List.of(new IndexRange(0, 4, 2), new IndexRange(9, 9, 1));
  private static final JobSpec SPEC =
      JobSpec.batch("web", TaskSet.count(3), List.of("/bin/true", "${task.index}"));

  private static final List<Change> EVERY_CHANGE =
      List.of(
          new Change.ClusterCreated("c-1", 1),
          new Change.EpochStarted(7, "one", 1),
          new Change.FormatRaised(2),
          new Change.IncarnationRaised(3, 4, 5, true),
          new Change.NumbersRaised(9),
          new Change.NodeReconciled(1),
          new Change.RestoreSettled(),
          new Change.AttemptsHeld(
              1, List.of(new HeldAttempt(UID, new Uid(1, 1, 9), 42, 7, 2, 5, 6, true))),
          new Change.HeldStopping(1, List.of(UID)),
          new Change.HeldGone(1, List.of(UID)),
          new Change.AttemptAdopted(1, UID),
          new Change.NodeAdopted(1),
          answered(new Answer.Done()),
          answered(new Answer.Submitted(42, SubmitOutcome.CREATED)),
          answered(new Answer.Validated(SubmitOutcome.UPDATED, 41, "web")),
          answered(new Answer.Jobs(List.of(1L, 2L), List.of(3L))),
          answered(new Answer.Tasks(List.of(new TaskRef(1, 2)), List.of(new TaskRef(3, 4)))),
          answered(new Answer.Node("n-1")),
          answered(
              new Answer.Rejected(
                  new Rejection(RejectionCode.INVALID_ARGUMENT, "WHY", "spec.name", "because"))),
          new Change.RequestsExpired(5),
          new Change.JobSubmitted(
              42, "default", "web", SPEC, "local:a", "t", "s", List.of(1L, 2L), 41),
          new Change.JobVersioned(42, 2, SPEC, "local", true),
          new Change.JobUnblocked(42),
          new Change.JobHeld(42, "local"),
          new Change.JobReleased(42, "local"),
          new Change.JobSuspended(42, "local"),
          new Change.JobResumed(42, "local"),
          new Change.JobStopping(42, JobEnding.DEADLINE, "late"),
          new Change.JobEnded(42, JobState.FAILED, "2 tasks failed", 3),
          new Change.JobRetried(42, RANGES, "local"),
          new Change.JobDeleted(42),
          new Change.TasksCancelled(42, RANGES, "enough"),
          new Change.TasksDropped(42, RANGES, "never"),
          new Change.AttemptsPlaced(
              List.of(
                  new Change.Placed(42, 7, 1, List.of(20_000, 20_001)),
                  new Change.Placed(42, 8, 1, List.of()))),
          new Change.AttemptsRunning(List.of(new Change.Started(ATTEMPT, 99))),
          new Change.AttemptsReadiness(List.of(ATTEMPT), List.of(new AttemptRef(42, 8, UID))),
          new Change.AttemptsStopping(
              List.of(ATTEMPT), StopCause.DRAIN, Duration.ofMillis(1_500), "drained"),
          new Change.AttemptsStopping(List.of(ATTEMPT), StopCause.TASK, null, ""),
          new Change.AttemptsEnded(
              List.of(
                  new Change.Ended(
                      ATTEMPT,
                      AttemptState.FAILED,
                      Result.without(
                          ResultKind.START_FAILED, new StartFailure("exec", 2, "cannot start")),
                      "",
                      1,
                      2,
                      new StageTimes(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
                      new Next.Waits(1_500, true, 2, false, true, 77)),
                  new Change.Ended(
                      ATTEMPT,
                      AttemptState.DROPPED,
                      null,
                      "other boot",
                      0,
                      0,
                      StageTimes.NONE,
                      new Next.Ends(TaskState.KILLED, "drained")))),
          new Change.NodeRegistered(0, node()),
          new Change.NodeUpdated(0, node()),
          new Change.NodeSettled(0),
          new Change.NodeContactChanged(0, NodeContact.UNREACHABLE, "silent"),
          new Change.NodeAvailabilityChanged(
              0, NodeAvailability.DRAINING, Duration.ofSeconds(3), "kernel"),
          new Change.NodeAvailabilityChanged(0, NodeAvailability.READY, null, ""),
          new Change.NodeLabelled(0, new TreeMap<>(Map.of("rack", "a"))),
          new Change.FleetBrakeChanged(FleetBrake.ON, "2 of 3 nodes fell silent at once"),
          new Change.NodeRefused(
              new RefusedNode("one", "n-2", "machine", "boot", "c-2", 3, "FOREIGN_CLUSTER", "no")),
          new Change.NodeRefusalsForgotten(List.of("n-2/machine/boot")),
          new Change.NodeReplaced(0, "n-3", "replaced"),
          new Change.NodeAdmitted("n-2", "c-2", 4));

  @Test
  void everyKindOfChangeIsReadAsItWasWritten() {
    RecordConvert.Decided read = RecordConvert.decode(RecordConvert.encode(NOW, EVERY_CHANGE));
    assertEquals(NOW, read.now());
    assertEquals(EVERY_CHANGE, read.changes());
  }

  @Test
  void everyKindOfChangeAndAnswerIsInThisTest() {
    TreeSet<String> kinds = new TreeSet<>();
    for (Change change : EVERY_CHANGE) {
      kinds.add(change.getClass().getSimpleName());
      if (change instanceof Change.RequestAnswered answered) {
        kinds.add(answered.answer().getClass().getSimpleName());
      }
    }
    for (Class<?> parent : List.of(Change.class, Answer.class)) {
      for (Class<?> kind : parent.getPermittedSubclasses()) {
        assertEquals(true, kinds.contains(kind.getSimpleName()), kind + " is not tested");
      }
    }
    assertEquals(
        Change.class.getPermittedSubclasses().length,
        orch.log.v1.Change.getDescriptor().getOneofs().getFirst().getFieldCount());
  }

  @Test
  void sameChangesAreTheSameBytes() {
    assertArrayEquals(
        RecordConvert.encode(NOW, EVERY_CHANGE),
        RecordConvert.encode(
            NOW, RecordConvert.decode(RecordConvert.encode(NOW, EVERY_CHANGE)).changes()));
  }

  @Test
  void changeOfANewerVersionIsNotPassedOver() {
    Record record =
        Record.newBuilder()
            .addChanges(
                orch.log.v1.Change.newBuilder()
                    .setUnknownFields(
                        UnknownFieldSet.newBuilder()
                            .addField(
                                99,
                                UnknownFieldSet.Field.newBuilder()
                                    .addLengthDelimited(ByteString.EMPTY)
                                    .build())
                            .build()))
            .build();
    UnknownChangeException unknown =
        assertThrows(
            UnknownChangeException.class, () -> RecordConvert.decode(record.toByteArray()));
    assertEquals(true, String.valueOf(unknown.getMessage()).contains("99"));
  }

  @Test
  void fieldOfANewerVersionIsNotPassedOverWhereverItIs() throws Exception {
    Record record = Record.parseFrom(RecordConvert.encode(NOW, EVERY_CHANGE));
    List<Message> variants = new ArrayList<>();
    for (orch.log.v1.Change change : record.getChangesList()) {
      variants.addAll(withUnknownField(change));
    }
    assertTrue(variants.size() > 100, variants.size() + " messages");
    for (Message variant : variants) {
      Record newer = Record.newBuilder().addChanges((orch.log.v1.Change) variant).build();
      assertThrows(
          UnknownChangeException.class,
          () -> RecordConvert.decode(newer.toByteArray()),
          variant::toString);
    }
  }

  /** The message with an unknown field in it, once for each message that it has at any depth. */
  private static List<Message> withUnknownField(Message message) {
    List<Message> variants = new ArrayList<>();
    UnknownFieldSet unknown =
        UnknownFieldSet.newBuilder()
            .addField(999, UnknownFieldSet.Field.newBuilder().addVarint(1).build())
            .build();
    variants.add(message.toBuilder().setUnknownFields(unknown).build());
    message
        .getAllFields()
        .forEach((field, value) -> {
          if (field.getJavaType() != FieldDescriptor.JavaType.MESSAGE || field.isMapField()) {
            return;
          }
          if (field.isRepeated()) {
            for (int i = 0; i < message.getRepeatedFieldCount(field); i++) {
              int at = i;
              withUnknownField((Message) message.getRepeatedField(field, i))
                  .forEach(variant ->
                      variants.add(
                          message.toBuilder().setRepeatedField(field, at, variant).build()));
            }
          } else {
            withUnknownField((Message) value)
                .forEach(
                    variant -> variants.add(message.toBuilder().setField(field, variant).build()));
          }
        });
    return variants;
  }

  @Test
  void aSpecThatTheGateWouldRefuseTodayIsReadFromLogAndCheckpointAllTheSame() throws Exception {
    byte[] bytes =
        RecordConvert.encode(
            NOW,
            List.of(
                new Change.JobSubmitted(1, "default", "web", SPEC, "l", "t", "", List.of(), 0)));
    Record.Builder record = Record.parseFrom(bytes).toBuilder();
    record.getChangesBuilder(0).getJobSubmittedBuilder().getSpecBuilder().setPriority(4_711);
    var read =
        (Change.JobSubmitted)
            RecordConvert.decode(record.build().toByteArray()).changes().getFirst();
    assertEquals(4_711, read.spec().priority());
    StateCodec codec = new StateCodec();
    assertEquals(read.spec(), codec.spec(codec.spec(read.spec())));
  }

  @Test
  void bytesThatAreNoRecordAreRefused() {
    byte[] bytes = RecordConvert.encode(NOW, EVERY_CHANGE);
    assertThrows(
        IllegalArgumentException.class,
        () -> RecordConvert.decode(Arrays.copyOf(bytes, bytes.length - 3)));
  }

  private static Change answered(Answer answer) {
    return new Change.RequestAnswered("id-" + answer, "local:a", -5, answer);
  }

  private static NodeDescription node() {
    return new NodeDescription(
        "n-1",
        "one",
        "machine",
        "boot",
        "0.1.0",
        new TreeMap<>(Map.of("rack", "a", "gpu", "")),
        new TreeMap<>(Map.of("kernel", "6.1")),
        new NodeCapacity(2_000, 1 << 30, 100, new TreeMap<>(Map.of("gpu", 1))),
        List.of("memory"),
        "root");
  }
}

package orch.api.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import com.google.protobuf.UnknownFieldSet;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import orch.api.model.AgentMessage;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.AttemptUsage;
import orch.api.model.Blob;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.JobSpec;
import orch.api.model.LinkHeader;
import orch.api.model.LogRecord;
import orch.api.model.NodeCapacity;
import orch.api.model.NodeDescription;
import orch.api.model.NodeEvent;
import orch.api.model.ProcessTree;
import orch.api.model.Readiness;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.SpecDefinition;
import orch.api.model.StageTimes;
import orch.api.model.StartFailure;
import orch.api.model.StopOrder;
import orch.api.model.TaskSet;
import orch.api.model.Uid;
import orch.api.model.UnreadableSpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

final class LinkConvertTest {
  private static final Uid JOB = new Uid(1, 3, 7);
  private static final Uid ATTEMPT = new Uid(2, 5, 1_000_000_000_007L);
  private static final LinkHeader HEADER = new LinkHeader("c-1", 2, 5, 900);
  private static final StageTimes STAGES = new StageTimes(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
  private static final Result RESULT =
      new Result(
          ResultKind.START_FAILED,
          1,
          42,
          new StartFailure("chdir", 2, "cannot start web/0: no such directory"),
          true,
          3,
          4_000,
          5_000,
          6_000,
          7_000,
          8);
  private static final AttemptStatus STATUS =
      new AttemptStatus(
          ATTEMPT,
          JOB,
          42,
          3,
          2,
          AttemptState.FAILED,
          "chdir",
          100,
          200,
          RESULT,
          STAGES,
          Readiness.READY,
          "serving");
  private static final ProcessTree TREE =
      new ProcessTree(
          List.of(
              new ProcessTree.Entry(
                  7, 1, "Z", 20, 4_096, List.of("sh", "x"), 99, "sh", true, true, true, 2)),
          9,
          true,
          ProcessTree.Leader.ZOMBIE,
          true,
          3);
  private static final AttemptUsage USAGE =
      new AttemptUsage(
          1L,
          2L,
          3L,
          4L,
          5L,
          6L,
          7L,
          0.5,
          1.5,
          2.5,
          11L,
          12L,
          13L,
          14L,
          15L,
          List.of("memory_peak_bytes"),
          List.of("read_bytes"),
          1_000);
  private static final AttemptStatus NEW_STATUS =
      new AttemptStatus(
          ATTEMPT, JOB, 42, 0, 1, AttemptState.PLACED, "", 0, 0, null, StageTimes.NONE);

  static List<AgentMessage> agentMessages() {
    NodeDescription node =
        new NodeDescription(
            "9f3c",
            "alpha",
            "machine",
            "boot-2",
            "0.1.0",
            new TreeMap<>(Map.of("rack", "a")),
            new TreeMap<>(Map.of("kernel", "6.12.1")),
            new NodeCapacity(8_000, 1L << 34, 500, new TreeMap<>(Map.of("gpu", 2))),
            List.of("memory"),
            "orch");
    return List.of(
        new AgentMessage.Hello(1, "c-1", 2, 5, 899, node, 12, 0x8123456789abcdefL, 41, "i-7"),
        new AgentMessage.Inventory(List.of(STATUS, NEW_STATUS), true),
        new AgentMessage.Reports(List.of(STATUS)),
        new AgentMessage.Heartbeat(17, 123_456_789_012L),
        new AgentMessage.SignalOutcome(5, 2, "no such process"),
        new AgentMessage.Events(
            77,
            List.of(
                new NodeEvent(
                    3,
                    1_000,
                    42,
                    3,
                    2,
                    "EVICTED",
                    "evicted: memory pressure",
                    new TreeMap<>(Map.of("memory_bytes", 1L << 30))))),
        new AgentMessage.Inspected(7, "half of it", TREE, USAGE));
  }

  static List<ControllerMessage> controllerMessages() {
    SpecDefinition definition =
        new SpecDefinition(
            JOB,
            4,
            JobSpec.batch("web", TaskSet.count(3), List.of("/bin/true")),
            "default",
            "web",
            42,
            "0af7651916cd43dd8448eb211c80319c",
            "vendor=1",
            3);
    DesiredAttempt attempt =
        new DesiredAttempt(
            ATTEMPT,
            JOB,
            4,
            3,
            2,
            "boot-2",
            new StopOrder(Duration.ofMillis(1_500), "cancelled by alice"),
            Duration.ofSeconds(3, 250),
            new TreeMap<>(Map.of("http", 20_001)),
            99,
            "b7ad6b7169203331",
            "file-3",
            1L << 30,
            STAGES,
            true);
    return List.of(
        new ControllerMessage.StopReplaced(new orch.api.model.Uid(1, 2, 3), "given up"),
        new ControllerMessage.Welcome(Duration.ofMillis(1_500), true, "c-0", 7),
        new ControllerMessage.Desired(true, true, List.of(definition), List.of(attempt)),
        new ControllerMessage.Forget(List.of(ATTEMPT, JOB)),
        new ControllerMessage.HeartbeatReply(17, true),
        new ControllerMessage.OpenLogs(8, JOB, 3, 2, true, 100, 12_345, 2),
        new ControllerMessage.CloseLogs(8, true),
        new ControllerMessage.Signal(5, ATTEMPT, 15, 3),
        new ControllerMessage.Inspect(9, ATTEMPT, true),
        new ControllerMessage.OpenExec(
            10, ATTEMPT, List.of("sh", ""), new TreeMap<>(Map.of("TERM", "xterm")), true, 24, 80),
        new ControllerMessage.OpenAttach(11, ATTEMPT, true, 5, true));
  }

  @ParameterizedTest
  @MethodSource("agentMessages")
  void agentMessageComesBackAsItWas(AgentMessage message) {
    assertEquals(Optional.of(message), LinkConvert.fromMessage(LinkConvert.toMessage(message)));
  }

  @ParameterizedTest
  @MethodSource("controllerMessages")
  void controllerMessageComesBackAsItWas(ControllerMessage message) {
    orch.agent.v1.ControllerMessage proto = LinkConvert.toMessage(HEADER, message);
    assertEquals(HEADER, LinkConvert.header(proto));
    assertEquals(Optional.of(message), LinkConvert.fromMessage(proto));
  }

  @ParameterizedTest
  @MethodSource("agentMessages")
  void everyFieldOfAnAgentMessageIsCarried(AgentMessage message) {
    List<String> unset = unsetFields(LinkConvert.toMessage(message), "");
    // Of which node and attempt it is the controller knows already.
    unset.removeIf(field -> field.matches("inspect_outcome\\.(tree|stats)\\.(node|attempt)"));
    assertEquals(List.of(), unset);
  }

  @ParameterizedTest
  @MethodSource("controllerMessages")
  void everyFieldOfAControllerMessageIsCarried(ControllerMessage message) {
    assertEquals(List.of(), unsetFields(LinkConvert.toMessage(HEADER, message), ""));
  }

  @Test
  void samplesHoldEveryKindThatTheProtocolHas() {
    assertEquals(
        orch.agent.v1.AgentMessage.getDescriptor().getOneofs().getFirst().getFieldCount(),
        agentMessages().size());
    assertEquals(
        orch.agent.v1.ControllerMessage.getDescriptor().getOneofs().getFirst().getFieldCount(),
        controllerMessages().size());
  }

  @Test
  void aSpecThatOnceCameThroughTheGateReachesItsNodeWhateverTheGateSaysToday() {
    SpecDefinition definition =
        new SpecDefinition(
            JOB,
            1,
            JobSpec.batch("No name of today", TaskSet.count(1), List.of("/bin/true")),
            "default",
            "web",
            42,
            "0af7651916cd43dd8448eb211c80319c",
            "",
            1);
    ControllerMessage message =
        new ControllerMessage.Desired(false, false, List.of(definition), List.of());
    assertEquals(
        Optional.of(message), LinkConvert.fromMessage(LinkConvert.toMessage(HEADER, message)));
  }

  @Test
  void aSpecOfANewerVersionIsToldOfAloneAndIsNeverReadInPart() {
    SpecDefinition definition =
        new SpecDefinition(
            JOB,
            3,
            JobSpec.batch("web", TaskSet.count(1), List.of("/bin/true")),
            "default",
            "web",
            42,
            "0af7651916cd43dd8448eb211c80319c",
            "",
            1);
    orch.agent.v1.ControllerMessage.Builder sent =
        LinkConvert.toMessage(
            HEADER,
            new ControllerMessage.Desired(true, true, List.of(definition, definition), List.of()))
            .toBuilder();
    sent.getDesiredBuilder()
        .getSpecsBuilder(1)
        .getSpecBuilder()
        .getStopBuilder()
        .setUnknownFields(
            UnknownFieldSet.newBuilder()
                .addField(999, UnknownFieldSet.Field.newBuilder().addVarint(1).build())
                .build());
    assertEquals(
        Optional.of(
            new ControllerMessage.Desired(
                true,
                true,
                List.of(definition),
                List.of(),
                List.of(
                    new UnreadableSpec(
                        JOB,
                        3,
                        "default",
                        "web",
                        42,
                        "stop.999: is a field that this version does not know")))),
        LinkConvert.fromMessage(sent.build()));
  }

  @Test
  void usageThatANodeCannotTellStaysUnsaid() {
    AttemptUsage unknown =
        new AttemptUsage(
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            List.of("processes"),
            List.of(),
            1_000);
    AgentMessage message = new AgentMessage.Inspected(8, "", null, unknown);
    assertEquals(Optional.of(message), LinkConvert.fromMessage(LinkConvert.toMessage(message)));
  }

  @Test
  void whatIsNotSaidStaysUnsaid() {
    DesiredAttempt plain =
        new DesiredAttempt(
            ATTEMPT,
            JOB,
            1,
            0,
            1,
            "boot-2",
            null,
            Duration.ZERO,
            new TreeMap<>(),
            1,
            "b7ad6b7169203331",
            "",
            0,
            StageTimes.NONE);
    DesiredAttempt stopped =
        new DesiredAttempt(
            ATTEMPT,
            JOB,
            1,
            0,
            1,
            "boot-2",
            new StopOrder(null, ""),
            Duration.ZERO,
            new TreeMap<>(),
            1,
            "b7ad6b7169203331",
            "",
            0,
            StageTimes.NONE);
    ControllerMessage message =
        new ControllerMessage.Desired(false, false, List.of(), List.of(plain, stopped));
    assertEquals(
        Optional.of(message), LinkConvert.fromMessage(LinkConvert.toMessage(HEADER, message)));
  }

  @ParameterizedTest
  @EnumSource(AttemptState.class)
  void everyAttemptStateComesBack(AttemptState state) {
    assertEquals(state, AttemptConvert.fromProto(AttemptConvert.toProto(state)));
  }

  @ParameterizedTest
  @EnumSource(ResultKind.class)
  void everyResultKindComesBack(ResultKind kind) {
    assertEquals(kind, AttemptConvert.fromProto(AttemptConvert.toProto(kind)));
  }

  @Test
  void resultCarriesTheCodeThatAShellGives() {
    assertEquals(143, AttemptConvert.toProto(Result.signaled(15)).getExitCode());
    assertEquals(42, AttemptConvert.toProto(Result.exited(42)).getExitCode());
  }

  @Test
  void kindOfANewerPeerIsSkipped() {
    UnknownFieldSet newer =
        UnknownFieldSet.newBuilder()
            .addField(99, UnknownFieldSet.Field.newBuilder().addVarint(1).build())
            .build();
    assertEquals(
        Optional.empty(),
        LinkConvert.fromMessage(
            orch.agent.v1.AgentMessage.newBuilder().setUnknownFields(newer).build()));
    assertEquals(
        Optional.empty(),
        LinkConvert.fromMessage(
            orch.agent.v1.ControllerMessage.newBuilder().setUnknownFields(newer).build()));
  }

  @Test
  void statusWithoutUidOrStateIsRefused() {
    orch.agent.v1.AttemptStatus status = AttemptConvert.toProto(STATUS);
    assertThrows(
        IllegalArgumentException.class,
        () -> AttemptConvert.fromProto(status.toBuilder().clearUid().build()));
    IllegalArgumentException noState =
        assertThrows(
            IllegalArgumentException.class,
            () -> AttemptConvert.fromProto(status.toBuilder().clearState().build()));
    assertTrue(String.valueOf(noState.getMessage()).contains("state"));
  }

  @Test
  void outputComesBackByteForByte() {
    byte[] data = {0, (byte) 0xff, '\n', (byte) 0x80};
    LogRecord record =
        new LogRecord(42, 3, 2, 2, 1_764_000_000_123_456_789L, Blob.of(data), true, 17);
    orch.v1.LogRecord proto = LinkConvert.toMessage(record);
    assertEquals(List.of(), unsetFields(proto, ""));
    assertEquals(record, LinkConvert.fromMessage(proto));
  }

  @Test
  void timesBeforeTheEpochAndBeyondALongAreKeptInRange() {
    assertEquals(-1, AttemptConvert.epochNanos(AttemptConvert.timestamp(-1L)));
    assertEquals(
        Long.MAX_VALUE,
        AttemptConvert.epochNanos(Timestamp.newBuilder().setSeconds(253_402_300_799L).build()));
  }

  /** Paths of the fields that hold nothing, specs left out: the gate's own test covers those. */
  private static List<String> unsetFields(Message message, String path) {
    List<String> unset = new ArrayList<>();
    for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
      String name = path + field.getName();
      boolean set =
          field.isRepeated()
              ? message.getRepeatedFieldCount(field) > 0
              : message.getAllFields().containsKey(field);
      if (!set) {
        if (field.getRealContainingOneof() == null) {
          unset.add(name);
        }
      } else if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE
          && !field.isMapField()
          && !field.getName().equals("spec")) {
        Message inner =
            (Message)
                (field.isRepeated() ? message.getRepeatedField(field, 0) : message.getField(field));
        if (!inner.getDescriptorForType().getFullName().startsWith("google.")) {
          unset.addAll(unsetFields(inner, name + "."));
        }
      }
    }
    return unset;
  }
}

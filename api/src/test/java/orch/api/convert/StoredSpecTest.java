package orch.api.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.Duration;
import com.google.protobuf.UnknownFieldSet;
import java.util.List;
import orch.api.model.JobSpec;
import orch.v1.RestartRule;
import orch.v1.Rlimit;
import org.junit.jupiter.api.Test;

/** Specs that are kept are read whatever the gate thinks of them now. */
final class StoredSpecTest {
  /** As the gate of some version let it through. */
  private static orch.v1.JobSpec.Builder kept() {
    JobSpec spec =
        SpecConvert.fromProto(
            orch.v1.JobSpec.newBuilder().setName("web").addCommand("/bin/true").build());
    return SpecConvert.toProto(spec).toBuilder();
  }

  @Test
  void aSpecThatTheGateTakesIsReadAsByTheGate() {
    orch.v1.JobSpec proto = kept().build();
    assertEquals(SpecConvert.fromProto(proto), SpecConvert.fromStored(proto));
  }

  /** Each of these the gate refuses today; an older one may have taken it. */
  @Test
  void whatAStricterGateRefusesIsReadAsItWasMeant() {
    List<orch.v1.JobSpec> specs =
        List.of(
            kept().setName("Web_1").build(),
            kept().setName("last").build(),
            kept().setTitle("t".repeat(1_000)).build(),
            kept().putLabels("a b", "x".repeat(100)).build(),
            kept().setPriority(1_000).build(),
            kept().setTimeout(Duration.newBuilder().setSeconds(4_000_000_000L)).build(),
            kept().putEnv("1X", "${no.such}").build(),
            kept().setWorkingDirectory("~/x").build(),
            kept().setUser("a b").build(),
            kept().addCommand("${no.such.name}").build(),
            kept().setNice(-100).build(),
            kept().setUmask(010_000).build(),
            kept()
                .putRlimits("newlimit", Rlimit.newBuilder().setSoft(5).setHard(1).build())
                .build(),
            kept().addCapabilities("newcap").build(),
            kept().setStop(kept().getStop().toBuilder().setSignal(99)).build(),
            kept()
                .setRestart(
                    kept().getRestart().toBuilder()
                        .setMaxRetries(1 << 30)
                        .addRules(RestartRule.newBuilder().setMemoryFactor(900.5)))
                .build());
    for (orch.v1.JobSpec proto : specs) {
      assertThrows(InvalidSpecException.class, () -> SpecConvert.fromProto(proto), proto::toString);
      JobSpec read = SpecConvert.fromStored(proto);
      SpecConvertProblems lost = new SpecConvertProblems();
      StoredSpec.lost("", proto, SpecConvert.toProto(read), lost);
      assertEquals(List.of(), lost.list());
    }
  }

  @Test
  void aFieldThatThisVersionDoesNotKnowIsNamed() {
    UnknownFieldSet unknown =
        UnknownFieldSet.newBuilder()
            .addField(999, UnknownFieldSet.Field.newBuilder().addVarint(1).build())
            .build();
    orch.v1.JobSpec proto =
        kept().setStop(kept().getStop().toBuilder().setUnknownFields(unknown)).build();
    var thrown = assertThrows(InvalidSpecException.class, () -> SpecConvert.fromStored(proto));
    assertEquals(
        List.of(new FieldProblem("stop.999", "is a field that this version does not know")),
        thrown.problems());
  }

  @Test
  void aValueThatTheModelCannotHoldIsAnErrorAndNeverAnotherValue() {
    orch.v1.JobSpec proto =
        kept().setStop(kept().getStop().toBuilder().setModeValue(77)).setPriority(500).build();
    var thrown = assertThrows(InvalidSpecException.class, () -> SpecConvert.fromStored(proto));
    assertEquals(
        List.of(new FieldProblem("stop.mode", "has a value that this version cannot hold")),
        thrown.problems());
  }
}

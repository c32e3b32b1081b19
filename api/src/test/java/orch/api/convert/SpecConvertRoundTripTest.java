package orch.api.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.Descriptors.FieldDescriptor;
import java.util.TreeSet;
import orch.api.model.JobSpec;
import org.junit.jupiter.api.Test;

final class SpecConvertRoundTripTest {
  private static final int SAMPLES = 1_000;

  @Test
  void aSpecThatCameThroughTheGateComesThroughAgainAsTheSame() {
    for (long seed = 0; seed < SAMPLES; seed++) {
      JobSpec spec = SpecConvert.fromProto(SpecSamples.sample(seed));
      orch.v1.JobSpec written = SpecConvert.toProto(spec);
      assertEquals(spec, SpecConvert.fromProto(written), "seed " + seed);
      assertEquals(written, SpecConvert.toProto(SpecConvert.fromProto(written)), "seed " + seed);
    }
  }

  @Test
  void aSpecWithoutItsDefaultsIsTheSameSpec() {
    for (long seed = 0; seed < SAMPLES; seed++) {
      orch.v1.JobSpec proto = SpecSamples.sample(seed);
      assertEquals(
          SpecConvert.fromProto(proto),
          SpecConvert.fromProto(SpecConvert.withoutDefaults(proto)),
          "seed " + seed);
    }
  }

  @Test
  void theSamplesSetEveryField() {
    TreeSet<String> unset = new TreeSet<>();
    for (FieldDescriptor field : orch.v1.JobSpec.getDescriptor().getFields()) {
      unset.add(field.getName());
    }
    for (long seed = 0; seed < SAMPLES; seed++) {
      SpecSamples.sample(seed).getAllFields().keySet().forEach(f -> unset.remove(f.getName()));
    }
    unset.remove("succeed_when");
    assertEquals(new TreeSet<>(), unset);
  }
}

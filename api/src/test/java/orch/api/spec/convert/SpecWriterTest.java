package orch.api.spec.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import java.util.List;
import orch.api.convert.SpecConvert;
import orch.api.convert.SpecSamples;
import orch.v1.JobSpec;
import org.junit.jupiter.api.Test;

final class SpecWriterTest {
  @Test
  void whatIsWrittenIsReadAsTheSame() {
    for (long seed = 0; seed < 1_000; seed++) {
      JobSpec spec = SpecSamples.sample(seed);
      assertReadBack(spec, "seed " + seed);
      assertReadBack(SpecConvert.toProto(SpecConvert.fromProto(spec)), "full seed " + seed);
    }
  }

  @Test
  void aPersonCouldHaveWrittenIt() {
    String text =
        """
        name: web
        labels:
          team: shop
        type: service
        count: 3
        command: [/usr/local/bin/web, --port, "${port.http}"]
        files:
          blob: {base64: "/wA="}
          hosts.txt: |
            a
            b
        env:
          EMPTY: ""
          LEVEL: info
          PORT: "8080"
        umask: '027'
        rlimits:
          core: unlimited
          nofile: {soft: 1024, hard: 4096}
        resources:
          cpu: 500m
          cpuMax: 2
          memory: 256Mi
          ports: [http]
        placement:
          constraints: ["rack in (a, b)"]
          affinity:
            - ssd
            - expression: gpu
              weight: -20
        restart:
          rules:
            - exitCodes: [75, "64-78"]
              signals: [SEGV]
              action: restart
          maxRetries: unlimited
        stop:
          signal: USR2
          grace: 1m30s
        health:
          readiness:
            http:
              port: http
              path: /healthz
            period: 5s
          liveness:
            notify: {}
        dependsOn:
          - build
          - job: load
            index: same
        logs:
          journal: false
        """;
    SpecDocument document = SpecReader.read("web.yaml", text);
    assertEquals(List.of(), document.problems());
    assertEquals(text, SpecWriter.write(document.specs().getFirst()));
  }

  @Test
  void aLongListHasALineForEachItem() {
    JobSpec spec =
        JobSpec.newBuilder()
            .addCommand("/bin/sh")
            .addCommand("-c")
            .addCommand("set -e\nfor f in *; do\n  echo $f\ndone\n")
            .build();
    String text = SpecWriter.write(spec);
    assertEquals(
        """
        command:
          - /bin/sh
          - -c
          - |
            set -e
            for f in *; do
              echo $f
            done
        """,
        text);
  }

  @Test
  void bytesThatAreNoTextAreBase64() {
    JobSpec spec =
        JobSpec.newBuilder().setScript(ByteString.copyFrom(new byte[] {(byte) 0xff})).build();
    assertEquals("script: {base64: \"/w==\"}\n", SpecWriter.write(spec));
  }

  private static void assertReadBack(JobSpec spec, String what) {
    String text = SpecWriter.write(spec);
    SpecDocument document = SpecReader.read("", text);
    assertEquals(List.of(), document.problems(), () -> what + "\n" + text);
    assertEquals(List.of(spec), document.specs(), () -> what + "\n" + text);
  }
}

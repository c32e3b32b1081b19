package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The distribution's programs find what belongs to them however they are called. */
@Timeout(120)
class ProgramsIT {
  private static void answers(Path directory, String program) throws Exception {
    CommandResult result =
        Shell.run(List.of(program, "--version"), Map.of(), directory, new byte[0]);
    assertEquals(0, result.code(), result.toString());
  }

  @ParameterizedTest
  @CsvSource({
    "., bin/orchctl",
    "., ./bin/orchctl",
    "bin, ./orchctl",
    "bin, .//orchctl",
    "lib, ../bin/orchctl",
    "lib, ../bin/./orchctl",
    "bin, ./orch-dev",
    "bin, ./orch-agent",
    "bin, ./orch-controller"
  })
  void byAnyPath(String directory, String program) throws Exception {
    answers(Cluster.distribution().resolve(directory), program);
  }

  @Test
  void byALinkToALink(@TempDir Path directory) throws Exception {
    Path program = Cluster.distribution().resolve("bin/orchctl");
    Path first = Files.createSymbolicLink(directory.resolve("first"), program);
    Path link = Files.createSymbolicLink(directory.resolve("orchctl"), first.getFileName());
    answers(directory, "./orchctl");
    answers(Path.of("/"), link.toString());
  }
}

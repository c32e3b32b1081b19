package orch.ctl.command;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.List;
import orch.ctl.http.ApiException;
import orch.ctl.json.Json;
import orch.ctl.json.JsonException;
import orch.ctl.json.JsonObject;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
final class ExitCodesTest {
  @ParameterizedTest
  @CsvSource({
    "invalid_argument, 2",
    "out_of_range, 2",
    "not_found, 3",
    "already_exists, 4",
    "aborted, 4",
    "failed_precondition, 4",
    "unavailable, 5",
    "deadline_exceeded, 5",
    "permission_denied, 6",
    "unauthenticated, 6",
    "unimplemented, 1",
    "resource_exhausted, 1",
    "internal, 1",
    "unknown, 1"
  })
  void eachErrorOfTheApiHasItsCode(String code, int expected) {
    assertEquals(expected, ExitCodes.of(new ApiException(code, "x", "", List.of())));
  }

  @ParameterizedTest
  @CsvSource({
    "SUCCEEDED, 0, 0",
    "FAILED, 42, 42",
    "FAILED, 143, 143",
    "FAILED, 124, 124",
    "FAILED, 127, 127",
    "FAILED, 0, 1",
    "CANCELLED, 143, 143",
    "CANCELLED, 0, 125",
    "RUNNING, 0, 125"
  })
  void endedJobHasTheCodeOfItsTasks(String state, int exitCode, int expected) throws JsonException {
    String job = Answers.job(state, ",\"exitCode\":" + exitCode);
    assertEquals(expected, ExitCodes.ofJob((JsonObject) Json.parse(job)));
  }

  @ParameterizedTest
  @CsvSource({
    "404, not_found, 3, 125",
    "409, already_exists, 4, 125",
    "403, permission_denied, 6, 125",
    "501, unimplemented, 1, 125"
  })
  void refusalIsTheCodeOfACommandAnd125OfOneThatPassesCodesOn(
      int status, String code, int ofShow, int ofWait) throws IOException {
    try (Fixture fixture = new Fixture()) {
      fixture.refuse("JobService/GetJob", status, code, "no: because");
      assertEquals(ofShow, fixture.orchctl("job", "show", "42"));
      assertEquals("orchctl: no: because\n", fixture.err());
      assertEquals(ofWait, fixture.orchctl("wait", "42"));
    }
  }

  @Test
  void unreachableControllerIs5() throws IOException {
    try (Fixture fixture = new Fixture()) {
      assertEquals(5, fixture.orchctl("--address", "localhost:1", "job", "list"));
      assertEquals(5, fixture.orchctl("--address=localhost:1", "node", "list"));
      assertEquals(125, fixture.orchctl("--address", "localhost:1", "wait", "1"));
      fixture.environment.put("ORCH_ADDRESS", "localhost:1");
      assertEquals(5, fixture.orchctl("cluster", "status"));
    }
  }

  @Test
  void methodThatComesLaterShowsTheControllersSentence() throws IOException {
    try (Fixture fixture = new Fixture()) {
      assertEquals(1, fixture.orchctl("job", "hold", "42"));
      assertEquals("orchctl: JobService/HoldJob comes later\n", fixture.err());
    }
  }
}

package orch.ctl.command;

import orch.ctl.http.ApiException;
import orch.ctl.http.Backoff;
import orch.ctl.http.CallException;
import orch.ctl.http.ConnectClient;
import orch.ctl.http.ConnectStream;
import orch.ctl.http.UnreachableException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.Console;

/** Reads {@code StreamLogs} to its end, over as many connections as it takes. */
final class LogFollower {
  private static final long SHORT_PATIENCE_MILLIS = 10_000;
  private static final long NOTE_AFTER_MILLIS = 1_000;

  private final ConnectClient client;
  private final Console console;
  private final LogPrinter printer;
  private final Backoff backoff;
  private boolean opened;
  private boolean noted;

  LogFollower(Session session, LogPrinter printer) {
    this.client = session.client();
    this.console = session.console();
    this.printer = printer;
    this.backoff = new Backoff(session.world().pause());
  }

  /**
   * Prints everything up to the end of the stream.
   *
   * @param request a StreamLogsRequest; what was printed by an earlier call of this follower is not
   *     printed again
   */
  void follow(JsonObject request) throws CallException {
    boolean tail = request.has("tail");
    long patience = request.flag("follow") ? ConnectClient.PATIENCE_MILLIS : SHORT_PATIENCE_MILLIS;
    while (true) {
      CallException failure;
      try {
        if (opened) {
          printer.restart();
          String resumeTime = tail ? printer.resumeTime() : "";
          if (!resumeTime.isEmpty()) {
            request.remove("tail");
            request.put("since", resumeTime);
          }
        }
        readToEnd(request);
        return;
      } catch (ApiException refused) {
        if (!mayPass(refused)) {
          throw refused;
        }
        failure = refused;
      } catch (UnreachableException unreachable) {
        if (!opened) {
          throw unreachable;
        }
        failure = unreachable;
      } catch (CallException lost) {
        failure = lost;
      }
      if (!noted && backoff.elapsedMillis() >= NOTE_AFTER_MILLIS) {
        noted = true;
        console.note(failure.problem() + "; the output goes on when it answers again");
      }
      if (!backoff.await(patience)) {
        throw failure;
      }
    }
  }

  private void readToEnd(JsonObject request) throws CallException {
    try (ConnectStream stream = client.stream("TaskService/StreamLogs", request)) {
      opened = true;
      for (JsonObject message = stream.next(); message != null; message = stream.next()) {
        backoff.reset();
        if (noted) {
          noted = false;
          console.note("the controller answers again");
        }
        printer.print(message);
      }
    }
  }

  /** Whether the controller that refuses now may serve a moment later, or another one. */
  static boolean mayPass(ApiException refused) {
    return switch (refused.code()) {
      case "unavailable", "aborted", "canceled" -> true;
      default -> false;
    };
  }
}

package orch.ctl.command;

import orch.ctl.http.CallException;
import orch.ctl.http.ConnectClient;
import orch.ctl.json.JsonObject;

/**
 * Tells what a job without output waits for: at a terminal after a second, in a line that goes when
 * the wait is over; elsewhere after ten, in a line for each reason, so that a build's log says why
 * it hangs.
 */
final class WaitingNotice extends Thread {
  private static final long FIRST_MILLIS = 1_000;
  private static final long FIRST_OFF_TERMINAL_MILLIS = 10_000;
  private static final long EVERY_MILLIS = 2_000;

  private final Session session;
  private final LogPrinter printer;
  private final Interruption interruption;
  private final JsonObject job;
  private final boolean terminal;
  private String shown = "";
  private boolean ended;

  WaitingNotice(Session session, LogPrinter printer, Interruption interruption, JsonObject job) {
    super("waiting-notice");
    this.session = session;
    this.printer = printer;
    this.interruption = interruption;
    this.job = job;
    terminal = session.console().terminal().error();
    setDaemon(true);
  }

  @Override
  public void run() {
    try (ConnectClient client = session.newClient()) {
      session.world().notices().millis(terminal ? FIRST_MILLIS : FIRST_OFF_TERMINAL_MILLIS);
      JsonObject name = new JsonObject().put("name", job.text("name"));
      while (!printer.hasPrinted()) {
        JsonObject now = client.callOnce("JobService/GetJob", name);
        String state = now.text("state");
        if (!state.equals("JOB_STATE_QUEUED") && !state.equals("JOB_STATE_HELD")) {
          break;
        }
        show(client.callOnce("JobService/ExplainJob", name).text("summary"));
        session.world().notices().millis(EVERY_MILLIS);
      }
    } catch (CallException controllerAway) {
      // Whoever follows the output says so.
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
    end();
  }

  private synchronized void show(String summary) {
    if (ended || printer.hasPrinted() || interruption.isAsking()) {
      return;
    }
    String text = "job " + job.text("number") + " waits: " + summary;
    if (terminal) {
      session.console().progress("orchctl: " + text);
    } else if (!text.equals(shown)) {
      session.console().note(text);
    }
    shown = text;
  }

  /** Takes the notice away; it does not come again. */
  synchronized void end() {
    ended = true;
    interrupt();
    session.console().clearProgress();
  }
}

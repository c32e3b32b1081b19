package orch.ctl.command;

import orch.ctl.http.ApiException;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;

/** Standard input of {@code run -i} on its way to the task, as soon as that runs. */
final class RunInput extends Thread {
  private static final long PAUSE_MILLIS = 50;

  private final Session session;
  private final JsonObject start;
  private final boolean tty;
  private volatile boolean over;

  /**
   * @param stopOnDisconnect as the API has it; empty: the task goes on without its caller
   */
  RunInput(Session session, JsonObject job, boolean tty, String stopOnDisconnect) {
    super("run-input");
    setDaemon(true);
    this.session = session;
    this.tty = tty;
    this.start =
        new JsonObject()
            .put("name", job.text("name") + "/tasks/0")
            .put("stdin", true)
            .put("noOutput", true);
    if (!stopOnDisconnect.isEmpty()) {
      start.put("stopOnDisconnect", stopOnDisconnect);
    }
  }

  /** The job has ended. */
  void end() {
    over = true;
  }

  @Override
  public void run() {
    try {
      while (!over) {
        try (Conversation conversation = Conversation.open(session, "Attach", start)) {
          conversation.awaitAttached();
          if (tty) {
            conversation.followWindow();
            conversation.resize();
          }
          conversation.pump(session.world().input(), false);
          conversation.printToTheEnd();
          return;
        } catch (ApiException refused) {
          // It does not run yet, or has ended already.
          if (!refused.reason().equals("TASK_NOT_RUNNING")) {
            throw refused;
          }
          Thread.sleep(PAUSE_MILLIS);
        }
      }
    } catch (CallException broken) {
      if (!over) {
        session
            .console()
            .note(broken.getMessage() + "; the task may wait for more input: orchctl attach");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

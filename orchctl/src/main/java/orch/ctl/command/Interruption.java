package orch.ctl.command;

import java.io.IOException;
import java.io.InputStream;
import orch.ctl.http.CallException;
import orch.ctl.http.ConnectClient;
import orch.ctl.json.JsonObject;
import orch.ctl.output.Console;

/**
 * What {@code run} does when it is to end before its job: it cancels the job and lets the command
 * go on, which then ends as the job does. Somebody at a terminal who presses Ctrl-C is asked first;
 * pressing it again is a yes, and once more gives up waiting.
 */
final class Interruption implements Signals.Handler {
  /** How long an answer to the submission may take once the process is to end, milliseconds. */
  private static final long SUBMIT_LIMIT_MILLIS = 10_000;

  private enum Stage {
    RUNNING,
    ASKING,
    CANCELLING
  }

  private final Session session;
  private final Console console;
  private Stage stage = Stage.RUNNING;
  private String job = "";
  private String title = "";
  private boolean wanted;
  private boolean answered;
  private boolean finished;

  /** Somebody pressed Ctrl-C before the job was accepted. */
  private boolean early;

  Interruption(Session session) {
    this.session = session;
    this.console = session.console();
  }

  /** The job was accepted: from now on it can be cancelled. */
  synchronized void accepted(JsonObject accepted) {
    job = accepted.text("name");
    title = accepted.text("number");
    notifyAll();
  }

  /** There is nothing left to cancel. */
  synchronized void finish() {
    finished = true;
    notifyAll();
  }

  /** Whether the job was, or is to be, cancelled from here. */
  synchronized boolean isWanted() {
    return wanted;
  }

  /** Whether a question stands on the terminal. */
  synchronized boolean isAsking() {
    return stage == Stage.ASKING;
  }

  @Override
  public void terminated() {
    synchronized (this) {
      if (finished) {
        return;
      }
      if (!awaitAccepted()) {
        giveUp();
        return;
      }
    }
    cancel();
    // The process would end when this returns; it ends when the job has.
    awaitForever();
  }

  @Override
  public void interrupted() {
    synchronized (this) {
      if (stage == Stage.CANCELLING) {
        console.note("no longer waiting; job " + title + " is being cancelled");
        session.world().signals().halt(ExitCodes.INTERRUPTED);
        return;
      }
      if (job.isEmpty()) {
        // There is nothing to be asked about yet; it is cancelled as soon as there is.
        boolean again = early;
        early = true;
        if (again || !awaitAccepted()) {
          giveUp();
          return;
        }
      } else if (stage == Stage.RUNNING) {
        stage = Stage.ASKING;
        answered = false;
        console.prompt("\norchctl: cancel job " + title + "? [y/N] ");
        new Thread("question") {
          {
            setDaemon(true);
          }

          @Override
          public void run() {
            answer();
          }
        }.start();
        return;
      }
    }
    cancel();
  }

  private synchronized void giveUp() {
    if (!finished) {
      console.note("the submission was not answered; whether there is a job is unknown");
      session.world().signals().halt(ExitCodes.INTERRUPTED);
    }
  }

  private void answer() {
    boolean yes = readsYes(session.world().input());
    synchronized (this) {
      if (stage != Stage.ASKING || answered) {
        return;
      }
      answered = true;
      if (!yes) {
        stage = Stage.RUNNING;
        console.note("job " + title + " goes on");
        return;
      }
    }
    cancel();
  }

  private static boolean readsYes(InputStream input) {
    boolean yes = false;
    boolean first = true;
    try {
      for (int c = input.read(); c >= 0 && c != '\n'; c = input.read()) {
        yes |= first && (c == 'y' || c == 'Y');
        first = false;
      }
    } catch (IOException noAnswer) {
      return false;
    }
    return yes;
  }

  /** Cancels the job, once. */
  void cancel() {
    synchronized (this) {
      if (stage == Stage.CANCELLING) {
        return;
      }
      stage = Stage.CANCELLING;
      wanted = true;
    }
    try (ConnectClient client = session.newClient()) {
      client.call(
          "JobService/CancelJob",
          new JsonObject()
              .put("name", job)
              .put("requestId", session.requestId())
              .put("reason", "orchctl run was interrupted"));
    } catch (CallException failure) {
      console.note(
          "cannot cancel job "
              + title
              + ": "
              + failure.getMessage()
              + "; it may go on, cancel it with: orchctl cancel "
              + title);
      session.world().signals().halt(ExitCodes.ORCH_FAILED);
    }
  }

  /** Waits for {@link #accepted}; false when that takes too long. */
  private synchronized boolean awaitAccepted() {
    long deadline = System.nanoTime() / 1_000_000 + SUBMIT_LIMIT_MILLIS;
    try {
      while (job.isEmpty() && !finished) {
        long rest = deadline - System.nanoTime() / 1_000_000;
        if (rest <= 0) {
          return false;
        }
        wait(rest);
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      return false;
    }
    return !job.isEmpty();
  }

  private static void awaitForever() {
    try {
      while (true) {
        Thread.sleep(Long.MAX_VALUE);
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }
}

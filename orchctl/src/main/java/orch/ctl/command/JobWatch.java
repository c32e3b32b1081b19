package orch.ctl.command;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import orch.ctl.http.ApiException;
import orch.ctl.http.Backoff;
import orch.ctl.http.CallException;
import orch.ctl.http.ConnectClient;
import orch.ctl.http.ConnectStream;
import orch.ctl.json.JsonArray;
import orch.ctl.json.JsonObject;
import orch.ctl.output.Words;

/** Watches jobs until each has ended, over as many connections as it takes. */
final class JobWatch {
  private static final long NOTE_AFTER_MILLIS = 1_000;

  private final Session session;
  private final Backoff backoff;
  private final Listener listener;
  private final Map<Long, JsonObject> jobs = new LinkedHashMap<>();
  private final Set<Long> deleted = new LinkedHashSet<>();
  private String resumeToken = "";
  private boolean noted;

  /** Is told of each change. */
  interface Listener {
    /** A job as it is now. */
    void changed(JobWatch watch, JsonObject job);
  }

  JobWatch(Session session, List<JsonObject> jobs, Listener listener) {
    this.session = session;
    this.listener = listener;
    this.backoff = new Backoff(session.world().pause());
    for (JsonObject job : jobs) {
      this.jobs.put(job.number("number"), job);
    }
  }

  /** The jobs as they are known, in the order in which they were given. */
  List<JsonObject> jobs() {
    return new ArrayList<>(jobs.values());
  }

  /**
   * Whether there is nothing left to wait for: it has ended, or all tasks of a service run and, if
   * they say so at all, are ready.
   */
  static boolean isDone(JsonObject job) {
    if (Words.hasEnded(job)) {
      return true;
    }
    JsonObject tasks = job.object("tasks");
    return job.object("spec").text("type").equals("JOB_TYPE_SERVICE")
        && tasks.number("total") > 0
        && tasks.number("running") == tasks.number("total")
        && (!Words.saysReadiness(job) || tasks.number("ready") == tasks.number("total"));
  }

  /** Whether somebody deleted the job, so that nobody can say how it ended. */
  boolean wasDeleted(JsonObject job) {
    return deleted.contains(job.number("number"));
  }

  /** How many of the jobs are done. */
  int done() {
    int done = 0;
    for (Map.Entry<Long, JsonObject> job : jobs.entrySet()) {
      done += deleted.contains(job.getKey()) || isDone(job.getValue()) ? 1 : 0;
    }
    return done;
  }

  /** Waits until all are done. */
  void await() throws CallException {
    while (done() < jobs.size()) {
      try {
        readToEnd();
        if (done() < jobs.size()) {
          pause(
              new ApiException(
                  "unavailable", "the controller ended the stream too early", "", List.of()));
        }
      } catch (ApiException refused) {
        if (refused.code().equals("aborted")) {
          // The token is too old: the present state is read anew.
          resumeToken = "";
        }
        if (!LogFollower.mayPass(refused)) {
          throw refused;
        }
        pause(refused);
      } catch (CallException lost) {
        pause(lost);
      }
    }
  }

  private void pause(CallException failure) throws CallException {
    if (!noted && backoff.elapsedMillis() >= NOTE_AFTER_MILLIS) {
      noted = true;
      session.console().note(failure.problem() + "; trying again");
    }
    if (!backoff.await(ConnectClient.PATIENCE_MILLIS)) {
      throw failure;
    }
  }

  private void readToEnd() throws CallException {
    try (ConnectStream stream = session.client().stream("JobService/WatchJobs", request())) {
      while (done() < jobs.size()) {
        JsonObject message = stream.next();
        if (message == null) {
          return;
        }
        take(message);
      }
    }
  }

  private JsonObject request() {
    JsonArray numbers = new JsonArray();
    String namespace = "";
    for (Map.Entry<Long, JsonObject> job : jobs.entrySet()) {
      numbers.add(Long.toString(job.getKey()));
      String its = job.getValue().text("namespace");
      namespace = namespace.isEmpty() || namespace.equals(its) ? its : "-";
    }
    JsonObject request =
        new JsonObject()
            .put("parent", namespace.isEmpty() ? session.parent() : Names.namespace(namespace))
            .put("filter", new JsonObject().put("numbers", numbers))
            .put("untilEnded", true);
    if (!resumeToken.isEmpty()) {
      request.put("resumeToken", resumeToken);
    }
    return request;
  }

  private void take(JsonObject message) {
    backoff.reset();
    if (noted) {
      noted = false;
      session.console().note("the controller answers again");
    }
    if (message.has("resumeToken")) {
      resumeToken = message.text("resumeToken");
    }
    JsonObject job = message.object("job");
    Long number = job.number("number");
    if (!jobs.containsKey(number)) {
      return;
    }
    if (message.flag("deleted")) {
      deleted.add(number);
      session.console().note("job " + job.text("number") + " was deleted");
      return;
    }
    jobs.put(number, job);
    listener.changed(this, job);
  }
}

package orch.ctl.command;

import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;

/** Finds the task that is meant. */
final class Tasks {
  private Tasks() {}

  /** A task by its name; a job's name alone stands for its only task. */
  static Names.Task find(Session session, String text) throws CallException, UsageException {
    if (Names.isTask(text)) {
      return Names.task(session.namespace(), text);
    }
    JsonObject request =
        new JsonObject().put("parent", Names.job(session.namespace(), text)).put("pageSize", 2);
    JsonObject answer = session.call("TaskService/ListTasks", request);
    List<JsonObject> tasks = answer.objects("tasks");
    if (tasks.size() == 1 && !answer.has("nextPageToken")) {
      return new Names.Task(tasks.get(0).text("name"), 0);
    }
    throw new UsageException(
        tasks.isEmpty()
            ? "job " + text + " has no task"
            : "job "
                + text
                + " has several tasks; name one, for example "
                + tasks.get(0).text("task"));
  }
}

package orch.ctl.command;

/** Resource names of what people call {@code 42}, {@code web}, {@code last} or {@code web/3}. */
final class Names {
  private Names() {}

  /** {@code namespaces/N}. */
  static String namespace(String namespace) {
    return "namespaces/" + namespace;
  }

  /** {@code namespaces/N/jobs/J} of a number, a name, {@code last} or a resource name. */
  static String job(String namespace, String job) throws UsageException {
    if (job.startsWith("namespaces/")) {
      return job;
    }
    if (job.isEmpty() || job.indexOf('/') >= 0) {
      throw new UsageException(
          job.isEmpty()
              ? "the name of the job is empty; give its number, its name or 'last'"
              : "'" + job + "' names a task; give the job's number, its name or 'last'");
    }
    return namespace(namespace) + "/jobs/" + job;
  }

  /** Whether this names a task, or one of its attempts, and not a job. */
  static boolean isTask(String name) {
    return name.startsWith("namespaces/") ? name.contains("/tasks/") : name.indexOf('/') >= 0;
  }

  /**
   * A task, or one attempt of it.
   *
   * @param name {@code namespaces/N/jobs/J/tasks/I}
   * @param attempt its number; 0: not said
   */
  record Task(String name, int attempt) {}

  /** Reads {@code web/3}, {@code 42/3}, {@code web/3@2} or a resource name. */
  static Task task(String namespace, String text) throws UsageException {
    if (text.startsWith("namespaces/")) {
      int attempts = text.indexOf("/attempts/");
      return attempts < 0
          ? new Task(text, 0)
          : new Task(
              text.substring(0, attempts), attemptNumber(text, text.substring(attempts + 10)));
    }
    int slash = text.indexOf('/');
    int at = text.indexOf('@', slash);
    String index = text.substring(slash + 1, at < 0 ? text.length() : at);
    if (slash <= 0 || index.isEmpty() || !isDigits(index)) {
      throw new UsageException(
          "'" + text + "' is no task; write JOB/INDEX, for example web/3 or 42/0");
    }
    return new Task(
        job(namespace, text.substring(0, slash)) + "/tasks/" + index,
        at < 0 ? 0 : attemptNumber(text, text.substring(at + 1)));
  }

  private static int attemptNumber(String text, String number) throws UsageException {
    if (!isDigits(number) || number.length() > 9 || Integer.parseInt(number) == 0) {
      throw new UsageException(
          "'" + text + "' names no attempt; they count from 1, for example web/3@1");
    }
    return Integer.parseInt(number);
  }

  private static boolean isDigits(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) < '0' || text.charAt(i) > '9') {
        return false;
      }
    }
    return !text.isEmpty();
  }

  /** {@code nodes/NAME}. */
  static String node(String node) {
    return node.startsWith("nodes/") ? node : "nodes/" + node;
  }
}

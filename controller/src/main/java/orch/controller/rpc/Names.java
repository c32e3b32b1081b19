package orch.controller.rpc;

import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import orch.controller.core.JobView;
import orch.controller.core.StateView;

/** Resource names: {@code namespaces/N/jobs/J/tasks/I/attempts/K}, {@code nodes/NAME}. */
final class Names {
  static final String DEFAULT_NAMESPACE = "default";
  static final String ALL_NAMESPACES = "-";

  private static final String NAME = "[a-z](?:[a-z0-9.-]{0,61}[a-z0-9])?";
  private static final Pattern NAMESPACE = Pattern.compile("namespaces/(" + NAME + "|-)");
  private static final Pattern JOB =
      Pattern.compile("(?:namespaces/(" + NAME + "|-)/jobs/)?([1-9][0-9]{0,17}|" + NAME + ")");
  private static final Pattern TASK =
      Pattern.compile("(.+)/tasks/([0-9]{1,9})(?:/attempts/[0-9]+)?");
  private static final Pattern SHORT_TASK = Pattern.compile("([^/]+)/([0-9]{1,9})");

  private Names() {}

  /**
   * A job as somebody called it.
   *
   * @param namespace {@code -}: any, for numbers
   * @param id number, name or {@code last}
   * @param said as it was said, for messages
   */
  record Job(String namespace, String id, String said) {
    boolean byNumber() {
      return Character.isDigit(id.charAt(0));
    }

    /** Its number, when it exists. */
    OptionalLong resolve(StateView view, String principal) {
      if (byNumber()) {
        long number = Long.parseLong(id);
        Optional<JobView> job = view.job(number);
        return job.isPresent()
                && (namespace.equals(ALL_NAMESPACES) || job.get().namespace().equals(namespace))
            ? OptionalLong.of(number)
            : OptionalLong.empty();
      }
      return id.equals("last")
          ? view.lastOf(namespace, principal)
          : view.newestNamed(namespace, id);
    }

    RuntimeException notFound() {
      return Errors.notFound(
          "job",
          said,
          id.equals("last")
              ? "you have submitted no job in namespace " + namespace + " yet"
              : "there is no job '"
                  + id
                  + "'"
                  + (namespace.equals(ALL_NAMESPACES) ? "" : " in namespace " + namespace)
                  + "; orchctl job list shows what there is");
    }
  }

  /** A task of a job. */
  record Task(Job job, int index, String said) {
    RuntimeException notFound() {
      return Errors.notFound("task", said, "job '" + job.id() + "' has no task " + index);
    }
  }

  /** Of a {@code parent} field; empty: the default one. */
  static String namespace(String field, String parent) {
    if (parent.isEmpty()) {
      return DEFAULT_NAMESPACE;
    }
    Matcher match = NAMESPACE.matcher(parent);
    if (!match.matches()) {
      throw Errors.invalid(field, "'" + parent + "' is no namespace; write namespaces/NAME");
    }
    return match.group(1);
  }

  /** As {@link #namespace}, but one only. */
  static String oneNamespace(String field, String parent) {
    String namespace = namespace(field, parent);
    if (namespace.equals(ALL_NAMESPACES)) {
      throw Errors.invalid(field, "this needs one namespace, not all");
    }
    return namespace;
  }

  static Job job(String field, String name) {
    return job(field, name, DEFAULT_NAMESPACE);
  }

  /** {@code namespace}: of names that say none. */
  static Job job(String field, String name, String namespace) {
    Matcher match = JOB.matcher(name);
    if (!match.matches()) {
      throw Errors.invalid(
          field,
          "'"
              + name
              + "' is no job; write namespaces/N/jobs/J, where J is a number, a name or last");
    }
    String said = match.group(1);
    String id = match.group(2);
    boolean number = Character.isDigit(id.charAt(0));
    if (said != null && said.equals(ALL_NAMESPACES) && !number) {
      throw Errors.invalid(
          field, "'" + name + "' needs a namespace: only numbers are unique in all");
    }
    return new Job(said != null ? said : number ? ALL_NAMESPACES : namespace, id, name);
  }

  static Task task(String field, String name) {
    Matcher match = TASK.matcher(name);
    if (!match.matches()) {
      match = SHORT_TASK.matcher(name);
      if (!match.matches()) {
        throw Errors.invalid(field, "'" + name + "' is no task; write namespaces/N/jobs/J/tasks/I");
      }
    }
    return new Task(job(field, match.group(1)), Integer.parseInt(match.group(2)), name);
  }

  /** A node's name, from {@code nodes/NAME} or the bare name. */
  static String node(String field, String name) {
    String node = name.startsWith("nodes/") ? name.substring("nodes/".length()) : name;
    if (node.isEmpty() || node.indexOf('/') >= 0) {
      throw Errors.invalid(field, "'" + name + "' is no node; write nodes/NAME");
    }
    return node;
  }

  static String ofJob(String namespace, long number) {
    return "namespaces/" + namespace + "/jobs/" + number;
  }

  static String ofTask(String namespace, long job, int index) {
    return ofJob(namespace, job) + "/tasks/" + index;
  }

  static String ofAttempt(String namespace, long job, int index, int attempt) {
    return ofTask(namespace, job, index) + "/attempts/" + attempt;
  }
}

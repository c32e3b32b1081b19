package orch.api.convert;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import orch.api.model.Execution;
import orch.api.model.JobSpec;
import orch.api.model.JobType;
import orch.api.model.LogPolicy;
import orch.api.model.Parameter;
import orch.api.model.Placement;
import orch.api.model.Resources;
import orch.api.model.Retention;
import orch.api.model.Schedule;
import orch.api.model.TaskSet;
import orch.api.model.Template;
import orch.api.model.TimeoutWarning;

/**
 * The one gate through which a spec comes in: checks every rule of {@code orch/v1/spec.proto} and
 * fills in every default.
 *
 * <p>{@code fromProto(toProto(x))} equals {@code x} for every spec that came through the gate.
 * Specs are kept in the log as {@link #toProto} writes them, with every default said, so that a
 * later version with other defaults reads what was meant, and are read by {@link #fromStored},
 * which judges nothing: a rule may become laxer or stricter in later versions.
 */
public final class SpecConvert {
  /** Most bytes of an encoded spec, its script and files included. */
  public static final int MAX_ENCODED_BYTES = 256 * 1024;

  static final Pattern NAME = Pattern.compile("[a-z](?:[a-z0-9.-]{0,61}[a-z0-9])?");

  private static final String NAME_RULE =
      "is no name: 1 to 63 lower-case letters, digits, '-' and '.', first a letter, last a letter"
          + " or digit";

  private static final int MAX_TITLE = 256;
  private static final int MAX_LABELS = 64;
  private static final int MAX_LABEL = 63;

  private SpecConvert() {}

  /** The checked spec; throws InvalidSpecException with every problem of it at once. */
  public static JobSpec fromProto(orch.v1.JobSpec proto) {
    SpecConvertProblems problems = new SpecConvertProblems();
    JobSpec spec = read(proto, problems);
    size(proto, spec, problems);
    if (problems.any()) {
      throw new InvalidSpecException(problems.list());
    }
    return spec;
  }

  /**
   * A spec that came through the gate of some version and was kept as {@link #toProto} wrote it.
   * The rules of this version do not matter, so that one that has become stricter still reads what
   * is there; but nothing may be lost.
   *
   * @throws InvalidSpecException with what this version cannot hold: a newer one wrote it
   */
  public static JobSpec fromStored(orch.v1.JobSpec proto) {
    SpecConvertProblems problems = new SpecConvertProblems();
    StoredSpec.unknownFields("", proto, problems);
    if (problems.any()) {
      throw new InvalidSpecException(problems.list());
    }
    JobSpec spec = read(proto, problems);
    if (!problems.any()) {
      return spec;
    }
    SpecConvertProblems lost = new SpecConvertProblems();
    try {
      spec = read(proto, new SpecConvertProblems(true));
      StoredSpec.lost("", proto, toProto(spec), lost);
    } catch (IllegalArgumentException e) {
      lost.add("spec", String.valueOf(e.getMessage()));
    }
    if (lost.any()) {
      throw new InvalidSpecException(lost.list());
    }
    return spec;
  }

  /** Every problem of the spec; empty: it is valid. */
  public static List<FieldProblem> problems(orch.v1.JobSpec proto) {
    SpecConvertProblems problems = new SpecConvertProblems();
    JobSpec spec = read(proto, problems);
    size(proto, spec, problems);
    return List.copyOf(problems.list());
  }

  /** The message of a spec, with every default said. */
  public static orch.v1.JobSpec toProto(JobSpec spec) {
    return SpecConvertWrite.job(spec);
  }

  /**
   * The same spec as its owner would write it: fields that hold their default are unset. The gate
   * makes an equal model of both.
   */
  public static orch.v1.JobSpec withoutDefaults(orch.v1.JobSpec proto) {
    JobSpec spec = fromProto(proto);
    orch.v1.JobSpec.Builder bare = orch.v1.JobSpec.newBuilder().addCommand("x");
    if (spec.type() == JobType.SERVICE) {
      bare.setType(orch.v1.JobType.JOB_TYPE_SERVICE);
    }
    orch.v1.JobSpec.Builder brief = toProto(spec).toBuilder();
    List<String> command = brief.getCommandList();
    clearEqual(brief, toProto(fromProto(bare.build())));
    brief.clearCommand().addAllCommand(command);
    if (spec.type() == JobType.SERVICE) {
      brief.setType(orch.v1.JobType.JOB_TYPE_SERVICE);
    }
    return brief.build();
  }

  private static void clearEqual(Message.Builder builder, Message defaults) {
    for (Map.Entry<FieldDescriptor, Object> entry :
        new TreeMap<>(builder.getAllFields()).entrySet()) {
      FieldDescriptor field = entry.getKey();
      Object unset = defaults.getField(field);
      boolean message =
          !field.isRepeated() && field.getJavaType() == FieldDescriptor.JavaType.MESSAGE;
      boolean said = field.isRepeated() || !field.hasPresence() || defaults.hasField(field);
      if (said && entry.getValue().equals(unset)) {
        builder.clearField(field);
      } else if (message && said && !isDuration(field)) {
        clearEqual(builder.getFieldBuilder(field), (Message) unset);
      }
    }
  }

  private static boolean isDuration(FieldDescriptor field) {
    return field.getMessageType().getFullName().equals("google.protobuf.Duration");
  }

  private static JobSpec read(orch.v1.JobSpec proto, SpecConvertProblems problems) {
    name(proto.getName(), problems);
    if (proto.getTitle().codePointCount(0, proto.getTitle().length()) > MAX_TITLE) {
      problems.add("title", "is longer than " + MAX_TITLE + " characters");
    }
    labels(proto.getLabelsMap(), problems);
    JobType type = problems.constant("type", proto.getType(), JobType.BATCH);
    TaskSet tasks = SpecConvertTasks.tasks(proto, type, problems);
    List<Parameter> parameters = SpecConvertSchedule.parameters(proto, problems);
    Template.Scope scope =
        new Template.Scope(
            new TreeSet<>(proto.getResources().getPortsList()),
            !proto.getItemsList().isEmpty(),
            new TreeSet<>(parameters.stream().map(Parameter::name).toList()));
    Execution execution = SpecConvertExecution.execution(proto, scope, problems);
    Resources resources = SpecConvertPlacement.resources(proto.getResources(), problems);
    Placement placement = SpecConvertPlacement.placement(proto, problems);
    var restart = SpecConvertRestart.restart(proto.getRestart(), type, problems);
    var stop = SpecConvertRestart.stop(proto.getStop(), type, scope, problems);
    Duration timeout = problems.positiveOrNull("timeout", proto.hasTimeout(), proto.getTimeout());
    Duration deadline =
        problems.positiveOrNull("deadline", proto.hasDeadline(), proto.getDeadline());
    TimeoutWarning warn = SpecConvertLifecycle.warn(proto, timeout, problems);
    var onExit = SpecConvertLifecycle.onExit(proto, scope, problems);
    var health = SpecConvertHealth.health(proto, scope, problems);
    var update = SpecConvertLifecycle.update(proto.getUpdate(), problems);
    var partition = SpecConvertLifecycle.partition(proto.getPartition(), problems);
    var dependsOn = SpecConvertLifecycle.dependsOn(proto, problems);
    Schedule schedule = SpecConvertSchedule.schedule(proto, type, parameters, problems);
    Retention retention = SpecConvertLifecycle.retention(proto.getRetention(), problems);
    int priority =
        proto.hasPriority()
            ? problems.range("priority", proto.getPriority(), 0, 100)
            : JobSpec.DEFAULT_PRIORITY;
    problems.notNegativeBytes("logs.maxBytes", proto.getLogs().getMaxBytes());
    LogPolicy logs = new LogPolicy(proto.getLogs().getMaxBytes(), !proto.getLogs().getNoJournal());
    return new JobSpec(
        proto.getName(),
        proto.getTitle(),
        new TreeMap<>(proto.getLabelsMap()),
        type,
        tasks,
        execution,
        resources,
        placement,
        restart,
        stop,
        timeout,
        deadline,
        warn,
        onExit,
        health,
        update,
        partition,
        dependsOn,
        schedule,
        parameters,
        retention,
        priority,
        logs);
  }

  private static void size(orch.v1.JobSpec proto, JobSpec spec, SpecConvertProblems problems) {
    int bytes = proto.getSerializedSize();
    if (!problems.any() && bytes > MAX_ENCODED_BYTES / 2) {
      // As it will be kept, so that what came in once comes in again.
      bytes = toProto(spec).getSerializedSize();
    }
    if (bytes <= MAX_ENCODED_BYTES) {
      return;
    }
    int command = proto.toBuilder().clearCommand().build().getSerializedSize();
    int items = proto.toBuilder().clearItems().build().getSerializedSize();
    int script = proto.toBuilder().clearScript().build().getSerializedSize();
    int files = proto.toBuilder().clearFiles().build().getSerializedSize();
    int env = proto.toBuilder().clearEnv().build().getSerializedSize();
    int least = Math.min(command, Math.min(items, Math.min(script, Math.min(files, env))));
    String path;
    String remedy;
    if (least == items) {
      path = "items";
      remedy =
          "use count, keep the items in a file that every node sees, and let each task take line"
              + " ORCH_INDEX of it";
    } else if (least == files) {
      path = "files";
      remedy = "keep large inputs where the node sees them and pass their path";
    } else if (least == script) {
      path = "script";
      remedy = "keep it where the node sees it and run it as command";
    } else if (least == env) {
      path = "env";
      remedy = "pass fewer variables, or a file";
    } else {
      path = "command";
      remedy = "pass a file with the arguments";
    }
    problems.add(
        path,
        "the spec takes "
            + kibibytes(bytes)
            + " and may take 256 KiB, of which "
            + path
            + " alone takes "
            + kibibytes(proto.getSerializedSize() - least)
            + "; "
            + remedy);
  }

  private static String kibibytes(int bytes) {
    return SpecConvertProblems.grouped((bytes + 1023) / 1024) + " KiB";
  }

  private static void name(String name, SpecConvertProblems problems) {
    if (name.isEmpty()) {
      return;
    }
    problems.matches("name", name, NAME, NAME_RULE);
    if (name.equals("last")) {
      problems.add("name", "'last' is reserved: commands take it for your last job");
    }
  }

  private static void labels(Map<String, String> labels, SpecConvertProblems problems) {
    if (labels.size() > MAX_LABELS) {
      problems.add("labels", "there are " + labels.size() + "; at most " + MAX_LABELS);
    }
    for (Map.Entry<String, String> label : new TreeMap<>(labels).entrySet()) {
      String path = "labels." + SpecConvertProblems.shortened(label.getKey());
      label(path, "the key", label.getKey(), problems);
      label(path, "the value", label.getValue(), problems);
      if (label.getKey().isEmpty()) {
        problems.add("labels", "a key is empty");
      } else if (label.getKey().matches(".*[\\s=,!()].*")) {
        problems.add(path, "a key has no spaces and none of = , ! ( )");
      }
    }
  }

  private static void label(String path, String what, String text, SpecConvertProblems problems) {
    int length = text.codePointCount(0, text.length());
    if (length > MAX_LABEL) {
      problems.add(path, what + " has " + length + " characters; at most " + MAX_LABEL);
    }
    if (text.chars().anyMatch(Character::isISOControl)) {
      problems.add(path, what + " contains a control character");
    }
  }
}

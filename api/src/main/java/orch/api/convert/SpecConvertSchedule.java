package orch.api.convert;

import java.time.DateTimeException;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import orch.api.model.JobType;
import orch.api.model.NearestName;
import orch.api.model.Parameter;
import orch.api.model.Schedule;
import orch.api.model.ScheduleCatchUp;
import orch.api.model.ScheduleOverlap;
import org.jspecify.annotations.Nullable;

/** The part of the gate that reads what makes a job a template: parameters and a schedule. */
final class SpecConvertSchedule {
  private static final int MAX_PARAMETERS = 100;

  private static final Pattern PARAMETER = Pattern.compile("[a-z][a-z0-9_]{0,62}");

  private SpecConvertSchedule() {}

  static List<Parameter> parameters(orch.v1.JobSpec proto, SpecConvertProblems problems) {
    problems.atMost("parameters", proto.getParametersCount(), MAX_PARAMETERS);
    List<Parameter> parameters = new ArrayList<>();
    for (int i = 0; i < proto.getParametersCount(); i++) {
      orch.v1.Parameter parameter = proto.getParameters(i);
      String path = "parameters[" + i + "]";
      if (parameter.getName().isEmpty()) {
        problems.add(path + ".name", "is missing");
      } else {
        problems.matches(
            path + ".name",
            parameter.getName(),
            PARAMETER,
            "is no name of a parameter: lower-case letters, digits and '_', first a letter");
      }
      problems.text(path + ".default", parameter.getDefaultValue());
      parameters.add(
          new Parameter(
              parameter.getName(),
              parameter.hasDefaultValue() ? parameter.getDefaultValue() : null));
    }
    problems.distinct("parameters", parameters.stream().map(Parameter::name).toList(), "parameter");
    return parameters;
  }

  static @Nullable Schedule schedule(
      orch.v1.JobSpec job, JobType type, List<Parameter> parameters, SpecConvertProblems problems) {
    if (!job.hasSchedule()) {
      return null;
    }
    if (type == JobType.SERVICE) {
      problems.add("schedule", "starts a batch job at each slot; drop it or make type: batch");
    }
    for (Parameter parameter : parameters) {
      if (parameter.defaultValue() == null) {
        problems.add(
            "schedule",
            "gives no parameters, and '" + parameter.name() + "' has no default; give it one");
      }
    }
    orch.v1.Schedule proto = job.getSchedule();
    SpecConvertCron.check("schedule.cron", proto.getCron(), problems);
    String zone = proto.getTimeZone().isEmpty() ? "UTC" : proto.getTimeZone();
    zone(zone, problems);
    return new Schedule(
        proto.getCron(),
        zone,
        problems.constant("schedule.overlap", proto.getOverlap(), ScheduleOverlap.SKIP),
        problems.constant("schedule.catchUp", proto.getCatchUp(), ScheduleCatchUp.NONE));
  }

  private static void zone(String zone, SpecConvertProblems problems) {
    if (ZoneId.getAvailableZoneIds().contains(zone)) {
      return;
    }
    try {
      ZoneId.of(zone);
      problems.add(
          "schedule.timeZone",
          "'"
              + zone
              + "' is an offset, which knows no summer time; name a zone such as"
              + " Europe/Berlin or UTC");
    } catch (DateTimeException e) {
      problems.add(
          "schedule.timeZone",
          "there is no time zone '"
              + SpecConvertProblems.shortened(zone)
              + "'"
              + NearestName.of(zone, new TreeSet<>(ZoneId.getAvailableZoneIds()))
                  .map(near -> "; did you mean '" + near + "'?")
                  .orElse("; names are those of the IANA, such as Europe/Berlin or UTC"));
    }
  }
}

package orch.api.spec.convert;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import orch.api.yaml.YamlNode;
import orch.v1.IndexRange;
import orch.v1.JobSpec;

/** Reads {@code 0-9:2,20-29%4}: the indexes of an array and its parallelism. */
final class SpecIndexes {
  static final String EXPECTED = "ranges such as \"0-9:2,20-29\", with %4 for the parallelism";

  private static final Pattern RANGE =
      Pattern.compile("([0-9]{1,10})(?:\\s*-\\s*([0-9]{1,10}))?(?::([0-9]{1,10}))?");

  private SpecIndexes() {}

  static void read(
      SpecFields fields, String path, YamlNode node, String text, JobSpec.Builder job) {
    String ranges = text.strip();
    int percent = ranges.indexOf('%');
    if (percent >= 0) {
      String parallelism = ranges.substring(percent + 1).strip();
      ranges = ranges.substring(0, percent);
      if (!parallelism.matches("[1-9][0-9]{0,8}")) {
        fields.problem(
            path, node, "after '%' stands the parallelism, 1 or more, not '" + parallelism + "'");
      } else if (fields.says("parallelism")) {
        fields.problem(
            path, node, "%" + parallelism + " and parallelism say the same; drop one of the two");
      } else {
        fields.place("parallelism", node);
        job.setParallelism(Integer.parseInt(parallelism));
      }
    }
    for (String part : ranges.split(",", -1)) {
      Matcher range = RANGE.matcher(part.strip());
      if (!range.matches() || tooLarge(range)) {
        fields.problem(path, node, "'" + part.strip() + "' is no range; write " + EXPECTED);
        continue;
      }
      int first = Integer.parseInt(range.group(1));
      IndexRange.Builder index =
          job.addArrayBuilder()
              .setFirst(first)
              .setLast(range.group(2) == null ? first : Integer.parseInt(range.group(2)));
      if (range.group(3) != null) {
        if (Integer.parseInt(range.group(3)) == 0) {
          fields.problem(path, node, "'" + part.strip() + "': the step is 1 or more");
        }
        index.setStep(Integer.parseInt(range.group(3)));
      }
    }
  }

  private static boolean tooLarge(Matcher range) {
    for (int i = 1; i <= 3; i++) {
      if (range.group(i) != null && Long.parseLong(range.group(i)) > Integer.MAX_VALUE) {
        return true;
      }
    }
    return false;
  }
}

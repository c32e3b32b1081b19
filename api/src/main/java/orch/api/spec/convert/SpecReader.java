package orch.api.spec.convert;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import orch.api.convert.FieldProblem;
import orch.api.convert.SpecConvert;
import orch.api.spec.SpecProblem;
import orch.api.yaml.YamlNode;
import orch.api.yaml.YamlProblem;
import orch.api.yaml.YamlText;
import orch.v1.JobSpec;

/**
 * Reads the dialect of docs/job-spec.md, YAML or JSON, one job a document. Checks the meaning too:
 * what comes out passes {@link SpecConvert#fromProto}.
 */
public final class SpecReader {
  private static final int MAX_PROBLEMS = 100;

  private static final Comparator<SpecProblem> BY_PLACE =
      Comparator.comparingInt(SpecProblem::line).thenComparingInt(SpecProblem::column);

  private final String fileName;
  private final List<SpecProblem> problems = new ArrayList<>();

  private SpecReader(String fileName) {
    this.fileName = fileName;
  }

  /**
   * Reads a text; never fails, what is wrong is in the answer.
   *
   * @param fileName for the problems; may be empty
   */
  public static SpecDocument read(String fileName, String text) {
    return new SpecReader(fileName).read(text);
  }

  private SpecDocument read(String text) {
    YamlText yaml = YamlText.read(text);
    for (YamlProblem problem : yaml.problems()) {
      add(problem.line(), problem.column(), "", problem.message(), "");
    }
    List<JobSpec> specs = new ArrayList<>();
    Map<String, Integer> names = new TreeMap<>();
    for (YamlNode document : yaml.documents()) {
      switch (document) {
        case YamlNode.Mapping mapping -> {
          JobSpec spec = job(mapping);
          specs.add(spec);
          Integer first = names.putIfAbsent(spec.getName(), mapping.line());
          if (first != null && !spec.getName().isEmpty()) {
            add(
                mapping.line(),
                mapping.column(),
                "name",
                "the job that begins in line " + first + " is called '" + spec.getName() + "' too",
                "");
          }
        }
        case YamlNode other -> {
          // After an error of the syntax this is no document but a piece of one.
          if (yaml.problems().isEmpty()) {
            add(
                other.line(),
                other.column(),
                "",
                "a job spec is a mapping of keys such as 'command:', got " + other.described(),
                "");
          }
        }
      }
    }
    if (specs.isEmpty() && problems.isEmpty()) {
      add(1, 1, "", "there is no job spec in it", "");
    }
    problems.sort(BY_PLACE);
    if (problems.size() > MAX_PROBLEMS) {
      SpecProblem last = problems.get(MAX_PROBLEMS - 1);
      int left = problems.size() - MAX_PROBLEMS + 1;
      problems.subList(MAX_PROBLEMS - 1, problems.size()).clear();
      add(last.line(), last.column(), "", "and " + left + " more problems from here on", "");
    }
    return new SpecDocument(problems.isEmpty() ? specs : List.of(), problems);
  }

  private JobSpec job(YamlNode.Mapping mapping) {
    SpecFields fields = new SpecFields(mapping);
    JobSpec spec = fields.read();
    for (SpecFields.Problem problem : fields.problems()) {
      add(
          problem.line(),
          problem.column(),
          problem.path(),
          problem.message(),
          problem.suggestion());
    }
    for (FieldProblem problem : SpecConvert.problems(spec)) {
      String path = problem.fieldPath();
      if (!fields.isTold(path)) {
        YamlNode place = fields.placeOf(path);
        add(place.line(), place.column(), path, problem.message(), "");
      }
    }
    return spec;
  }

  private void add(int line, int column, String field, String message, String suggestion) {
    problems.add(new SpecProblem(fileName, line, column, field, message, suggestion));
  }
}

package orch.controller.rpc;

import orch.api.convert.SpecConvert;
import orch.api.spec.SpecProblem;
import orch.api.spec.convert.SpecDocument;
import orch.api.spec.convert.SpecReader;
import orch.api.spec.convert.SpecWriter;
import orch.v1.JobSpec;
import orch.v1.ParseSpecResponse;

/** The dialect of {@code orch.api.spec}. */
public final class YamlDialect implements SpecDialect {
  @Override
  public ParseSpecResponse parse(String fileName, String text) {
    SpecDocument document = SpecReader.read(fileName, text);
    ParseSpecResponse.Builder answer = ParseSpecResponse.newBuilder();
    answer.addAllSpecs(document.specs());
    for (SpecProblem problem : document.problems()) {
      answer.addProblems(
          orch.v1.SpecProblem.newBuilder()
              .setFileName(problem.fileName())
              .setLine(problem.line())
              .setColumn(problem.column())
              .setField(problem.field())
              .setMessage(problem.message())
              .setSuggestion(problem.suggestion()));
    }
    return answer.build();
  }

  @Override
  public String format(JobSpec spec) {
    return SpecWriter.write(SpecConvert.withoutDefaults(spec));
  }
}

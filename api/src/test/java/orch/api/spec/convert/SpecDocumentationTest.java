package orch.api.spec.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import orch.api.convert.SpecConvert;
import orch.api.spec.SpecField;
import orch.api.spec.SpecProblem;
import orch.api.spec.SpecReference;
import orch.api.spec.SpecSchema;
import orch.api.spec.SpecTable;
import orch.api.spec.SpecType;
import orch.v1.JobSpec;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * The documentation and the schema say what the table says. With {@code -Dspec.write=true} both are
 * written anew.
 */
final class SpecDocumentationTest {
  private static final Pattern EXAMPLE = Pattern.compile("(?ms)^```yaml\n(.*?)^```$");

  private static final String MARK = "<!-- reference: made by SpecDocumentationTest -->\n";

  @Test
  void theReferenceIsThatOfTheTable() throws IOException {
    Path file = docs().resolve("job-spec.md");
    String text = Files.readString(file);
    String prose = text.substring(0, text.indexOf(MARK) + MARK.length());
    assertUpToDate(file, prose + SpecReference.markdown());
  }

  @Test
  void theSchemaIsThatOfTheTable() throws IOException {
    assertUpToDate(docs().resolve("job-spec.schema.json"), SpecSchema.json());
  }

  @Test
  void theSchemaIsJson() {
    assertEquals(List.of(), orch.api.yaml.YamlText.read(SpecSchema.json()).problems());
  }

  @TestFactory
  Stream<DynamicTest> everyExampleOfTheDocumentationIsAJob() throws IOException {
    List<DynamicTest> tests = new ArrayList<>();
    Matcher examples = EXAMPLE.matcher(Files.readString(docs().resolve("job-spec.md")));
    while (examples.find()) {
      String text = examples.group(1);
      tests.add(DynamicTest.dynamicTest(text.lines().findFirst().orElse(""), () -> check(text)));
    }
    assertTrue(tests.size() >= 5, "examples in the documentation");
    return tests.stream();
  }

  @TestFactory
  Stream<DynamicTest> everyExampleFileIsAJob() throws IOException {
    try (Stream<Path> files = Files.list(docs().resolve("examples"))) {
      List<Path> examples = files.filter(f -> f.toString().endsWith(".yaml")).sorted().toList();
      assertTrue(examples.size() >= 7, "files of examples");
      return examples.stream()
          .map(file ->
              DynamicTest.dynamicTest(
                  file.getFileName().toString(), () -> check(Files.readString(file))));
    }
  }

  @TestFactory
  Stream<DynamicTest> everyKeyReadsItsExample() {
    List<DynamicTest> tests = new ArrayList<>();
    SpecTable.visit((path, field) ->
        tests.add(DynamicTest.dynamicTest(path, () -> readsItsExample(path, field))));
    return tests.stream();
  }

  @Test
  void everyFieldOfTheMessageHasAKey() {
    TreeSet<String> missing = new TreeSet<>();
    missing(JobSpec.getDescriptor(), SpecTable.job(), missing);
    assertEquals(new TreeSet<>(), missing);
  }

  private static void missing(Descriptor message, SpecType.Section section, Set<String> missing) {
    for (FieldDescriptor field : message.getFields()) {
      List<SpecField> keys =
          section.fields().stream().filter(key -> key.proto().equals(field.getName())).toList();
      if (keys.size() != 1) {
        missing.add(field.getFullName());
      } else if (keys.getFirst().type() instanceof SpecType.Section below) {
        missing(field.getMessageType(), below, missing);
      } else if (keys.getFirst().type() instanceof SpecType.Sections list) {
        missing(field.getMessageType(), list.item(), missing);
      }
    }
  }

  /** Puts the example where it belongs; what the rest of the job then lacks is no matter here. */
  private static void readsItsExample(String path, SpecField field) {
    StringBuilder text = new StringBuilder();
    StringBuilder close = new StringBuilder();
    String[] keys = path.split("\\.", -1);
    for (int i = 0; i < keys.length; i++) {
      boolean list = keys[i].endsWith("[]");
      text.append(keys[i].replace("[]", "")).append(": ");
      if (i < keys.length - 1) {
        text.append(list ? "[{" : "{");
        close.insert(0, list ? "}]" : "}");
      }
    }
    String document = text + field.example() + close + "\n";
    String concrete = path.replace("[]", "[0]");
    List<SpecProblem> problems =
        SpecReader.read("", document).problems().stream()
            .filter(problem -> problem.field().startsWith(concrete) || problem.field().isEmpty())
            .filter(problem -> !problem.message().contains("is missing"))
            .filter(problem -> !problem.message().contains("there is no port"))
            .filter(problem -> !problem.message().contains("and there is none"))
            .toList();
    assertEquals(List.of(), problems, document);
  }

  private static void check(String text) {
    SpecDocument document = SpecReader.read("", text);
    assertEquals(List.of(), document.problems());
    for (JobSpec spec : document.specs()) {
      String written = SpecWriter.write(SpecConvert.toProto(SpecConvert.fromProto(spec)));
      assertEquals(List.of(), SpecReader.read("", written).problems(), written);
    }
  }

  private static void assertUpToDate(Path file, String text) throws IOException {
    if (Boolean.getBoolean("spec.write")) {
      Files.writeString(file, text);
    }
    assertEquals(
        text, Files.readString(file), file.getFileName() + " is stale; run with -Dspec.write=true");
  }

  /** Tests run in the module's directory or in the project's. */
  private static Path docs() {
    Path docs = Path.of("docs");
    return Files.exists(docs.resolve("job-spec.md")) ? docs : Path.of("..", "docs");
  }
}

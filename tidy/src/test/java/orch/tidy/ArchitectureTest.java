package orch.tidy;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Holds the product's classes, of every module, against {@link ArchitectureRules}. */
final class ArchitectureTest {
  private static JavaClasses product;

  @BeforeAll
  static void importEveryModule() {
    product =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("orch");
  }

  @Test
  void everyModuleIsLookedAt() {
    Set<String> roots = new TreeSet<>();
    for (JavaClass type : product) {
      roots.add(type.getPackageName().split("\\.", -1)[1]);
    }
    List<String> missing =
        new ArrayList<>(
            List.of("agent", "api", "benchmarks", "controller", "ctl", "dev", "simulation", "v1"));
    missing.removeAll(roots);
    assertEquals(
        List.of(), missing, "run this test with -am, so that every module is on its class path");
  }

  @Test
  void pureCodeSeesOnlyItselfAndPlainJava() {
    check(ArchitectureRules.PURE_CODE_SEES_ONLY_ITSELF_AND_PLAIN_JAVA);
  }

  @Test
  void pureCodeUsesNoTypeThatReadsTheWorldOrHasAnOrderOfItsOwn() {
    check(ArchitectureRules.PURE_CODE_USES_NO_TYPE_THAT_READS_THE_WORLD_OR_HAS_AN_ORDER_OF_ITS_OWN);
  }

  @Test
  void pureCodeCallsNothingThatDiffersBetweenRuns() {
    check(ArchitectureRules.PURE_CODE_CALLS_NOTHING_THAT_DIFFERS_BETWEEN_RUNS);
  }

  @Test
  void messagesAndGrpcStayAtTheEdge() {
    check(ArchitectureRules.MESSAGES_AND_GRPC_STAY_AT_THE_EDGE);
  }

  @Test
  void nativeCallsStayInOnePackage() {
    check(ArchitectureRules.NATIVE_CALLS_STAY_IN_ONE_PACKAGE);
  }

  @Test
  void zooKeeperStaysInOnePackage() {
    check(ArchitectureRules.ZOOKEEPER_STAYS_IN_ONE_PACKAGE);
  }

  @Test
  void theControllerDoesNotSeeTheAgent() {
    check(ArchitectureRules.THE_CONTROLLER_DOES_NOT_SEE_THE_AGENT);
  }

  @Test
  void theAgentDoesNotSeeTheController() {
    check(ArchitectureRules.THE_AGENT_DOES_NOT_SEE_THE_CONTROLLER);
  }

  @Test
  void theApiSeesNothingAboveIt() {
    check(ArchitectureRules.THE_API_SEES_NOTHING_ABOVE_IT);
  }

  @Test
  void theCommandLineSeesOnlyPicocliAndTheJdk() {
    check(ArchitectureRules.THE_COMMAND_LINE_SEES_ONLY_PICOCLI_AND_THE_JDK);
  }

  @Test
  void onlyAMainSeesAMain() {
    check(ArchitectureRules.ONLY_A_MAIN_SEES_A_MAIN);
  }

  @Test
  void onlyAMainSeesARuntime() {
    check(ArchitectureRules.ONLY_A_MAIN_SEES_A_RUNTIME);
  }

  @Test
  void classesAreFinalUnlessMadeToBeExtended() {
    check(ArchitectureRules.CLASSES_ARE_FINAL_UNLESS_MADE_TO_BE_EXTENDED);
  }

  @Test
  void optionalIsNeverAField() {
    check(ArchitectureRules.OPTIONAL_IS_NEVER_A_FIELD);
  }

  @Test
  void optionalIsNeverAParameter() {
    check(ArchitectureRules.OPTIONAL_IS_NEVER_A_PARAMETER);
  }

  @Test
  void namesComeFromTheField() {
    check(ArchitectureRules.NAMES_COME_FROM_THE_FIELD);
  }

  @Test
  void packagesOfAModuleFormNoCycle() {
    ArchitectureRules.PACKAGES_FORM_NO_CYCLE.forEach(ArchitectureTest::check);
  }

  private static void check(ArchRule rule) {
    rule.allowEmptyShould(true).check(product);
  }
}

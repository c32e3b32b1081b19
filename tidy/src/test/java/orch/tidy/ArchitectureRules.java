package orch.tidy;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noCodeUnits;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;
import java.util.Optional;

/** The architecture as rules; docs/ARCHITECTURE.md says what each package is for. */
final class ArchitectureRules {
  private static final DescribedPredicate<JavaClass> GENERATED =
      Packages.anyOf("orch.v1..", "orch.agent.v1..", "orch.log.v1..").as("generated code");

  private static final DescribedPredicate<JavaClass> OURS =
      Packages.anyOf("orch..").and(not(GENERATED)).as("code written by hand");

  private static final DescribedPredicate<JavaClass> WIRE =
      GENERATED
          .or(
              Packages.anyOf(
                  "io.grpc..", "com.google.protobuf..", "com.google.rpc..", "com.google.api.."))
          .as("are generated messages, protobuf or gRPC");

  private static final DescribedPredicate<JavaClass> CONTROLLER =
      Packages.anyOf("orch.controller..").as("the controller");

  private static final DescribedPredicate<JavaClass> AGENT =
      Packages.anyOf("orch.agent..").and(not(GENERATED)).as("the node agent");

  private static final DescribedPredicate<JavaClass> MAIN =
      OURS.and(describe("", type -> outermost(type).getSimpleName().endsWith("Main"))).as("a Main");

  private static final DescribedPredicate<JavaClass> RUNTIME =
      Packages.anyOf("orch..runtime..").as("a runtime");

  static final ArchRule PURE_CODE_SEES_ONLY_ITSELF_AND_PLAIN_JAVA =
      classes()
          .that(PureCode.pure())
          .should()
          .onlyDependOnClassesThat(PureCode.visible())
          .because("it runs in the simulator, at replay and on standbys");

  static final ArchRule PURE_CODE_USES_NO_TYPE_THAT_READS_THE_WORLD_OR_HAS_AN_ORDER_OF_ITS_OWN =
      noClasses()
          .that(PureCode.pure())
          .should()
          .dependOnClassesThat(PureCode.readingTheWorld())
          .because("the same inputs must lead to the same state on every member");

  static final ArchRule PURE_CODE_CALLS_NOTHING_THAT_DIFFERS_BETWEEN_RUNS =
      noClasses()
          .that(PureCode.pure())
          .should()
          .accessTargetWhere(PureCode.differingBetweenRuns())
          .because("the same inputs must lead to the same state on every member");

  static final ArchRule MESSAGES_AND_GRPC_STAY_AT_THE_EDGE =
      noClasses()
          .that(OURS)
          .and()
          .resideOutsideOfPackages("..convert..", "..rpc..", "..http..", "..client..")
          .should()
          .dependOnClassesThat(WIRE)
          .because("all other code speaks orch.api.model");

  static final ArchRule NATIVE_CALLS_STAY_IN_ONE_PACKAGE =
      noClasses()
          .that(OURS)
          .and()
          .resideOutsideOfPackage("orch.agent.linux..")
          .should()
          .dependOnClassesThat(Packages.anyOf("com.sun.jna.."))
          .because("errno becomes an exception there, and the rest is tested without a kernel");

  static final ArchRule ZOOKEEPER_STAYS_IN_ONE_PACKAGE =
      noClasses()
          .that(OURS)
          .and()
          .resideOutsideOfPackage("orch.controller.zookeeper..")
          .should()
          .dependOnClassesThat(Packages.anyOf("org.apache.curator..", "org.apache.zookeeper.."))
          .because("the log is written against a port that the simulator implements too");

  static final ArchRule THE_CONTROLLER_DOES_NOT_SEE_THE_AGENT =
      noClasses()
          .that(CONTROLLER)
          .should()
          .dependOnClassesThat(AGENT)
          .because("they share orch.api and the agent protocol, and nothing else");

  static final ArchRule THE_AGENT_DOES_NOT_SEE_THE_CONTROLLER =
      noClasses()
          .that(AGENT)
          .should()
          .dependOnClassesThat(CONTROLLER)
          .because("they share orch.api and the agent protocol, and nothing else");

  static final ArchRule THE_API_SEES_NOTHING_ABOVE_IT =
      noClasses()
          .that(Packages.anyOf("orch.api.."))
          .should()
          .dependOnClassesThat(OURS.and(not(Packages.anyOf("orch.api.."))))
          .because("every other module builds on it");

  static final ArchRule THE_COMMAND_LINE_SEES_ONLY_PICOCLI_AND_THE_JDK =
      classes()
          .that(Packages.anyOf("orch.ctl.."))
          .should()
          .onlyDependOnClassesThat(
              Packages.anyOf(
                      "orch.ctl..",
                      "java..",
                      "javax.net..",
                      "picocli..",
                      "org.jspecify.annotations",
                      "com.google.errorprone.annotations")
                  .or(Packages.primitives()))
          .because("each library on its class path costs time at every command");

  static final ArchRule ONLY_A_MAIN_SEES_A_MAIN =
      noClasses()
          .that(OURS)
          .and(not(MAIN))
          .and()
          .resideOutsideOfPackage("orch.simulation..")
          .should()
          .dependOnClassesThat(MAIN)
          .because("a Main wires the parts; no part asks it back");

  static final ArchRule ONLY_A_MAIN_SEES_A_RUNTIME =
      noClasses()
          .that(OURS)
          .and(not(MAIN))
          .and(not(RUNTIME))
          .and()
          .resideOutsideOfPackage("orch.simulation..")
          .should()
          .dependOnClassesThat(RUNTIME)
          .because("others hand it inputs by an interface of their own");

  static final ArchRule CLASSES_ARE_FINAL_UNLESS_MADE_TO_BE_EXTENDED =
      classes()
          .that(OURS)
          .and()
          .areNotInterfaces()
          .and()
          .areNotEnums()
          .and()
          .areNotAnonymousClasses()
          .and()
          .doNotHaveModifier(JavaModifier.ABSTRACT)
          .and()
          .doNotHaveModifier(JavaModifier.SYNTHETIC)
          .should()
          .haveModifier(JavaModifier.FINAL)
          .because("a class that somebody extends by surprise keeps no promise");

  static final ArchRule OPTIONAL_IS_NEVER_A_FIELD =
      noFields()
          .that()
          .areDeclaredInClassesThat(OURS)
          .should()
          .haveRawType(Optional.class)
          .because("it is a return type; what may be absent is @Nullable");

  static final ArchRule OPTIONAL_IS_NEVER_A_PARAMETER =
      noCodeUnits()
          .that()
          .areDeclaredInClassesThat(OURS)
          .and()
          // Lambdas may be given one by a stream.
          .doNotHaveModifier(JavaModifier.SYNTHETIC)
          .should()
          .haveRawParameterTypes(anOptional())
          .because("it is a return type; what may be absent is @Nullable");

  static final ArchRule NAMES_COME_FROM_THE_FIELD =
      noClasses()
          .that(OURS)
          .should()
          .haveNameMatching(".*(Helper|Utils?|Manager|Impl)")
          .because("a name says what a thing is: lease, placement, journal");

  static final List<ArchRule> PACKAGES_FORM_NO_CYCLE =
      List.of(
          slices().matching("orch.api.(*)..").should().beFreeOfCycles(),
          slices().matching("orch.controller.(*)..").should().beFreeOfCycles(),
          slices().matching("orch.agent.(*)..").should().beFreeOfCycles());

  private ArchitectureRules() {}

  private static DescribedPredicate<List<JavaClass>> anOptional() {
    return describe(
        "an Optional among them",
        types -> types.stream().anyMatch(type -> type.isEquivalentTo(Optional.class)));
  }

  private static JavaClass outermost(JavaClass type) {
    return type.getEnclosingClass().map(ArchitectureRules::outermost).orElse(type);
  }
}

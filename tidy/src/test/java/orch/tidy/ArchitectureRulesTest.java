package orch.tidy;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchRule;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Shows that the rules bite: each refuses what it is there to refuse, and lets the rest pass. */
final class ArchitectureRulesTest {
  private static final Pattern NAME =
      Pattern.compile(
          "package ([\\w.]+);.*?(?:class|interface|record|enum) (\\w+)", Pattern.DOTALL);

  /** What the examples below refer to. */
  private static final String[] SURROUNDINGS = {
    "package com.sun.jna; public class Native {}",
    "package io.grpc; public class Channel {}",
    "package org.apache.zookeeper; public class ZooKeeper {}",
    "package org.slf4j; public interface Logger {}",
    "package orch.agent; public final class AgentMain {}",
    "package orch.agent.v1; public final class Hello {}",
    "package orch.agent.process; public final class Launcher {}",
    "package orch.api.model; public record Uid(long sequence) {}",
    "package orch.controller.core; public final class State {}",
    "package orch.controller.runtime; public final class Loop {}",
    "package orch.v1; public final class JobSpec {}",
  };

  @TempDir static Path surroundings;
  @TempDir Path examples;

  @BeforeAll
  static void compileTheSurroundings() {
    compile(surroundings, "", SURROUNDINGS);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "org.slf4j.Logger",
        "java.io.File",
        "java.nio.file.Path",
        "java.util.concurrent.ConcurrentHashMap<String, String>",
        "java.util.concurrent.atomic.AtomicLong[]",
        "orch.v1.JobSpec",
        "orch.controller.runtime.Loop",
      })
  void pureCodeMayNotSee(String type) {
    assertRefused(
        ArchitectureRules.PURE_CODE_SEES_ONLY_ITSELF_AND_PLAIN_JAVA,
        "package orch.controller.core; final class A { %s field; }".formatted(type));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "orch.api.model",
        "orch.controller.scheduler",
        "orch.controller.restart",
        "orch.agent.core"
      })
  void allPurePackagesAreGuarded(String pure) {
    assertRefused(
        ArchitectureRules.PURE_CODE_SEES_ONLY_ITSELF_AND_PLAIN_JAVA,
        "package %s; final class A { java.io.File field; }".formatted(pure));
  }

  @Test
  void pureCodeMaySeeThePlainLibraryAndOtherPureCode() {
    String example =
        """
        package orch.controller.scheduler;
        import java.time.*;
        import java.util.*;
        import java.util.stream.*;
        record A(orch.api.model.Uid uid, byte[] bytes, long[][] grid, String[] names, Instant at) {
          sealed interface Shape {}
          record Dot(int x) implements Shape {}
          enum Colour { RED, BLUE }
          String name(Shape shape, Colour colour) {
            var sorted = new TreeMap<String, Integer>();
            var linked = new LinkedHashMap<>(new EnumMap<Colour, Integer>(Colour.class));
            System.arraycopy(grid, 0, grid, 0, 1);
            List<String> copy = List.copyOf(sorted.keySet());
            var groups = copy.stream().collect(
                Collectors.groupingBy(String::length, TreeMap::new, Collectors.toList()));
            return switch (shape) { case Dot(int x) when x > 1 -> "dot" + x + at.plus(Duration.ofSeconds(1)); case Dot d -> "o"; }
                + switch (colour) { case RED -> 1; case BLUE -> 2; } + linked + groups;
          }
        }
        """;
    assertAllowed(ArchitectureRules.PURE_CODE_SEES_ONLY_ITSELF_AND_PLAIN_JAVA, example);
    assertAllowed(
        ArchitectureRules.PURE_CODE_USES_NO_TYPE_THAT_READS_THE_WORLD_OR_HAS_AN_ORDER_OF_ITS_OWN,
        example);
    assertAllowed(ArchitectureRules.PURE_CODE_CALLS_NOTHING_THAT_DIFFERS_BETWEEN_RUNS, example);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "new HashMap<String, String>()",
        "(Map<String, String>) new HashMap<String, String>()",
        "((java.util.function.Supplier<Object>) HashMap::new).get()",
        "new HashSet<String>()",
        "new IdentityHashMap<String, String>()",
        "new Random(7)",
        "new Date()",
        "Clock.systemUTC()",
        "Thread.currentThread()",
        "new Thread()",
        "Runtime.version()",
        "ThreadLocal.withInitial(() -> 1)",
      })
  void pureCodeMayNotUse(String expression) {
    assertRefused(
        ArchitectureRules.PURE_CODE_USES_NO_TYPE_THAT_READS_THE_WORLD_OR_HAS_AN_ORDER_OF_ITS_OWN,
        pure(expression));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "System.currentTimeMillis()",
        "System.nanoTime()",
        "System.getenv(\"HOME\")",
        "System.out",
        "Math.random()",
        "UUID.randomUUID()",
        "Instant.now()",
        "LocalDate.now()",
        "ZonedDateTime.now()",
        "ZoneId.systemDefault()",
        "Set.of(1)",
        "Set.copyOf(List.of(1))",
        "Map.of(1, 2)",
        "Map.ofEntries()",
        "Map.copyOf(new TreeMap<>())",
        "Stream.of(List.of(1)).map(Set::copyOf).toList()",
        "Stream.of(1).collect(Collectors.toSet())",
        "Stream.of(1).collect(Collectors.toUnmodifiableSet())",
        "Stream.of(1).collect(Collectors.toMap(i -> i, i -> i))",
        "Stream.of(1).collect(Collectors.groupingBy(i -> i))",
        "Stream.of(1).collect(Collectors.groupingBy(i -> i, Collectors.counting()))",
        "List.of(1).parallelStream()",
        "Stream.of(1).parallel()",
      })
  void pureCodeMayNotCall(String expression) {
    assertRefused(
        ArchitectureRules.PURE_CODE_CALLS_NOTHING_THAT_DIFFERS_BETWEEN_RUNS, pure(expression));
  }

  @ParameterizedTest
  @ValueSource(strings = {"io.grpc.Channel", "orch.v1.JobSpec", "orch.agent.v1.Hello"})
  void messagesAndGrpcStayAtTheEdge(String type) {
    String example = "package %s; final class A { %s field; }";
    assertRefused(
        ArchitectureRules.MESSAGES_AND_GRPC_STAY_AT_THE_EDGE,
        example.formatted("orch.controller.store", type));
    assertRefused(
        ArchitectureRules.MESSAGES_AND_GRPC_STAY_AT_THE_EDGE,
        example.formatted("orch.agent", type));
    assertAllowed(
        ArchitectureRules.MESSAGES_AND_GRPC_STAY_AT_THE_EDGE,
        example.formatted("orch.controller.store", "byte[]"));
    for (String edge : List.of("api.convert", "api.client", "controller.http", "agent.rpc")) {
      assertAllowed(
          ArchitectureRules.MESSAGES_AND_GRPC_STAY_AT_THE_EDGE,
          example.formatted("orch." + edge, type));
    }
  }

  @Test
  void nativeCallsStayInOnePackage() {
    assertRefused(
        ArchitectureRules.NATIVE_CALLS_STAY_IN_ONE_PACKAGE,
        "package orch.agent.cgroup; final class A { com.sun.jna.Native field; }");
    assertAllowed(
        ArchitectureRules.NATIVE_CALLS_STAY_IN_ONE_PACKAGE,
        "package orch.agent.linux; final class A { com.sun.jna.Native field; }");
  }

  @Test
  void zooKeeperStaysInOnePackage() {
    assertRefused(
        ArchitectureRules.ZOOKEEPER_STAYS_IN_ONE_PACKAGE,
        "package orch.controller.store; final class A { org.apache.zookeeper.ZooKeeper field; }");
    assertAllowed(
        ArchitectureRules.ZOOKEEPER_STAYS_IN_ONE_PACKAGE,
        "package orch.controller.zookeeper; final class A { org.apache.zookeeper.ZooKeeper z; }");
  }

  @Test
  void controllerAndAgentNeverSeeEachOther() {
    assertRefused(
        ArchitectureRules.THE_CONTROLLER_DOES_NOT_SEE_THE_AGENT,
        "package orch.controller.rpc; final class A { orch.agent.process.Launcher field; }");
    assertAllowed(
        ArchitectureRules.THE_CONTROLLER_DOES_NOT_SEE_THE_AGENT,
        "package orch.controller.rpc; final class A { orch.agent.v1.Hello protocol; byte[] bytes;"
            + " }");
    assertRefused(
        ArchitectureRules.THE_AGENT_DOES_NOT_SEE_THE_CONTROLLER,
        "package orch.agent.rpc; final class A { orch.controller.core.State field; }");
  }

  @Test
  void theApiSeesNothingAboveIt() {
    assertRefused(
        ArchitectureRules.THE_API_SEES_NOTHING_ABOVE_IT,
        "package orch.api.client; final class A { orch.controller.core.State field; }");
    assertAllowed(
        ArchitectureRules.THE_API_SEES_NOTHING_ABOVE_IT,
        "package orch.api.client; final class A { orch.api.model.Uid a; orch.v1.JobSpec b; }");
  }

  @Test
  void theCommandLineSeesOnlyPicocliAndTheJdk() {
    for (String type : List.of("io.grpc.Channel", "orch.api.model.Uid", "orch.v1.JobSpec[]")) {
      assertRefused(
          ArchitectureRules.THE_COMMAND_LINE_SEES_ONLY_PICOCLI_AND_THE_JDK,
          "package orch.ctl.output; final class A { %s field; }".formatted(type));
    }
    assertAllowed(
        ArchitectureRules.THE_COMMAND_LINE_SEES_ONLY_PICOCLI_AND_THE_JDK,
        "package orch.ctl.output; final class A { byte[] bytes; java.net.Socket[] sockets; }");
  }

  @Test
  void onlyAMainSeesAMain() {
    assertRefused(
        ArchitectureRules.ONLY_A_MAIN_SEES_A_MAIN,
        "package orch.agent.rpc; final class A { orch.agent.AgentMain field; }");
    assertAllowed(
        ArchitectureRules.ONLY_A_MAIN_SEES_A_MAIN,
        "package orch.dev; final class DevMain { orch.agent.AgentMain field; }");
  }

  @Test
  void onlyAMainSeesARuntime() {
    assertRefused(
        ArchitectureRules.ONLY_A_MAIN_SEES_A_RUNTIME,
        "package orch.controller.rpc; final class A { orch.controller.runtime.Loop field; }");
    assertAllowed(
        ArchitectureRules.ONLY_A_MAIN_SEES_A_RUNTIME,
        """
        package orch.controller;
        final class ControllerMain { Runnable r = () -> new orch.controller.runtime.Loop(); }
        """);
    assertAllowed(
        ArchitectureRules.ONLY_A_MAIN_SEES_A_RUNTIME,
        "package orch.simulation; final class A { orch.controller.runtime.Loop field; }");
  }

  @Test
  void classesAreFinalUnlessMadeToBeExtended() {
    assertRefused(
        ArchitectureRules.CLASSES_ARE_FINAL_UNLESS_MADE_TO_BE_EXTENDED,
        "package orch.agent.logs; class A {}");
    assertRefused(
        ArchitectureRules.CLASSES_ARE_FINAL_UNLESS_MADE_TO_BE_EXTENDED,
        "package orch.agent.logs; final class A { static class B {} }");
    assertAllowed(
        ArchitectureRules.CLASSES_ARE_FINAL_UNLESS_MADE_TO_BE_EXTENDED,
        """
        package orch.agent.logs;
        abstract class A {
          record B() {}
          interface C {}
          enum D { E { @Override public String toString() { return "e"; } } }
          Object anonymous = new Object() {};
          Runnable lambda = () -> {};
        }
        """);
  }

  @Test
  void optionalIsOnlyAReturnType() {
    assertRefused(
        ArchitectureRules.OPTIONAL_IS_NEVER_A_FIELD,
        "package orch.agent.logs; record A(java.util.Optional<String> field) {}");
    assertRefused(
        ArchitectureRules.OPTIONAL_IS_NEVER_A_PARAMETER,
        "package orch.agent.logs; final class A { void a(int i, java.util.Optional<String> o) {}"
            + " }");
    assertAllowed(
        ArchitectureRules.OPTIONAL_IS_NEVER_A_PARAMETER,
        """
        package orch.agent.logs;
        import java.util.*;
        final class A {
          Optional<String> a() { return List.of(a()).stream().filter(o -> o.isEmpty()).findAny().get(); }
        }
        """);
  }

  @ParameterizedTest
  @ValueSource(strings = {"PathHelper", "StringUtil", "StringUtils", "JobManager", "JobStoreImpl"})
  void namesComeFromTheField(String name) {
    assertRefused(
        ArchitectureRules.NAMES_COME_FROM_THE_FIELD,
        "package orch.agent.logs; final class %s {}".formatted(name));
    assertRefused(
        ArchitectureRules.NAMES_COME_FROM_THE_FIELD,
        "package orch.agent.logs; final class A { static final class %s {} }".formatted(name));
  }

  @Test
  void packagesOfAModuleFormNoCycle() {
    String first =
        "package orch.controller.rpc; public final class A { orch.controller.http.B b; }";
    String second = "package orch.controller.http; public final class B { %s field; }";
    JavaClasses cycle = compiled(first, second.formatted("orch.controller.rpc.A"));
    JavaClasses line = compiled(first, second.formatted("String"));
    assertTrue(
        ArchitectureRules.PACKAGES_FORM_NO_CYCLE.stream()
            .anyMatch(rule -> rule.allowEmptyShould(true).evaluate(cycle).hasViolation()));
    assertFalse(
        ArchitectureRules.PACKAGES_FORM_NO_CYCLE.stream()
            .anyMatch(rule -> rule.allowEmptyShould(true).evaluate(line).hasViolation()));
  }

  private static String pure(String expression) {
    return """
    package orch.agent.core;
    import java.time.*;
    import java.util.*;
    import java.util.stream.*;
    final class A { Object value() { return %s; } }
    """
        .formatted(expression);
  }

  private void assertRefused(ArchRule rule, String example) {
    assertTrue(rule.evaluate(compiled(example)).hasViolation(), () -> "let pass: " + example);
  }

  private void assertAllowed(ArchRule rule, String example) {
    var result = rule.allowEmptyShould(true).evaluate(compiled(example));
    assertFalse(result.hasViolation(), () -> result.getFailureReport().toString());
  }

  private JavaClasses compiled(String... sources) {
    try {
      Path classes = Files.createTempDirectory(examples, "classes");
      compile(classes, surroundings.toString(), sources);
      return new ClassFileImporter().importPath(classes);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static void compile(Path classes, String classPath, String... sources) {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    List<JavaFileObject> units = new ArrayList<>();
    for (String source : sources) {
      units.add(new SourceText(source));
    }
    var options = List.of("-d", classes.toString(), "-classpath", classPath, "-proc:none");
    assertTrue(compiler.getTask(null, null, null, options, null, units).call());
  }

  private static final class SourceText extends SimpleJavaFileObject {
    private final String text;

    SourceText(String text) {
      super(uriOf(text), Kind.SOURCE);
      this.text = text;
    }

    private static URI uriOf(String text) {
      Matcher name = NAME.matcher(text);
      assertTrue(name.find(), text);
      return URI.create(
          "string:///" + name.group(1).replace('.', '/') + "/" + name.group(2) + ".java");
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return text;
    }
  }
}

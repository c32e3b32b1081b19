package orch.tidy;

import static com.tngtech.archunit.base.DescribedPredicate.describe;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget.CodeUnitAccessTarget;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import java.util.Set;

/**
 * What code may see and call that must come to the same result on every machine and at every
 * replay: its inputs, its own state, and nothing else.
 */
final class PureCode {
  private static final String[] PACKAGES = {
    "orch.api.model..",
    "orch.controller.core..",
    "orch.controller.scheduler..",
    "orch.controller.restart..",
    "orch.agent.core..",
  };

  private static final String[] VISIBLE_LIBRARIES = {
    "java.lang",
    "java.lang.annotation",
    // What the compiler makes of lambdas, records and pattern switches.
    "java.lang.invoke",
    "java.lang.runtime",
    "java.math",
    "java.time..",
    "java.util",
    "java.util.function",
    "java.util.regex",
    "java.util.stream",
    "org.jspecify.annotations",
    "com.google.errorprone.annotations",
  };

  /** Types of the visible libraries that read the world or iterate in an order of their own. */
  private static final Set<String> BANNED_TYPES =
      Set.of(
          "java.lang.InheritableThreadLocal",
          "java.lang.Process",
          "java.lang.ProcessBuilder",
          "java.lang.ProcessHandle",
          "java.lang.Runtime",
          "java.lang.ScopedValue",
          "java.lang.Thread",
          "java.lang.ThreadGroup",
          "java.lang.ThreadLocal",
          "java.time.Clock",
          "java.time.InstantSource",
          "java.util.Calendar",
          "java.util.Date",
          "java.util.GregorianCalendar",
          "java.util.HashMap",
          "java.util.HashSet",
          "java.util.Hashtable",
          "java.util.IdentityHashMap",
          "java.util.Properties",
          "java.util.Random",
          "java.util.ResourceBundle",
          "java.util.Scanner",
          "java.util.ServiceLoader",
          "java.util.SplittableRandom",
          "java.util.TimeZone",
          "java.util.Timer",
          "java.util.TimerTask",
          "java.util.WeakHashMap");

  private PureCode() {}

  static DescribedPredicate<JavaClass> pure() {
    return Packages.anyOf(PACKAGES).as("pure code");
  }

  static DescribedPredicate<JavaClass> visible() {
    return Packages.anyOf(PACKAGES)
        .or(Packages.anyOf(VISIBLE_LIBRARIES))
        .or(Packages.primitives())
        .as("are pure code, java.lang, java.time, java.util or annotations");
  }

  static DescribedPredicate<JavaClass> readingTheWorld() {
    return describe(
        "read the world or iterate in an order of their own",
        type -> {
          String name = type.getBaseComponentType().getName();
          int nested = name.indexOf('$');
          return BANNED_TYPES.contains(nested < 0 ? name : name.substring(0, nested));
        });
  }

  static DescribedPredicate<JavaAccess<?>> differingBetweenRuns() {
    return describe(
        "what is called differs from one run to the next",
        access -> {
          String owner = access.getTargetOwner().getName();
          String member = access.getTarget().getName();
          return switch (owner) {
            case "java.lang.System" ->
                !member.equals("arraycopy") && !member.equals("lineSeparator");
            case "java.lang.Math", "java.lang.StrictMath" -> member.equals("random");
            case "java.util.UUID" -> member.equals("randomUUID");
            case "java.util.Set", "java.util.Map" ->
                member.equals("of") || member.equals("ofEntries") || member.equals("copyOf");
            case "java.util.Locale" -> member.equals("getDefault");
            case "java.time.ZoneId" -> member.equals("systemDefault");
            case "java.util.Collections" -> member.equals("shuffle") && parameterCount(access) == 1;
            case "java.util.stream.Collectors" -> isUnordered(member, parameterCount(access));
            default ->
                member.equals("parallelStream")
                    || (member.equals("now") && owner.startsWith("java.time."))
                    || (member.equals("parallel") && owner.startsWith("java.util.stream."));
          };
        });
  }

  /** Whether the collector gathers into a hash table or an immutable set or map. */
  private static boolean isUnordered(String collector, int parameterCount) {
    return switch (collector) {
      case "toSet",
          "toUnmodifiableSet",
          "toUnmodifiableMap",
          "toConcurrentMap",
          "groupingByConcurrent" ->
          true;
      // With as many parameters the caller names the map.
      case "toMap" -> parameterCount < 4;
      case "groupingBy" -> parameterCount < 3;
      default -> false;
    };
  }

  private static int parameterCount(JavaAccess<?> access) {
    return access.getTarget() instanceof CodeUnitAccessTarget unit
        ? unit.getRawParameterTypes().size()
        : 0;
  }
}

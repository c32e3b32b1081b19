package orch.tidy;

import static com.tngtech.archunit.base.DescribedPredicate.describe;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.PackageMatchers;

/** Sets of classes by package; an array counts as what it holds. */
final class Packages {
  private Packages() {}

  /** Takes patterns as ArchUnit has them: {@code "orch.api.."} is a package and those below it. */
  static DescribedPredicate<JavaClass> anyOf(String... patterns) {
    PackageMatchers matchers = PackageMatchers.of(patterns);
    return describe(
        "are in any of " + String.join(", ", patterns),
        type -> matchers.test(type.getBaseComponentType().getPackageName()));
  }

  /** What has no package. */
  static DescribedPredicate<JavaClass> primitives() {
    return describe("are primitives", type -> type.getBaseComponentType().isPrimitive());
  }
}

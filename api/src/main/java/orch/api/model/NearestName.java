package orch.api.model;

import java.util.Collection;
import java.util.Locale;
import java.util.Optional;

/** The known name that somebody probably meant. */
public final class NearestName {
  private NearestName() {}

  /**
   * The name of {@code known} that is nearest to {@code wrong} by edit distance (insert, delete,
   * replace, swap of neighbours; case does not count), or empty when none is near enough: a third
   * of the longer name may differ. Of equally near ones the first wins.
   */
  public static Optional<String> of(String wrong, Collection<String> known) {
    String nearest = null;
    int least = Integer.MAX_VALUE;
    for (String name : known) {
      int most = Math.max(1, Math.max(wrong.length(), name.length()) / 3);
      int distance = distance(plain(wrong), plain(name));
      if (distance <= most && distance < least) {
        nearest = name;
        least = distance;
      }
    }
    return Optional.ofNullable(nearest);
  }

  /** {@code "; did you mean 'x'?"}, or an empty text when nothing is near. */
  public static String hint(String wrong, Collection<String> known) {
    return of(wrong, known).map(name -> "; did you mean '" + name + "'?").orElse("");
  }

  /** Case, hyphens and underscores are no difference: {@code max_retries} is {@code maxRetries}. */
  private static String plain(String name) {
    return name.toLowerCase(Locale.ROOT).replace("-", "").replace("_", "");
  }

  private static int distance(String left, String right) {
    int[][] cost = new int[left.length() + 1][right.length() + 1];
    for (int i = 0; i <= left.length(); i++) {
      cost[i][0] = i;
    }
    for (int j = 0; j <= right.length(); j++) {
      cost[0][j] = j;
    }
    for (int i = 1; i <= left.length(); i++) {
      for (int j = 1; j <= right.length(); j++) {
        int replace = left.charAt(i - 1) == right.charAt(j - 1) ? 0 : 1;
        int best = Math.min(cost[i - 1][j], cost[i][j - 1]) + 1;
        best = Math.min(best, cost[i - 1][j - 1] + replace);
        if (i > 1
            && j > 1
            && left.charAt(i - 1) == right.charAt(j - 2)
            && left.charAt(i - 2) == right.charAt(j - 1)) {
          best = Math.min(best, cost[i - 2][j - 2] + 1);
        }
        cost[i][j] = best;
      }
    }
    return cost[left.length()][right.length()];
  }
}

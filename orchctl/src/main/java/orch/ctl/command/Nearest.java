package orch.ctl.command;

import java.util.Collection;

/** The name that somebody meant. */
final class Nearest {
  private Nearest() {}

  /** {@code ; did you mean 'list'?}, or nothing when no name is near. */
  static String hint(String wrong, Collection<String> names) {
    if (wrong.length() < 3) {
      // Every short name is near it.
      return "";
    }
    String best = "";
    int least = Math.max(2, wrong.length() / 3) + 1;
    for (String name : names) {
      int distance = name.startsWith(wrong) ? 1 : distance(wrong, name);
      if (distance < least) {
        least = distance;
        best = name;
      }
    }
    return best.isEmpty() ? "" : "; did you mean '" + best + "'?";
  }

  /** Letters to change, leave out, add or swap with their neighbours. */
  static int distance(String a, String b) {
    int[][] cost = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      cost[i][0] = i;
    }
    for (int j = 0; j <= b.length(); j++) {
      cost[0][j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      for (int j = 1; j <= b.length(); j++) {
        int change = cost[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        cost[i][j] = Math.min(change, 1 + Math.min(cost[i - 1][j], cost[i][j - 1]));
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          cost[i][j] = Math.min(cost[i][j], 1 + cost[i - 2][j - 2]);
        }
      }
    }
    return cost[a.length()][b.length()];
  }
}

package orch.api.model;

/**
 * Order of versions and numbers: runs of digits compare as numbers, other runs as text, missing
 * numbers count as 0 (6.1 equals 6.1.0), and a preview ({@code -rc1}, {@code -beta}) comes before
 * what it previews.
 */
final class VersionOrder {
  private VersionOrder() {}

  /** Whether {@code text} begins with a digit, or a sign and a digit. */
  static boolean isVersion(String text) {
    int start = text.startsWith("-") ? 1 : 0;
    return text.length() > start && isDigit(text.charAt(start));
  }

  static int compare(String left, String right) {
    boolean leftNegative = left.startsWith("-");
    if (leftNegative != right.startsWith("-")) {
      return leftNegative ? -1 : 1;
    }
    if (leftNegative) {
      return compareRuns(right.substring(1), left.substring(1));
    }
    return compareRuns(left, right);
  }

  private static int compareRuns(String left, String right) {
    int i = 0;
    int j = 0;
    while (i < left.length() || j < right.length()) {
      int leftEnd = runEnd(left, i);
      int rightEnd = runEnd(right, j);
      String leftRun = left.substring(i, leftEnd);
      String rightRun = right.substring(j, rightEnd);
      int order = compareRun(leftRun, rightRun);
      if (order != 0) {
        return order;
      }
      i = leftEnd;
      j = rightEnd;
    }
    return 0;
  }

  /** Skips no separator: a dot belongs to the number that follows it. */
  private static int runEnd(String text, int start) {
    if (start >= text.length()) {
      return text.length();
    }
    int end = start;
    if (text.charAt(end) == '.' && end + 1 < text.length() && isDigit(text.charAt(end + 1))) {
      end++;
    }
    boolean digits = isDigit(text.charAt(end));
    while (end < text.length()
        && isDigit(text.charAt(end)) == digits
        && (digits || text.charAt(end) != '.' || end == start)) {
      end++;
    }
    return end;
  }

  private static int compareRun(String left, String right) {
    boolean leftNumber = isNumber(left);
    boolean rightNumber = isNumber(right);
    if ((leftNumber || left.isEmpty()) && (rightNumber || right.isEmpty())) {
      return compareNumbers(digits(left), digits(right));
    }
    if (left.isEmpty() || leftNumber) {
      // What follows the other version's numbers: a preview is less than nothing, all else is more.
      return isPreview(right) ? 1 : leftNumber ? 1 : -1;
    }
    if (right.isEmpty() || rightNumber) {
      return isPreview(left) ? -1 : rightNumber ? -1 : 1;
    }
    return left.compareTo(right);
  }

  private static int compareNumbers(String left, String right) {
    return left.length() != right.length()
        ? Integer.compare(left.length(), right.length())
        : left.compareTo(right);
  }

  private static boolean isNumber(String run) {
    return !run.isEmpty() && isDigit(run.charAt(run.length() - 1));
  }

  private static String digits(String run) {
    int start = run.startsWith(".") ? 1 : 0;
    while (start < run.length() && run.charAt(start) == '0') {
      start++;
    }
    return run.substring(start);
  }

  private static boolean isPreview(String run) {
    String word = run.replaceAll("[^A-Za-z~]", "");
    return word.startsWith("~")
        || word.equals("rc")
        || word.equals("alpha")
        || word.equals("beta")
        || word.equals("pre")
        || word.equals("dev");
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }
}

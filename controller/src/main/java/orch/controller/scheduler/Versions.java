package orch.controller.scheduler;

/**
 * The order of values that look like versions or numbers: runs of digits compare as numbers, all
 * else as characters, so that 6.1.0-18 is above 6.1 and below 6.10.
 */
final class Versions {
  private Versions() {}

  static int compare(String a, String b) {
    int i = 0;
    int j = 0;
    while (i < a.length() && j < b.length()) {
      if (isDigit(a.charAt(i)) && isDigit(b.charAt(j))) {
        int endOfA = endOfDigits(a, i);
        int endOfB = endOfDigits(b, j);
        int order = compareNumbers(a.substring(i, endOfA), b.substring(j, endOfB));
        if (order != 0) {
          return order;
        }
        i = endOfA;
        j = endOfB;
      } else {
        int order = Character.compare(a.charAt(i++), b.charAt(j++));
        if (order != 0) {
          return order;
        }
      }
    }
    return Integer.compare(a.length() - i, b.length() - j);
  }

  /** Of any length, without leading zeros the longer is the greater. */
  private static int compareNumbers(String a, String b) {
    String first = withoutZeros(a);
    String second = withoutZeros(b);
    int byLength = Integer.compare(first.length(), second.length());
    return byLength != 0 ? byLength : first.compareTo(second);
  }

  private static String withoutZeros(String digits) {
    int start = 0;
    while (start < digits.length() - 1 && digits.charAt(start) == '0') {
      start++;
    }
    return digits.substring(start);
  }

  private static int endOfDigits(String text, int from) {
    int end = from;
    while (end < text.length() && isDigit(text.charAt(end))) {
      end++;
    }
    return end;
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }
}

package orch.controller.core;

/**
 * A run of a checkpoint's parts that is written as a whole: all parts from {@code first} on to the
 * next section's first. The log keeps each section where it was written until it alters.
 *
 * @param id unique among the sections of a leadership; rises
 * @param parts how many there were
 * @param bytes their size
 */
public record Section(long id, Key first, int parts, int bytes) {
  /** Where a part stands in the order of all parts. */
  record Key(int kind, long number, long sub) implements Comparable<Key> {
    @Override
    public int compareTo(Key other) {
      int byKind = Integer.compare(kind, other.kind);
      int byNumber = byKind != 0 ? byKind : Long.compare(number, other.number);
      return byNumber != 0 ? byNumber : Long.compare(sub, other.sub);
    }
  }
}

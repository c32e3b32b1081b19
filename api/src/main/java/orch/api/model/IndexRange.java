package orch.api.model;

/**
 * Indexes first, first+step, ... up to last.
 *
 * @param last inclusive
 * @param step at least 1
 */
public record IndexRange(int first, int last, int step) {
  public IndexRange {
    if (first < 0 || last < first || step < 1) {
      throw new IllegalArgumentException("bad index range " + first + "-" + last + ":" + step);
    }
  }

  public int size() {
    return (last - first) / step + 1;
  }

  public boolean contains(int index) {
    return index >= first && index <= last && (index - first) % step == 0;
  }
}

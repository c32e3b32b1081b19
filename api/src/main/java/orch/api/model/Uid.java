package orch.api.model;

/**
 * Identity of a job or an attempt, unique over the cluster's whole life: directories, cgroups, acks
 * and commands use it; job numbers and {@code web/3@2} are for people.
 *
 * @param incarnation rises at each restore from a backup; from 1
 * @param epoch of the leader that made it; from 1
 * @param sequence rises over all jobs and attempts of an incarnation; from 1
 */
public record Uid(int incarnation, long epoch, long sequence) implements Comparable<Uid> {
  public Uid {
    if (incarnation < 1 || epoch < 1 || sequence < 1) {
      throw new IllegalArgumentException(
          "uid parts must be positive: " + incarnation + "-" + epoch + "-" + sequence);
    }
  }

  /** Reads the form that {@link #toString} writes; throws IllegalArgumentException on any other. */
  public static Uid parse(String text) {
    String[] parts = text.split("-", -1);
    if (parts.length != 3) {
      throw new IllegalArgumentException("not a uid (incarnation-epoch-sequence in hex): " + text);
    }
    return new Uid(
        Integer.parseInt(parts[0], 16), Long.parseLong(parts[1], 16), Long.parseLong(parts[2], 16));
  }

  /**
   * A number that rises over all attempts and resubmissions, over restores too: what a task hands
   * to the systems that it writes to, so that they can refuse an older writer.
   */
  public long fencingToken() {
    return ((long) incarnation << 44) + sequence;
  }

  @Override
  public int compareTo(Uid other) {
    int byIncarnation = Integer.compare(incarnation, other.incarnation);
    if (byIncarnation != 0) {
      return byIncarnation;
    }
    int bySequence = Long.compare(sequence, other.sequence);
    return bySequence != 0 ? bySequence : Long.compare(epoch, other.epoch);
  }

  /** {@code incarnation-epoch-sequence} in lower-case hexadecimal, at most 42 characters. */
  @Override
  public String toString() {
    return Integer.toHexString(incarnation)
        + "-"
        + Long.toHexString(epoch)
        + "-"
        + Long.toHexString(sequence);
  }
}

package orch.api.model;

/**
 * The hash over a node's attempts by which agent and controller see whether they agree: FNV-1a with
 * 64 bits over each attempt's incarnation, epoch, sequence and state in order of uid, every number
 * as eight bytes, lowest first. STARTING, which is never logged, counts as PLACED.
 */
public final class InventoryHash {
  private static final long OFFSET_BASIS = 0xcbf29ce484222325L;
  private static final long PRIME = 0x100000001b3L;

  private long hash = OFFSET_BASIS;
  private int count;

  /** Adds the next attempt; the caller goes by rising uid. */
  public void add(Uid uid, AttemptState state) {
    addNumber(uid.incarnation());
    addNumber(uid.epoch());
    addNumber(uid.sequence());
    addNumber(number(state));
    count++;
  }

  public int count() {
    return count;
  }

  public long value() {
    return hash;
  }

  private void addNumber(long number) {
    for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
      hash = (hash ^ (number >>> shift & 0xff)) * PRIME;
    }
  }

  private static int number(AttemptState state) {
    return switch (state) {
      case PLACED, STARTING -> 1;
      case RUNNING -> 2;
      case STOPPING -> 3;
      case SUCCEEDED -> 4;
      case FAILED -> 5;
      case KILLED -> 6;
      case DROPPED -> 7;
      case UNREACHABLE -> 8;
      case LOST -> 9;
    };
  }
}

package orch.controller.store;

import java.util.List;

/**
 * Paths below the cluster's root.
 *
 * <p>Entries are fanned out by {@link #DIRECTORY_ENTRIES} to a directory, {@code
 * /log/0000000012/0000012345}, and the first entry of a directory is made in one multi with it. The
 * log itself lists nothing, ever: it knows every name. But other people's tools do, a backup or an
 * operator with a shell, and a flat directory of a million names is an answer that breaks their
 * connection (1 MB at most); here no directory holds more than the 1,000 names of its entries, and
 * {@code /log} one name for each thousand.
 *
 * @param root absolute path without a slash at its end
 */
public record LogLayout(String root) {
  public static final int DIRECTORY_ENTRIES = 1_000;

  public LogLayout {
    if (!root.startsWith("/") || root.endsWith("/")) {
      throw new IllegalArgumentException(
          "not an absolute path without a slash at its end: " + root);
    }
  }

  /** Data: {@link EpochRecord}. Its version is what every write is checked against. */
  public String epoch() {
    return root + "/epoch";
  }

  public String log() {
    return root + "/log";
  }

  /** Directory of an entry. */
  public String directory(long index) {
    return log() + "/" + padded(index / DIRECTORY_ENTRIES);
  }

  /** The entry itself. Data: {@link Entry}. */
  public String entry(long index) {
    return directory(index) + "/" + padded(index);
  }

  /** Whether this entry makes its directory. */
  public boolean opensDirectory(long index) {
    return index == 1 || index % DIRECTORY_ENTRIES == 0;
  }

  /** What an entry stands on: the entry before, and for the first one the log itself. */
  public String predecessor(long index) {
    return index == 1 ? log() : entry(index - 1);
  }

  public String checkpoint() {
    return root + "/checkpoint";
  }

  /** Data: {@link Manifest}. Absent: the log begins with entry 1. */
  public String manifest() {
    return checkpoint() + "/manifest";
  }

  /** Directory of a node of a checkpoint. */
  public String checkpointDirectory(long node) {
    return checkpoint() + "/" + padded(node / DIRECTORY_ENTRIES);
  }

  /** A section of a checkpoint, or a part of one; see {@link Manifest}. */
  public String checkpointNode(long node) {
    return checkpointDirectory(node) + "/" + padded(node);
  }

  /**
   * There while a restore is under way: nothing else is to be believed then. It lies where nodes
   * can be deleted: right below the root nobody may, so that the epoch stays.
   */
  public String restoring() {
    return checkpoint() + "/restoring";
  }

  /** Ephemeral nodes of the controllers that are alive. */
  public String members() {
    return root + "/members";
  }

  /** Nodes of the election. */
  public String election() {
    return root + "/election";
  }

  /** Nodes that must exist, parents first; all but the epoch are empty. */
  public List<String> permanent() {
    return List.of(root, epoch(), log(), checkpoint(), members(), election());
  }

  private static String padded(long number) {
    String digits = Long.toString(number);
    return digits.length() >= 10 ? digits : "0".repeat(10 - digits.length()) + digits;
  }
}

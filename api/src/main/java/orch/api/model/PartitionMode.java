package orch.api.model;

/** What a task does that its controller cannot reach. */
public enum PartitionMode {
  /** Runs on; replaced after lostAfter: two copies are possible. */
  KEEP,
  /** Ends itself after stopAfter without a lease, then is replaced: never two copies. */
  STOP,
  /** Replaced on proof of the host's death only. */
  NEVER
}

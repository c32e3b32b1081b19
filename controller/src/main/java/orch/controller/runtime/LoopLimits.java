package orch.controller.runtime;

import java.time.Duration;

/** How much the loop takes on, and how long it waits. */
public final class LoopLimits {
  /** Requests and reads that wait for the loop; more are refused as OVERLOADED. */
  public static final int MAX_QUEUED_REQUESTS = 10_000;

  /** Inputs between two turns of ZooKeeper's answers, timers and the scheduler. */
  static final int MAX_INPUTS_IN_A_DRAIN = 256;

  /** Nodes that are being sent their full desired set at a time. */
  static final int MAX_RESYNCS = 64;

  /** Attempts in one message to an agent. */
  static final int MAX_ATTEMPTS_IN_A_MESSAGE = 500;

  /** Specs in one message to an agent; each may have 320 KB, and a message at most 4 MB. */
  static final int MAX_SPECS_IN_A_MESSAGE = 8;

  /** Specs a session remembers to have sent; for 10,000 nodes some 250 MB at worst. */
  static final int MAX_REMEMBERED_SPECS = 256;

  /** How often an agent is to send a heartbeat. */
  public static final Duration HEARTBEAT_INTERVAL = Duration.ofSeconds(2);

  /** A node that was not heard of for so long is silent. */
  public static final Duration HEARTBEAT_TIMEOUT = Duration.ofSeconds(10);

  /** Whoever asks while ZooKeeper is silent is told so after this time. */
  public static final Duration LOG_PATIENCE = Duration.ofSeconds(10);

  static final Duration TICK = Duration.ofSeconds(1);

  /** Before a member that lost or was deposed tries again, if it should lead still. */
  static final Duration CLAIM_AGAIN = Duration.ofSeconds(1);

  /** How often the other members are told how far this one is. */
  static final Duration TELL_MEMBERS = Duration.ofSeconds(2);

  private LoopLimits() {}
}

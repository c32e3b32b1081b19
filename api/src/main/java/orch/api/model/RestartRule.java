package orch.api.model;

import java.util.List;

/**
 * Matches when every condition that is set holds; a rule without conditions matches every end.
 *
 * @param signals numbers of signals that ended the leader
 * @param uncounted does not use up a retry
 * @param memoryFactor multiplies the memory limit of the next attempt; 1: unchanged
 */
public record RestartRule(
    List<ExitCodeRange> exitCodes,
    List<Integer> signals,
    boolean oom,
    boolean nodeLost,
    boolean preempted,
    boolean timedOut,
    boolean startFailed,
    RestartAction action,
    boolean uncounted,
    double memoryFactor) {
  public RestartRule {
    exitCodes = List.copyOf(exitCodes);
    signals = List.copyOf(signals);
  }
}

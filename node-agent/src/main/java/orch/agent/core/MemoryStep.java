package orch.agent.core;

import java.util.SortedMap;
import orch.api.model.Uid;

/** What is to be done about memory; each is an event with the figures that caused it. */
public sealed interface MemoryStep {
  Uid uid();

  /** For people, with the cause. */
  String why();

  SortedMap<String, Long> figures();

  /** The task is to be told: by the signal, or by its FIFO when that is 0. */
  record Notify(Uid uid, int signal, String why, SortedMap<String, Long> figures)
      implements MemoryStep {}

  /** Its memory.high is set: lowered to slow it down, or raised again. */
  record SetHigh(
      Uid uid, long highBytes, boolean lowered, String why, SortedMap<String, Long> figures)
      implements MemoryStep {}

  record Freeze(Uid uid, String why, SortedMap<String, Long> figures) implements MemoryStep {}

  record Thaw(Uid uid, String why, SortedMap<String, Long> figures) implements MemoryStep {}

  record Evict(Uid uid, String why, SortedMap<String, Long> figures) implements MemoryStep {}

  /** Nothing to be done: the kernel killed processes of it. */
  record Killed(Uid uid, long processes, String why, SortedMap<String, Long> figures)
      implements MemoryStep {}
}

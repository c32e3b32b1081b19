package orch.agent.runtime;

import java.io.IOException;
import java.util.List;
import orch.agent.core.Buried;
import orch.agent.core.KnownAttempt;
import orch.agent.core.Obeyed;

/**
 * What the agent keeps for an agent after it. A failure to write ends the agent: it would forget
 * what it promised.
 */
public interface AgentFiles {
  /** The newest leader that was obeyed. */
  Obeyed obeyed();

  /** Attempts that were remembered and not buried since, as the files had them at the start. */
  List<KnownAttempt> known();

  /** Tombstones as the files had them at the start, oldest first. */
  List<Buried> buried();

  /** Durable when it returns, over a power failure too. */
  void obey(Obeyed leader) throws IOException;

  /** Survives the agent's death when it returns; a power failure only after {@link #sync}. */
  void remember(KnownAttempt attempt) throws IOException;

  /** As {@link #remember}. */
  void bury(Buried tombstone) throws IOException;

  /**
   * Begins a new file when the old one is large; what is older than the limits of the tombstones
   * goes.
   *
   * @param live every attempt that must stay known
   */
  void compact(List<KnownAttempt> live) throws IOException;

  /** Makes everything durable; may be called on any thread. */
  void sync() throws IOException;
}

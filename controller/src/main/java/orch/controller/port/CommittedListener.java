package orch.controller.port;

import java.time.Instant;
import java.util.List;
import orch.controller.core.Change;
import orch.controller.core.StateView;

/** Hears, on the loop, of every revision that committed, in order, without gaps. */
public interface CommittedListener {
  /**
   * A revision committed.
   *
   * @param now the time that the revision's decisions were made at
   * @param view may be ahead of {@code revision} on the leader; names things, proves nothing
   */
  void committed(long revision, Instant now, List<Change> changes, StateView view);

  /**
   * The state was loaded or thrown away and rebuilt: what was heard before may have been followed
   * by other revisions than the ones heard. The next call of {@link #committed} is for {@code
   * revision + 1}; {@code view} may be ahead as there.
   */
  void rebuilt(long revision, StateView view);

  /**
   * This controller's session with ZooKeeper is lost: another may lead, and what that one commits
   * is not heard here. Whoever waits for news through this listener has to be sent elsewhere. What
   * is heard afterwards goes on without a gap, or begins anew with {@link #rebuilt}.
   */
  default void suspended() {}
}

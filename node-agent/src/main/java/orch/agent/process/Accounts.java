package orch.agent.process;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;
import orch.agent.linux.UserAccount;
import orch.api.seam.Clock;
import org.jspecify.annotations.Nullable;

/** Users of this host, kept for a while: a name service can be slow. Safe for several threads. */
final class Accounts {
  private static final long KEEP_NANOS = Duration.ofMinutes(1).toNanos();

  /** Most names kept; beyond it all are looked up anew. */
  private static final int LIMIT = 1_000;

  private static final String NOBODY = "nobody";

  private final Linux linux;
  private final Clock clock;
  private final Map<String, Kept> kept = new ConcurrentHashMap<>();

  private record Kept(UserAccount account, long bootNanos) {}

  Accounts(Linux linux, Clock clock) {
    this.linux = linux;
    this.clock = clock;
  }

  /** Whether {@link #of} answers without asking anyone. */
  boolean isFresh(String wanted) {
    Kept known = kept.get(wanted);
    return known != null && clock.bootNanos() - known.bootNanos() < KEEP_NANOS;
  }

  /**
   * The user whom a job names; null when there is none.
   *
   * @param wanted login name or number; empty: the agent's own user, or nobody under root
   */
  @Nullable UserAccount of(String wanted) throws LinuxException {
    Kept known = kept.get(wanted);
    if (known != null && clock.bootNanos() - known.bootNanos() < KEEP_NANOS) {
      return known.account();
    }
    UserAccount account = lookUp(wanted);
    if (account != null) {
      if (kept.size() >= LIMIT) {
        kept.clear();
      }
      kept.put(wanted, new Kept(account, clock.bootNanos()));
    }
    return account;
  }

  private @Nullable UserAccount lookUp(String wanted) throws LinuxException {
    if (wanted.isEmpty()) {
      int own = linux.effectiveUser();
      return own == 0 ? linux.userNamed(NOBODY) : linux.userOf(own);
    }
    return wanted.matches("[0-9]{1,9}")
        ? linux.userOf(Integer.parseInt(wanted))
        : linux.userNamed(wanted);
  }
}

package orch.agent.process;

import orch.agent.process.JournalReader.Account;
import orch.agent.process.LauncherPort.End;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import org.jspecify.annotations.Nullable;

/** Ends as the journal and the shims tell them. */
final class Ends {
  private Ends() {}

  static End of(Incoming.ExitFacts facts, long recordNanos) {
    return new End(
        Results.of(facts),
        facts.startedRealNanos(),
        facts.exitedRealNanos(),
        recordNanos,
        facts.has(Protocol.E_STOPPED));
  }

  /** The recorded end of an attempt; null: none is recorded. */
  static @Nullable End of(Account account, long recordNanos) {
    if (account.exited != null) {
      return of(account.exited, recordNanos);
    }
    if (account.failed != null) {
      Result result =
          Result.without(ResultKind.START_FAILED, Results.of(account.failed, account.name, null));
      return new End(result, 0, account.failed.realNanos(), recordNanos, false);
    }
    return null;
  }

  /** An attempt as a new agent finds it; {@code end} null: it has not ended. */
  static LauncherPort.Found found(Account account, @Nullable End end) {
    return new LauncherPort.Found(
        account.uid,
        account.name,
        account.bootId,
        end == null,
        account.started == null ? 0 : account.started.realNanos(),
        account.started == null ? 0 : account.started.bootNanos(),
        end);
  }

  /** Claimed, without a recorded end, and nothing of it lives. */
  static End gone(Account account, String bootId) {
    ResultKind kind = account.bootId.equals(bootId) ? ResultKind.UNKNOWN : ResultKind.LOST;
    long start = account.started == null ? 0 : account.started.realNanos();
    return new End(Result.without(kind, null), start, 0, 0, false);
  }
}

package orch.agent.process;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import orch.agent.process.JournalReader.Account;
import orch.agent.process.LauncherPort.End;
import orch.agent.process.LauncherPort.Found;
import orch.api.model.Uid;

/**
 * What the journal and the shims say, at the beginning of a connection, of the attempts that were
 * there before it.
 *
 * @param found each of them
 * @param undurableYet those of them whose end is recorded and may still be lost
 * @param living names of the leaf cgroups of those that have not ended
 */
record Recovered(List<Found> found, List<Account> undurableYet, SortedSet<String> living) {
  /**
   * Takes in as orphans those that live without a shim of this launcher.
   *
   * @param busy shims of this launcher that guard something; they are told their leaders
   * @param wallNanos time of the records that were not timed
   */
  static Recovered of(
      Collection<Account> accounts,
      Map<Uid, Shim> busy,
      Orphans orphans,
      DurableQueue durable,
      String bootId,
      long wallNanos) {
    List<Found> found = new ArrayList<>();
    List<Account> undurableYet = new ArrayList<>();
    SortedSet<String> living = new TreeSet<>();
    busy.keySet().forEach(uid -> living.add(Leaves.nameOf(uid)));
    for (Account account : accounts) {
      End end = null;
      if (account.ended() && durable.covers(account.endPosition)) {
        end = Ends.of(account, wallNanos);
      } else if (account.ended()) {
        undurableYet.add(account);
      } else if (!busy.containsKey(account.uid) && !orphans.adopt(account)) {
        end = Ends.gone(account, bootId);
      } else {
        living.add(account.leaf);
      }
      Shim guard = busy.get(account.uid);
      if (guard != null) {
        guard.leads(account.started);
      }
      found.add(Ends.found(account, end));
    }
    return new Recovered(found, undurableYet, living);
  }
}

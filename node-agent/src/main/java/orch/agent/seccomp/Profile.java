package orch.agent.seccomp;

import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A profile as it is written.
 *
 * @param otherwise for calls that are known and not named
 * @param unknown for numbers that no table here knows
 * @param foreign for calls of another architecture
 * @param actions by name of the call
 * @param conditions by name of the call: allowed if one holds, else {@code otherwise}
 */
record Profile(
    Action otherwise,
    Action unknown,
    Action foreign,
    SortedMap<String, Action> actions,
    SortedMap<String, List<Condition>> conditions) {
  Profile {
    actions = Collections.unmodifiableSortedMap(new TreeMap<>(actions));
    conditions = Collections.unmodifiableSortedMap(new TreeMap<>(conditions));
  }

  /** Whether it lets {@code call} through, whatever its arguments. */
  boolean allows(String call) {
    Action action = conditions.containsKey(call) ? otherwise : actions.get(call);
    Action taken = action == null ? otherwise : action;
    return taken.equals(Action.ALLOW) || taken.equals(Action.LOG);
  }
}

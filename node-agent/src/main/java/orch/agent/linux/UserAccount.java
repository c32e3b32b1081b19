package orch.agent.linux;

import java.util.List;

/**
 * A user of this host.
 *
 * @param groups the primary group and the supplementary ones
 */
public record UserAccount(
    String name, int uid, int gid, String home, String shell, List<Integer> groups) {
  public UserAccount {
    groups = List.copyOf(groups);
  }
}

package orch.agent.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import orch.agent.cgroup.CgroupRoot;
import orch.agent.process.JournalReader.Account;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The leaf cgroups of attempts, beside what their shims do with them. */
final class Leaves {
  private static final Logger log = LoggerFactory.getLogger(Leaves.class);

  private Leaves() {}

  static String nameOf(Uid uid) {
    return String.format("t-%08x%08x%016x", uid.incarnation(), uid.epoch(), uid.sequence());
  }

  /** A start that hangs in the kernel keeps its shim from hearing the stop; its cgroup does not. */
  static void killBeforeExec(Incoming.@Nullable Welcome of, Uid uid) {
    if (of == null || of.cgroup().isEmpty()) {
      return;
    }
    try {
      Files.writeString(Path.of(of.cgroup(), nameOf(uid), "cgroup.kill"), "1");
    } catch (IOException gone) {
      log.debug("no cgroup of {} to kill: {}", uid, gone.toString());
    }
  }

  /** Kills and removes those in the agent's own subtree that no claim names. */
  static void removeStrays(String cgroup, Collection<Account> accounts) {
    if (cgroup.isEmpty()) {
      return;
    }
    SortedSet<String> known = new TreeSet<>();
    accounts.forEach(account -> known.add(account.leaf));
    try {
      List<String> strays = CgroupRoot.removeStrays(Path.of(cgroup), known);
      if (!strays.isEmpty()) {
        log.warn("killed what was left in cgroups that no attempt claims: {}", strays);
      }
    } catch (IOException e) {
      log.warn("cannot look for cgroups that no attempt claims: {}", e.toString());
    }
  }
}

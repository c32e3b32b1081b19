package orch.agent.process;

import java.util.List;
import java.util.Locale;

/** Names of capabilities(7) in the order of their numbers. */
final class Capabilities {
  private static final List<String> NAMES =
      List.of(
          "chown",
          "dac_override",
          "dac_read_search",
          "fowner",
          "fsetid",
          "kill",
          "setgid",
          "setuid",
          "setpcap",
          "linux_immutable",
          "net_bind_service",
          "net_broadcast",
          "net_admin",
          "net_raw",
          "ipc_lock",
          "ipc_owner",
          "sys_module",
          "sys_rawio",
          "sys_chroot",
          "sys_ptrace",
          "sys_pacct",
          "sys_admin",
          "sys_boot",
          "sys_nice",
          "sys_resource",
          "sys_time",
          "sys_tty_config",
          "mknod",
          "lease",
          "audit_write",
          "audit_control",
          "setfcap",
          "mac_override",
          "mac_admin",
          "syslog",
          "wake_alarm",
          "block_suspend",
          "audit_read",
          "perfmon",
          "bpf",
          "checkpoint_restore");

  private Capabilities() {}

  /** Bits of the named capabilities; throws IllegalArgumentException for a name that is none. */
  static long mask(List<String> names) {
    long mask = 0;
    for (String name : names) {
      int number = NAMES.indexOf(name.toLowerCase(Locale.ROOT));
      if (number < 0) {
        throw new IllegalArgumentException("no such capability: " + name);
      }
      mask |= 1L << number;
    }
    return mask;
  }
}

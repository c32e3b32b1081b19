package orch.agent.seccomp;

import java.util.SortedMap;

/** A kind of processor: how the kernel names it to filters, and its numbers of system calls. */
public enum Architecture {
  X86_64(0xC000003E, 0x40000000),
  AARCH64(0xC00000B7, 0);

  private final int audit;
  private final int foreignFrom;

  Architecture(int audit, int foreignFrom) {
    this.audit = audit;
    this.foreignFrom = foreignFrom;
  }

  /** That of this host, by the Java property os.arch. */
  public static Architecture host() {
    return switch (System.getProperty("os.arch", "")) {
      case "amd64", "x86_64" -> X86_64;
      case "aarch64" -> AARCH64;
      case String other -> throw new IllegalStateException("no system calls known for " + other);
    };
  }

  /** AUDIT_ARCH_…, linux/audit.h. */
  int audit() {
    return audit;
  }

  /** From this number on calls are those of x32, another architecture; 0: there are none. */
  int foreignFrom() {
    return foreignFrom;
  }

  /** Numbers by name, asm/unistd.h. */
  SortedMap<String, Integer> numbers() {
    return SystemCalls.of(this);
  }
}

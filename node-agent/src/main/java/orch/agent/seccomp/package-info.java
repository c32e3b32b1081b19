/** Seccomp profiles: lists of system calls, compiled to the kernel's BPF. */
@NullMarked
package orch.agent.seccomp;

import org.jspecify.annotations.NullMarked;

/**
 * Real hosts on this machine: user-mode Linux with systemd, journald and cgroup v2, a disk of their
 * own, and a network between them that can be cut.
 */
@NullMarked
package orch.systemtests.host;

import org.jspecify.annotations.NullMarked;

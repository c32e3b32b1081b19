/** Where this host lets the agent keep the cgroups of its tasks (cgroup v2). */
@NullMarked
package orch.agent.cgroup;

import org.jspecify.annotations.NullMarked;

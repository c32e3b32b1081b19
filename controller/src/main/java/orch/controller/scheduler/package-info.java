/**
 * The scheduler, pure: which node takes which tasks, and why not. It knows nodes as {@link
 * orch.controller.scheduler.NodeSlot}s and tasks as {@link orch.controller.scheduler.Demand}s.
 */
@NullMarked
package orch.controller.scheduler;

import org.jspecify.annotations.NullMarked;

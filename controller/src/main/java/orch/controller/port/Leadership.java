package orch.controller.port;

import org.jspecify.annotations.Nullable;

/**
 * Who leads, as this controller knows it.
 *
 * @param role of this controller
 * @param epoch of the newest leader that is known; 0: none yet
 * @param committedRevision newest committed revision that was applied here
 * @param leader where to go instead; this member itself when it leads; null: not known, as of a
 *     leader whose session with ZooKeeper is lost, since another may lead by now
 */
public record Leadership(Role role, long epoch, long committedRevision, @Nullable Member leader) {}

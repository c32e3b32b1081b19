/**
 * What tasks say of themselves by the protocol of sd_notify(3): their sockets, who may speak on
 * them, what is understood, and the descriptors that they leave with the agent. Programs that were
 * written for systemd work unchanged.
 */
@NullMarked
package orch.agent.service;

import org.jspecify.annotations.NullMarked;

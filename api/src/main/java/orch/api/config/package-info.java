/**
 * Settings of the daemons: flags, variables of the environment and a YAML file, one mechanism for
 * all, with {@code orch.api.config.DaemonCommand} as its door.
 */
@NullMarked
package orch.api.config;

import org.jspecify.annotations.NullMarked;

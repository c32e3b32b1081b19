/** The commands: what they accept, what they ask of the controller, how they end. */
@NullMarked
package orch.ctl.command;

import org.jspecify.annotations.NullMarked;

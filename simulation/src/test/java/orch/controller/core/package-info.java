/** Bugs in the core, for the simulator to find. */
@org.jspecify.annotations.NullMarked
package orch.controller.core;

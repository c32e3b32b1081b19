/** The real core under a simulated clock, network, store and hosts. */
@NullMarked
package orch.simulation;

import org.jspecify.annotations.NullMarked;

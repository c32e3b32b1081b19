/** What the state machines need from the outside world; the simulation puts its own behind each. */
@NullMarked
package orch.api.seam;

import org.jspecify.annotations.NullMarked;

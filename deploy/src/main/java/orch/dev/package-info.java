/** A whole cluster on one machine, each member a process of its own. */
@NullMarked
package orch.dev;

import org.jspecify.annotations.NullMarked;

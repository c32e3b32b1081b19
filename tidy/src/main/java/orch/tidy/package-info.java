/** What no compiler checks: the architecture, the format, and the tree as a whole. */
@NullMarked
package orch.tidy;

import org.jspecify.annotations.NullMarked;

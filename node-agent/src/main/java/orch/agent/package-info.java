/** The node agent: runs and guards the process trees of one host. */
@NullMarked
package orch.agent;

import org.jspecify.annotations.NullMarked;

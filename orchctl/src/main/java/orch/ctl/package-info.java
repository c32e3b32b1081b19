/** The command line: a thin client of the HTTP API. */
@NullMarked
package orch.ctl;

import org.jspecify.annotations.NullMarked;

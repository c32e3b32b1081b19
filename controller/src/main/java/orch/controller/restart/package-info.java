/** Restart policy as a pure function: what becomes of a task whose attempt ended. */
@NullMarked
package orch.controller.restart;

import org.jspecify.annotations.NullMarked;

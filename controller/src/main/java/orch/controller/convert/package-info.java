/** The controller's changes as the log's messages, and back. */
@NullMarked
package orch.controller.convert;

import org.jspecify.annotations.NullMarked;

/** What the core does, sentence by sentence. */
@NullMarked
package orch.controller.core;

import org.jspecify.annotations.NullMarked;

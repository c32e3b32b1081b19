/** Messages of {@code orch.v1} and {@code orch.agent.v1} to the model and back. */
@NullMarked
package orch.api.convert;

import org.jspecify.annotations.NullMarked;

/**
 * The memory of tasks and of the host: what is measured, and what is done to tasks when it grows
 * short. What is to be done is decided in {@code orch.agent.core}.
 */
@NullMarked
package orch.agent.pressure;

import org.jspecify.annotations.NullMarked;

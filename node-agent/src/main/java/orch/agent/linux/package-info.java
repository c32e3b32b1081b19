/** Every Linux call that the agent makes; errno becomes an exception here and nowhere else. */
@NullMarked
package orch.agent.linux;

import org.jspecify.annotations.NullMarked;

/** What runs of an attempt now: its processes and what they use. */
@NullMarked
package orch.agent.live;

import org.jspecify.annotations.NullMarked;

/**
 * What tasks wrote: reading the shims' log segments, serving them to the controller, keeping them
 * for as long as their jobs ask. The format is in docs/launcher-protocol.md, "Task output".
 */
@NullMarked
package orch.agent.logs;

import org.jspecify.annotations.NullMarked;

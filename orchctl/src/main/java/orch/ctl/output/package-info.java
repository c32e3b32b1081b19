/** What people and programs read: tables, YAML, times, colours. */
@NullMarked
package orch.ctl.output;

import org.jspecify.annotations.NullMarked;

/** JSON as the API speaks it, read and written without reflection. */
@NullMarked
package orch.ctl.json;

import org.jspecify.annotations.NullMarked;

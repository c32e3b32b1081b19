/** Where the bugs that the simulation must find are planted. */
@NullMarked
package orch.controller.core;

import org.jspecify.annotations.NullMarked;

@NullMarked
package orch.controller.restart;

import org.jspecify.annotations.NullMarked;

@NullMarked
package orch.controller.rpc;

import org.jspecify.annotations.NullMarked;

@NullMarked
package orch.controller.http;

import org.jspecify.annotations.NullMarked;

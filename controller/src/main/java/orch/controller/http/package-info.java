/**
 * The HTTP port: the Connect protocol over the very service objects that gRPC serves, and the pages
 * that machines ask for (health, readiness, metrics).
 */
@NullMarked
package orch.controller.http;

import org.jspecify.annotations.NullMarked;

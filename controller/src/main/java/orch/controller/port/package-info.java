/**
 * What the edges (gRPC, HTTP) see of the running controller, so that they need not know its loop:
 * requests and reads, agent sessions, committed changes, members. Implemented by {@code
 * orch.controller.runtime}, and by fakes in the tests of the edges.
 */
@NullMarked
package orch.controller.port;

import org.jspecify.annotations.NullMarked;

/** A small HTTP/1.1 client on plain sockets and the Connect protocol on top of it. */
@NullMarked
package orch.ctl.http;

import org.jspecify.annotations.NullMarked;

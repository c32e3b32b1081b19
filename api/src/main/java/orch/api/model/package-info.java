/**
 * The words of Orch as immutable values: specs, states, results, identities. Pure: no I/O, no
 * clock, no generated code.
 */
@NullMarked
package orch.api.model;

import org.jspecify.annotations.NullMarked;

/** The API as the benchmarks call it. */
@NullMarked
package orch.benchmarks.http;

import org.jspecify.annotations.NullMarked;

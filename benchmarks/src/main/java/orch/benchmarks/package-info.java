/** The figures the project promises, measured as ratios in one run. */
@NullMarked
package orch.benchmarks;

import org.jspecify.annotations.NullMarked;

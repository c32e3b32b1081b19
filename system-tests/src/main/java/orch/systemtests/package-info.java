/** Tests of the built distribution as real processes. */
@NullMarked
package orch.systemtests;

import org.jspecify.annotations.NullMarked;

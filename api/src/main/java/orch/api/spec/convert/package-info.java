/** The dialect of {@code orch.api.spec} to messages of {@code orch.v1} and back. */
@NullMarked
package orch.api.spec.convert;

import org.jspecify.annotations.NullMarked;

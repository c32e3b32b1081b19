/**
 * The dialect in which people write job specs (docs/job-spec.md): one table of its keys, from which
 * the reader, the writer, the JSON Schema and the documentation's tables are made.
 */
@NullMarked
package orch.api.spec;

import org.jspecify.annotations.NullMarked;

/**
 * YAML 1.2 (and so JSON) read into nodes that know their line and column, within limits; its errors
 * are sentences. What specs and configuration files are read with.
 */
@NullMarked
package orch.api.yaml;

import org.jspecify.annotations.NullMarked;

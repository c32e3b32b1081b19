/**
 * What controller, node agent and programs share: the model, its conversion, specs, configuration
 * and the client.
 */
@NullMarked
package orch.api;

import org.jspecify.annotations.NullMarked;

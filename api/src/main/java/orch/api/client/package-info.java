/**
 * The Java client: {@link orch.api.client.OrchClient} is a gRPC client of any number of controllers
 * that finds one that answers, repeats what may be repeated, and resumes streams that broke.
 */
@NullMarked
package orch.api.client;

import org.jspecify.annotations.NullMarked;

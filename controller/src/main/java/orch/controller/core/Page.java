package orch.controller.core;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Part of a listing.
 *
 * @param next where the next page begins, for the query's {@code after}; null: this was the last
 *     page. A page may be short, even empty, and have a next one: a read looks at so many entries
 *     only.
 */
public record Page<T>(List<T> items, @Nullable Long next) {
  public Page {
    items = List.copyOf(items);
  }
}

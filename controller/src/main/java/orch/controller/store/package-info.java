/**
 * The replicated log on ZooKeeper, seen through {@link orch.controller.store.ZooKeeperPort}: fenced
 * appends, the epoch's compare-and-set, replay and tailing. Callback code of one thread, the
 * loop's: it owns no thread and knows only bytes. The rules stand beside each class.
 */
@NullMarked
package orch.controller.store;

import org.jspecify.annotations.NullMarked;

/** What a test needs of the real ZooKeeper that no controller does. */
@NullMarked
package orch.controller.zookeeper;

import org.jspecify.annotations.NullMarked;

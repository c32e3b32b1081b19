/**
 * ZooKeeper itself: the log's port and the election on Curator, the members, the embedded server
 * and the secret that guards its nodes. Nothing else in Orch sees Curator or ZooKeeper.
 */
@NullMarked
package orch.controller.zookeeper;

import org.jspecify.annotations.NullMarked;

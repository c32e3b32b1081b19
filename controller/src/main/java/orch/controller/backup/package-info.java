/**
 * Backups of a cluster, what is made of them, and whether a log is sound. A backup is the
 * checkpoint in force and the entries after it, byte for byte as they stand in ZooKeeper.
 */
@NullMarked
package orch.controller.backup;

import org.jspecify.annotations.NullMarked;

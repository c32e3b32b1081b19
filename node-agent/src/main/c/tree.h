/* The processes of an attempt: those of its leaf cgroup, or without one those that descend from its shim. */
#ifndef ORCH_TREE_H
#define ORCH_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tree {
  int leaf;         /* open leaf cgroup; -1: none */
  const char *name; /* of the leaf */
  pid_t root;       /* without a leaf: all that descend from it, itself excluded; 0: only from the leader */
  pid_t leader;     /* and what descends from it, or is of its session or group; 0: none */
  bool leader_gone; /* it was waited for: its pid may be another's, its session and group are not */
  pid_t init;       /* of its PID namespace, which would hand a signal on to the leader a second time; 0: none */
  bool one_by_one;  /* there is no cgroup.kill */
};

/* Sends a signal to every process until a round finds no new one. 0 or an errno; how many in `count`. */
int tree_signal(const struct tree *tree, int signal, uint32_t *count);

/* How many live processes of the tree are of this process group. */
uint32_t tree_count_group(const struct tree *tree, pid_t group);

/* Kills all: by cgroup.kill where it is, else by stopping and then killing until a round finds nothing alive. 0 or an errno. */
int tree_kill(const struct tree *tree);

int tree_freeze(const struct tree *tree, bool frozen);

/* Live processes, one of them in `first`. */
uint32_t tree_count(const struct tree *tree, pid_t *first);

#endif

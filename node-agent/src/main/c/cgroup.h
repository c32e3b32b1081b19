/* cgroup v2: leaves of attempts. Every directory is an open fd, every name relative to one. */
#ifndef ORCH_CGROUP_H
#define ORCH_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Makes a leaf below `root` and opens it. The fd or -errno. */
int leaf_make(int root, const char *name);
int leaf_open(int root, const char *name);

/* 1: there are live processes in it or below, 0: none, or -errno. */
int leaf_populated(int leaf);

int leaf_kill(int leaf);
int leaf_freeze(int leaf, bool frozen);

/* Removes it with the cgroups inside it; 0 or an errno (EBUSY: live processes). */
int leaf_remove(int root, const char *name);

/* Calls `each` for every process in it and below; the first non-zero result, or a negative errno, ends it. */
int leaf_processes(int leaf, int (*each)(void *context, pid_t pid), void *context);

/* 1: the process is in this very cgroup, 0: it is not, or -errno. */
int leaf_holds_directly(int leaf, pid_t pid);

/* True if /proc/PID/cgroup names the leaf as a component of its v2 path. */
bool leaf_holds(const char *name, pid_t pid);

/* Value of "key value" in a flat keyed text; false if it is not there. */
bool flat_value(const char *text, const char *key, uint64_t *value);

#endif

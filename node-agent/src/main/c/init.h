/* The init of a task's own PID namespace: starts the leader, reaps, forwards signals, ends with the leader. */
#ifndef ORCH_INIT_H
#define ORCH_INIT_H

#include "spawn.h"

/* What spawn() calls for a request with flag PID_NAMESPACE; as spawn(), but pid and pidfd are those of the init. */
int init_spawn(const struct spawn *spawn, int *pidfd);

#endif

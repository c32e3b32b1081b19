/* PRE_STOP: the command that runs before the stop signal, in a cgroup of its own inside the leaf. */
#ifndef ORCH_PRE_STOP_H
#define ORCH_PRE_STOP_H

#include "shim.h"

/* Keeps the request in a file until the attempt ends; also a shim that takes over finds it. 0 or an errno. */
int pre_stop_keep(const struct shim *shim, const char *body, size_t length);
void pre_stop_forget(const struct shim *shim);

/* Starts it; false: there is none or it could not be started, and the signal is due now. */
bool pre_stop_begin(struct shim *shim, uint32_t cause);

/* It may have ended: then the stop goes on. */
void pre_stop_look(struct shim *shim);

/* The grace is over. */
void pre_stop_kill(struct shim *shim);

#endif

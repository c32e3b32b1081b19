/* Starting the task: a vfork-like clone3 into its leaf cgroup, and all that the child sets before execve. */
#ifndef ORCH_SPAWN_H
#define ORCH_SPAWN_H

#include <linux/sched.h>
#include <stddef.h>

#include "parse.h"

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

#define SPAWN_AT_EXEC (UINT64_C(1) << 63)

struct spawn {
  struct request *request;
  int leaf;              /* open leaf cgroup; -1: none */
  int out;               /* write ends of the FIFOs */
  int err;
  const int *passed;     /* fds received with the request, as many as request->fds */
  uint64_t *report;      /* in shared memory: see orch_slot.start_report */
  uint32_t *pid;         /* in shared memory: written by the kernel before the child runs */
};

/*
 * Returns when the child has called execve or ended. 0 and a pidfd, or the errno of clone3. The child's own failures are in `report`:
 * 0 (killed before it got to execve), SPAWN_AT_EXEC (it became the task), or stage << 48 | index << 32 | errno.
 */
int spawn(const struct spawn *spawn, int *pidfd);

/* Gives back the child's stack; not while a child is on it. */
void spawn_trim_memory(void);

/* clone3 whose child, if `arguments` names a stack, runs `child(context)` there and never returns. The pid, 0 in a child without a stack, or -errno. */
long clone3_call(struct clone_args *arguments, void (*child)(void *context), void *context);

static inline uint32_t report_stage(uint64_t report) { return (uint32_t)(report >> 48) & 0x7FFF; }
static inline uint32_t report_index(uint64_t report) { return (uint32_t)(report >> 32) & 0xFFFF; }
static inline uint32_t report_error(uint64_t report) { return (uint32_t)report; }

#endif

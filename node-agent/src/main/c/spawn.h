/* Starting the task: a vfork-like clone3 into its leaf cgroup, and all that the child sets before execve. */
#ifndef ORCH_SPAWN_H
#define ORCH_SPAWN_H

#include <linux/sched.h>
#include <stdbool.h>
#include <stddef.h>

#include "parse.h"

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

#define SPAWN_AT_EXEC (UINT64_C(1) << 63)
/* Of a leader in its own PID namespace, told by its init: si_code << 8 | si_status in the lowest bits. */
#define SPAWN_ENDED (UINT64_C(1) << 62)

struct spawn {
  struct request *request;
  const char *const *argv; /* NULL-ended */
  int leaf;              /* open leaf cgroup; -1: none */
  bool join;             /* the child moves to the leaf itself: the kernel cannot clone into it */
  int out;               /* write ends of the FIFOs */
  int err;
  int inside;            /* pidfd of an init whose PID and mount namespaces the child is to be in; 0: the caller's own */
  const int *passed;     /* fds received with the request, as many as request->fds */
  uint64_t *report;      /* in shared memory: see orch_slot.start_report */
  uint32_t *pid;         /* in shared memory: written by the kernel before the child runs */
};

/*
 * Returns when the child has called execve or ended. 0 and a pidfd, or the errno of clone3. The child's own failures are in `report`:
 * 0 (killed before it got to execve), SPAWN_AT_EXEC (it became the task), or stage << 48 | index << 32 | errno.
 */
int spawn(const struct spawn *spawn, int *pidfd);

/* Starts `argv` beside the task, for a request that was changed to fit: it returns at once, and the child ends with 127 where it cannot. */
int spawn_beside(const struct spawn *spawn, int *pidfd);

/* ---- between the parts ---- */

/* One child with CLONE_VM and CLONE_VFORK that becomes the task, or without them a copy of the caller, in which 0 is returned. The pid or -errno. */
long spawn_child(const struct spawn *spawn, uint64_t flags, int *pidfd);

/* In a child: goes to the leaf if it is not there yet. */
void spawn_join(const struct spawn *spawn);

/* Gives back the child's stack; not while a child is on it. */
void spawn_trim_memory(void);

/* clone3 whose child, if `arguments` names a stack, runs `child(context)` there and never returns. The pid, 0 in a child without a stack, or -errno. */
long clone3_call(struct clone_args *arguments, void (*child)(void *context), void *context);

static inline bool report_executed(uint64_t report) { return (report & SPAWN_AT_EXEC) != 0; }
static inline uint32_t report_stage(uint64_t report) { return (uint32_t)(report >> 48) & 0x7FFF; }
static inline uint32_t report_index(uint64_t report) { return (uint32_t)(report >> 32) & 0xFFFF; }
static inline uint32_t report_error(uint64_t report) { return (uint32_t)report; }

#endif

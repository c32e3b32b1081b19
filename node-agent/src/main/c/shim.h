/* A shim: guards one attempt at a time, from its START to its EXIT record, then takes the next. */
#ifndef ORCH_SHIM_H
#define ORCH_SHIM_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "journal.h"
#include "output.h"
#include "parse.h"
#include "table.h"
#include "tree.h"

enum { SHIM_PENDING_MAX = sizeof(struct orch_header) + sizeof(struct orch_event) + sizeof(struct orch_exit) };

/* What a shim gets from the launcher; every fd is its to keep. */
struct shim_setup {
  struct rlimit files; /* RLIMIT_NOFILE for its tasks: the launcher raised its own */
  struct orch_table *table;
  uint32_t slot;
  int socket;     /* the shim's end of the pair */
  int life;       /* read end of a pipe whose write end only the launcher has */
  int wake;       /* eventfd of the launcher: records wait to be synced */
  int generation; /* directory RUN/g… */
  int journal;    /* directory */
  int segments;   /* directory */
  int cgroup;     /* directory of the leaves; -1: none */
  int out;        /* FIFOs, both ends */
  int err;
};

struct shim {
  struct orch_table *table;
  struct orch_slot *slot;
  uint32_t number;
  uint64_t capabilities;
  int socket; /* -1: nobody can be reached */
  int life;   /* -1: the launcher is dead */
  int wake;
  int generation;
  int cgroup;
  int fifo[2]; /* write ends for the task */
  int lock;
  int timer;    /* CLOCK_BOOTTIME, for the deadline */
  int listener; /* orphans only */
  int pidfd;
  int leaf;
  int events; /* cgroup.events of the leaf while the tree is waited for */
  int pre_stop;        /* pidfd of PRE_STOP while it runs */
  uint32_t pre_stop_pid;
  uint32_t stop_cause; /* of the stop that waits for it */
  int hangup; /* of a command: hangs up when nobody wants it any more; -1: none */
  int input;  /* writing end of the task's stdin, or the master of its terminal; -1: none */
  int slave;  /* of that terminal */
  bool locked;
  uint32_t fifo_owner;
  struct journal journal;
  struct output output;
  struct request *request;

  /* CLOCK_BOOTTIME ns at which something is due; 0: nothing. */
  struct orch_uid command; /* attempt in which a command runs */
  uint64_t tell_at;        /* STARTED */
  uint64_t leader_tell_at; /* LEADER_EXITED */
  uint64_t drain_at;       /* end of the patience with descendants */
  uint64_t check_at;       /* look again whether the tree is empty */
  uint64_t check_pause;
  uint64_t rekill_at;
  uint64_t stuck_at;
  bool told;         /* STARTED was told */
  bool exit_told;    /* LEADER_EXITED was told or is about to be */
  bool killed;       /* the whole tree was killed */
  bool finished;     /* only the EXIT record is missing */
  uint32_t removals; /* failed rmdirs of an empty leaf */
  struct orch_exit exit;

  size_t pending_length; /* an event that the socket had no room for */
  char pending[SHIM_PENDING_MAX];
};

_Noreturn void shim_run(const struct shim_setup *setup);

/* ---- between the parts of a shim ---- */

/* shim_start.c */
void shim_start(struct shim *shim, const struct orch_header *header, const char *body, size_t length, const int *fds, uint32_t fd_count);
void shim_fail_start(struct shim *shim, uint32_t stage, uint32_t error, uint32_t index);
void shim_trim_memory(void);
struct request *shim_read_request(int fd);
void shim_reap_failed_child(struct shim *shim);

/* shim_exec.c */
void shim_exec(struct shim *shim, uint64_t seq, struct request *request, const int *fds);
void shim_exec_request(struct shim *shim, const struct orch_header *header, const char *body, size_t length);
void shim_exec_check(struct shim *shim);
void shim_exec_hung_up(struct shim *shim);
void shim_exec_timers(struct shim *shim, uint64_t now);
int shim_keep_input(struct shim *shim, struct request *request, int *fds);
void shim_end_input(struct shim *shim);

/* Kills the command of a shim that died. */
void exec_kill_left(int cgroup, const struct orch_slot *slot);

/* shim_stop.c */
void shim_request(struct shim *shim, const struct orch_header *header, const char *body, size_t length);
void shim_resume_stop(struct shim *shim);
void shim_send_stop(struct shim *shim, uint32_t cause);
void shim_kill_tree(struct shim *shim, uint32_t cause);
void shim_stop_timers(struct shim *shim, uint64_t now);
void shim_arm_deadline(struct shim *shim);
struct tree shim_tree(const struct shim *shim);

/* shim_end.c */
void shim_reap(struct shim *shim);
void shim_reap_strays(struct shim *shim);
void shim_leader_ended(struct shim *shim);
void shim_try_finish(struct shim *shim);
void shim_tell_started(struct shim *shim);
void shim_tell_leader(struct shim *shim);
void shim_adopt(struct shim *shim);
void shim_free_slot(struct shim *shim);

/* shim_talk.c */
void shim_send(struct shim *shim, uint16_t type, uint64_t seq, const void *first, size_t first_length, const void *second, size_t second_length,
               bool keep);
void shim_refuse(struct shim *shim, uint64_t seq, uint32_t code, int error, const char *text);
void shim_receive(struct shim *shim);
void shim_trim_message(void);
void shim_send_pending(struct shim *shim);
void shim_orphan_listen(struct shim *shim);
void shim_orphan_accept(struct shim *shim);
void shim_wake_launcher(struct shim *shim);
void shim_announce_lease(struct shim *shim); /* the launcher watches leases from now on */

#endif

/* EXEC: a command started from outside inside a task's leaf; and the input of a task that the shim keeps open. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base.h"
#include "cgroup.h"
#include "shim.h"
#include "spawn.h"
#include "usage.h"

enum { REMOVALS_MAX = 40 };

#define HANG_UP_GRACE NANOS_PER_SECOND
#define CHECK_PAUSE_MAX (100 * NANOS_PER_MILLI)

/* Takes out the fd that is passed for the shim itself and not for the child. A duplicate of it, or -1. */
static int take_kept(struct request *r, int *fds) {
  for (uint32_t n = 0; n < r->fds; n++) {
    if (r->fd[n] != ORCH_FD_KEPT) continue;
    int kept = fcntl(fds[n], F_DUPFD_CLOEXEC, 3);
    for (uint32_t m = n + 1; m < r->fds; m++) {
      fds[m - 1] = fds[m];
      r->fd[m - 1] = r->fd[m];
    }
    r->fds--;
    return kept;
  }
  return -1;
}

static int passed_for(const struct request *r, const int *fds, uint32_t target) {
  for (uint32_t n = 0; n < r->fds; n++)
    if (r->fd[n] == target) return fds[n];
  return -1;
}

static void close_one(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

/* ---- commands ---- */

static void remove_command_leaf(struct shim *shim) {
  if (shim->leaf < 0) return;
  int error = leaf_remove(shim->cgroup, shim->slot->leaf);
  /* What stays goes with the task's own leaf. */
  if (error != 0 && error != EBUSY) complain("shim %u: cannot remove the leaf %s of a command: %e", shim->number, shim->slot->leaf, error);
}

static void free_command(struct shim *shim) {
  close_one(&shim->hangup);
  shim->command = (struct orch_uid){0};
  shim->removals = 0;
  shim->check_pause = 0;
  shim_free_slot(shim);
}

static void fail(struct shim *shim, uint32_t stage, int error, uint32_t index) {
  struct orch_start_failed failed = {.uid = shim->command,
                                     .slot = shim->number,
                                     .stage = stage,
                                     .error = (uint32_t)error,
                                     .index = index,
                                     .boottime = boottime_now(),
                                     .realtime = realtime_now()};
  remove_command_leaf(shim);
  shim_send(shim, ORCH_EXEC_FAILED, shim->slot->start_seq, &failed, sizeof failed, NULL, 0, true);
  free_command(shim);
}

/* A cgroup of its own inside the task's: the task's limits hold, and the kernel tells what belongs to the command. */
static int make_command_leaf(struct shim *shim, const struct request *r) {
  struct orch_slot *slot = shim->slot;
  if (shim->cgroup < 0) return 0;
  int task = leaf_open(shim->cgroup, r->leaf);
  if (task < 0) return -task;
  char name[40];
  text_format(name, sizeof name, "x-%u-%X", shim->number, slot->start_seq);
  text_format(slot->leaf, sizeof slot->leaf, "%s/%s", r->leaf, name);
  int leaf = leaf_make(task, name);
  close(task);
  if (leaf < 0) return -leaf;
  shim->leaf = leaf;
  return 0;
}

static void begin(struct shim *shim, const struct request *r, uint64_t seq) {
  struct orch_slot *slot = shim->slot;
  shim->command = r->fixed.uid;
  slot->start_seq = seq;
  slot->uid = (struct orch_uid){0};
  slot->task_pid = slot->adopted = 0;
  slot->task_start = 0;
  slot->deadline = slot->kill_at = 0;
  slot->start_flags = slot->exit_flags = 0;
  slot->exited_boot = slot->exited_real = 0;
  slot->si_code = slot->exit_status = 0;
  slot->leaf[0] = '\0';
  memcpy(slot->name, r->name, sizeof slot->name);
  shared_store(slot->start_report, 0);
  shared_store(slot->state, ORCH_SLOT_EXEC);
}

/* The init of an attempt that another shim guards, as a pidfd; or -errno. */
static int init_of(const struct shim *shim, const struct orch_uid *uid) {
  for (uint32_t n = 0; n < shim->table->slots; n++) {
    const struct orch_slot *guard = table_slot(shim->table, n);
    uint32_t state = shared_load(guard->state);
    if (state < ORCH_SLOT_RUNNING || state > ORCH_SLOT_DRAINING || !uid_equal(&guard->uid, uid)) continue;
    if ((guard->start_flags & ORCH_S_PID_NAMESPACE) == 0) return -EINVAL;
    int pidfd = pidfd_open_process((pid_t)shared_load(guard->task_pid));
    if (pidfd < 0) return -errno;
    /* Its status is written down before it is reaped: while there is none, the pid is no other's. */
    if (uid_equal(&guard->uid, uid) && shared_load(guard->exited_boot) == 0) return pidfd;
    close(pidfd);
    break;
  }
  return -ESRCH;
}

void shim_exec(struct shim *shim, uint64_t seq, struct request *r, const int *fds) {
  struct orch_slot *slot = shim->slot;
  int own[ORCH_PASSED_FDS_MAX];
  memcpy(own, fds, r->fds * sizeof own[0]);
  int hangup = take_kept(r, own);
  int out = passed_for(r, own, 1), err = passed_for(r, own, 2);
  if (hangup < 0 || passed_for(r, own, 0) < 0 || out < 0 || err < 0) {
    close_one(&hangup);
    shim_refuse(shim, seq, ORCH_REFUSED_MALFORMED, 0, "EXEC needs fds for 0, 1, 2 and 63");
    return;
  }
  begin(shim, r, seq);
  shim->hangup = hangup;
  int error = make_command_leaf(shim, r);
  if (error != 0) {
    fail(shim, ORCH_STAGE_CGROUP, error, 0);
    return;
  }
  int inside = 0;
  if ((r->fixed.flags & ORCH_S_PID_NAMESPACE) != 0) {
    inside = init_of(shim, &shim->command);
    if (inside < 0) {
      fail(shim, ORCH_STAGE_PID_NAMESPACE, -inside, 0);
      return;
    }
    r->fixed.flags &= ~ORCH_S_PID_NAMESPACE; /* the attempt's, none of its own */
  }
  slot->started_real = realtime_now();
  slot->started_boot = boottime_now();
  struct spawn s = {.request = r,
                    .argv = r->argv,
                    .inside = inside,
                    .join = (shim->capabilities & ORCH_CAP_JOIN) != 0,
                    .leaf = shim->leaf, .out = out, .err = err, .passed = own, .report = &slot->start_report, .pid = &slot->task_pid};
  error = spawn(&s, &shim->pidfd);
  if (inside > 0) close(inside);
  if (error != 0) {
    shim->pidfd = -1;
    fail(shim, inside > 0 ? ORCH_STAGE_PID_NAMESPACE : ORCH_STAGE_CLONE, error, 0);
    return;
  }
  uint64_t report = shared_load(slot->start_report);
  if (!report_executed(report)) {
    shim_reap_failed_child(shim);
    if (report == 0) fail(shim, ORCH_STAGE_KILLED, 0, (uint32_t)slot->exit_status);
    else fail(shim, report_stage(report), (int)report_error(report), report_index(report));
    return;
  }
  slot->task_start = process_start((pid_t)slot->task_pid);
  struct orch_exec_started started = {.uid = shim->command, .slot = shim->number, .pid = slot->task_pid, .pid_start = slot->task_start};
  shim_send(shim, ORCH_EXEC_STARTED, seq, &started, sizeof started, NULL, 0, false);
  shim_trim_memory();
}

static void kill_rest(struct shim *shim, uint64_t now) {
  struct tree tree = shim_tree(shim);
  int error = tree_kill(&tree);
  if (error != 0) complain("shim %u: cannot kill the command in %s: %e", shim->number, shim->slot->leaf, error);
  shim->rekill_at = now + 100 * NANOS_PER_MILLI;
}

static bool all_gone(struct shim *shim) {
  if (shim->leaf >= 0) {
    int error = leaf_remove(shim->cgroup, shim->slot->leaf);
    if (error == 0) return true;
    if (error == EBUSY && leaf_populated(shim->leaf) == 1) return false;
    return ++shim->removals >= REMOVALS_MAX; /* empty; it goes with the task's own leaf */
  }
  siginfo_t info;
  info.si_pid = 0;
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

/* After the leader's end: what it left is killed, then the end is told. */
void shim_exec_check(struct shim *shim) {
  struct orch_slot *slot = shim->slot;
  uint64_t now = boottime_now();
  shim->check_at = 0;
  if (shared_load(slot->exited_boot) == 0) return;
  if (!all_gone(shim)) {
    if (now >= shim->rekill_at) kill_rest(shim, now);
    shim->check_pause = shim->check_pause == 0 ? NANOS_PER_MILLI : shim->check_pause * 2;
    if (shim->check_pause > CHECK_PAUSE_MAX) shim->check_pause = CHECK_PAUSE_MAX;
    shim->check_at = now + shim->check_pause;
    return;
  }
  struct orch_exec_exited exited = {.uid = shim->command,
                                    .slot = shim->number,
                                    .pid = slot->task_pid,
                                    .si_code = slot->si_code,
                                    .exit_status = slot->exit_status,
                                    .user_us = slot->usage[0],
                                    .system_us = slot->usage[1]};
  shim_send(shim, ORCH_EXEC_EXITED, slot->start_seq, &exited, sizeof exited, NULL, 0, true);
  free_command(shim);
}

/* Nobody is left who wants the command: it is told so as a terminal's shell is, then killed. */
void shim_exec_hung_up(struct shim *shim) {
  struct tree tree = shim_tree(shim);
  uint32_t count;
  close_one(&shim->hangup);
  if (shared_load(shim->slot->exited_boot) != 0) return;
  int error = tree_signal(&tree, SIGHUP, &count);
  if (error == 0) error = tree_signal(&tree, SIGCONT, &count);
  if (error != 0 && error != ESRCH) complain("shim %u: cannot signal the command in %s: %e", shim->number, shim->slot->leaf, error);
  shim->slot->kill_at = boottime_now() + HANG_UP_GRACE;
}

void shim_exec_timers(struct shim *shim, uint64_t now) {
  if (shim->slot->kill_at != 0 && now >= shim->slot->kill_at) {
    kill_rest(shim, now);
    shim->slot->kill_at = now + 100 * NANOS_PER_MILLI; /* until it is gone */
  }
  if (shim->check_at != 0 && now >= shim->check_at) shim_exec_check(shim);
}

static void done(struct shim *shim, uint64_t seq, const struct orch_uid *uid, int error, uint32_t count) {
  struct orch_done answer = {.uid = *uid, .error = (uint32_t)error, .count = count};
  shim_send(shim, ORCH_DONE, seq, &answer, sizeof answer, NULL, 0, false);
}

static void signal_command(struct shim *shim, uint64_t seq, const struct orch_signal *signal) {
  uint32_t count = 0;
  int error;
  if (shim->slot->state != ORCH_SLOT_EXEC || !uid_equal(&signal->uid, &shim->command)) {
    shim_refuse(shim, seq, ORCH_REFUSED_UID, ESRCH, "the shim runs no command in this attempt");
    return;
  }
  if (signal->signal < 1 || signal->signal > 64 || signal->mode < ORCH_MODE_GROUP || signal->mode > ORCH_MODE_PROCESS) {
    error = EINVAL;
  } else if (signal->mode == ORCH_MODE_GROUP) {
    struct tree tree = shim_tree(shim);
    error = tree_signal(&tree, (int)signal->signal, &count);
  } else if (shim->pidfd < 0 || shared_load(shim->slot->exited_boot) != 0) {
    error = ESRCH;
  } else {
    error = pidfd_signal(shim->pidfd, (int)signal->signal);
    if (error == 0) count = 1;
  }
  done(shim, seq, &signal->uid, error, count);
}

/* For the launcher, whose child the command of a dead shim has become, and for the shim's replacement. */
void exec_kill_left(int cgroup, const struct orch_slot *slot) {
  if (slot->task_pid == 0) return;
  int leaf = cgroup >= 0 && slot->leaf[0] != '\0' ? leaf_open(cgroup, slot->leaf) : -1;
  struct tree tree = {.leaf = leaf >= 0 ? leaf : -1, .name = slot->leaf, .leader = (pid_t)slot->task_pid};
  tree.leader_gone = shared_load(slot->exited_boot) != 0;
  if (leaf < 0 && cgroup >= 0) return; /* its leaf is gone, so is all that was in it */
  int error = tree_kill(&tree);
  if (error != 0) complain("cannot kill the command that a dead shim left in %s: %e", slot->leaf, error);
  if (leaf >= 0) close(leaf);
}

/* ---- input that is kept ---- */

/* As the task's START says; 0 or an errno. */
int shim_keep_input(struct shim *shim, struct request *r, int *fds) {
  shim->input = take_kept(r, fds);
  if (shim->input < 0) return EBADF;
  if ((r->fixed.flags & ORCH_S_TERMINAL) == 0) return 0;
  int slave = passed_for(r, fds, 0);
  if (slave < 0) return EBADF;
  shim->slave = fcntl(slave, F_DUPFD_CLOEXEC, 3); /* or the terminal would hang up whenever the task has it not open */
  if (shim->slave < 0) return errno;
  int flags = fcntl(shim->input, F_GETFL);
  if (flags < 0 || fcntl(shim->input, F_SETFL, flags | O_NONBLOCK) != 0) return errno;
  shim->output.terminal = shim->input;
  return 0;
}

void shim_end_input(struct shim *shim) {
  shim->output.terminal = -1;
  close_one(&shim->input);
  close_one(&shim->slave);
}

static void give_input(struct shim *shim, uint64_t seq, const struct orch_uid *uid) {
  _Alignas(8) char control[CMSG_SPACE(sizeof(int))];
  struct orch_header header = {.magic = ORCH_MAGIC,
                               .version = ORCH_VERSION,
                               .type = ORCH_INPUT,
                               .length = sizeof header + sizeof *uid,
                               .seq = seq,
                               .slot = shim->number};
  struct iovec parts[2] = {{&header, sizeof header}, {(void *)uid, sizeof *uid}};
  struct msghdr head = {.msg_iov = parts, .msg_iovlen = 2};
  if (shim->input >= 0) {
    memset(control, 0, sizeof control);
    head.msg_control = control;
    head.msg_controllen = sizeof control;
    struct cmsghdr *c = CMSG_FIRSTHDR(&head);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &shim->input, sizeof(int));
  }
  if (shim->socket >= 0 && sendmsg(shim->socket, &head, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
    complain("shim %u: cannot hand out an input: %e", shim->number, errno); /* the agent's patience ends */
}

/* ---- requests ---- */

void shim_exec_request(struct shim *shim, const struct orch_header *header, const char *body, size_t length) {
  struct orch_slot *slot = shim->slot;
  uint64_t seq = header->seq;
  size_t wanted = header->type == ORCH_EXEC_SIGNAL ? sizeof(struct orch_signal) : sizeof(struct orch_uid);
  if (length != wanted) {
    shim_refuse(shim, seq, ORCH_REFUSED_MALFORMED, 0, "the body of a request has a wrong length");
    return;
  }
  if (seq <= slot->last_seq) {
    shim_refuse(shim, seq, ORCH_REFUSED_STALE, 0, "this request was taken before");
    return;
  }
  shared_store(slot->last_seq, seq);
  if (header->type == ORCH_EXEC_SIGNAL) {
    struct orch_signal signal;
    memcpy(&signal, body, sizeof signal);
    signal_command(shim, seq, &signal);
    return;
  }
  struct orch_uid uid;
  memcpy(&uid, body, sizeof uid);
  if (uid_is_zero(&slot->uid) || !uid_equal(&uid, &slot->uid)) {
    shim_refuse(shim, seq, ORCH_REFUSED_UID, ESRCH, "the shim does not guard this attempt");
    return;
  }
  if (header->type == ORCH_INPUT_GET) {
    give_input(shim, seq, &uid);
    return;
  }
  if (shim->output.terminal < 0) close_one(&shim->input); /* a terminal has an end of file by its line discipline */
  done(shim, seq, &uid, 0, 0);
}

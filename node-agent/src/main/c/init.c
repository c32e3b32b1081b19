/*
 * A fork of the shim, not an exec: it has the request at hand and costs a few pages. It stays root, so that the task cannot signal it, and
 * keeps no file open. Its namespace ends with it: the kernel kills all that is left in there.
 */
#define _GNU_SOURCE
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base.h"
#include "table.h"

enum { MOUNTS = 1, PROC = 2 };

static _Noreturn void give_up(const struct spawn *s, uint32_t stage, uint32_t index, int error) {
  shared_store(*s->report, (uint64_t)stage << 48 | (uint64_t)index << 32 | (uint32_t)error);
  _exit(127);
}

/* A /proc of its own, which shows the processes of this namespace; the mounts of the host still arrive here. */
static void set_mounts(const struct spawn *s) {
  if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0) give_up(s, ORCH_STAGE_PID_NAMESPACE, MOUNTS, errno);
  if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0) give_up(s, ORCH_STAGE_PID_NAMESPACE, PROC, errno);
}

static _Noreturn void end_with(const struct spawn *s, const siginfo_t *leader) {
  uint64_t end = SPAWN_AT_EXEC | SPAWN_ENDED | (uint64_t)(uint8_t)leader->si_code << 8 | (uint64_t)(uint8_t)leader->si_status;
  /* The exit code below cannot tell a signal from a code; this can, whoever waits for us. */
  shared_store(*s->report, end);
  _exit(leader->si_code == CLD_EXITED ? leader->si_status : 128 + leader->si_status);
}

/* The child has told why, unless it was killed. */
static _Noreturn void not_executed(const struct spawn *s, pid_t leader) {
  siginfo_t info;
  while (waitid(P_PID, (id_t)leader, &info, WEXITED) != 0 && errno == EINTR) continue;
  if (shared_load(*s->report) == 0) give_up(s, ORCH_STAGE_KILLED, (uint32_t)info.si_status, 0);
  _exit(127);
}

static void reap(const struct spawn *s, pid_t leader) {
  for (;;) {
    siginfo_t info;
    info.si_pid = 0;
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return;
    if (info.si_pid == leader) end_with(s, &info);
  }
}

static _Noreturn void run(const struct spawn *s) {
  sigset_t all;
  sigfillset(&all);
  (void)!prctl(PR_SET_NAME, "orch-init");
  spawn_join(s);
  set_mounts(s);
  long leader = spawn_child(s, CLONE_VM | CLONE_VFORK, NULL);
  if (leader < 0) give_up(s, ORCH_STAGE_CLONE, 0, (int)-leader);
  if (shared_load(*s->report) != SPAWN_AT_EXEC) not_executed(s, (pid_t)leader);
  /* The task has its own copies. The shim waits for the end of one of these. */
  (void)!syscall(SYS_close_range, 0, ~0u, 0);
  if (sigprocmask(SIG_SETMASK, &all, NULL) != 0) _exit(127);
  reap(s, (pid_t)leader);
  for (;;) {
    siginfo_t info;
    int signal = sigwaitinfo(&all, &info);
    if (signal == SIGCHLD) reap(s, (pid_t)leader);
    else if (signal > 0) (void)!kill((pid_t)leader, signal);
  }
}

int init_spawn(const struct spawn *s, int *pidfd) {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) return errno;
  long pid = spawn_child(s, CLONE_NEWPID | CLONE_NEWNS | CLONE_PIDFD, pidfd);
  if (pid == 0) run(s);
  close(ready[1]);
  if (pid > 0) {
    char none;
    while (read(ready[0], &none, 1) < 0 && errno == EINTR) continue; /* ends once the leader is at its execve, or all are gone */
  }
  close(ready[0]);
  return pid < 0 ? (int)-pid : 0;
}

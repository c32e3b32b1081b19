#define _GNU_SOURCE
#include "pre_stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base.h"
#include "cgroup.h"
#include "spawn.h"

static const char own_cgroup[] = "pre-stop";

static void file_name(const struct shim *shim, char name[24]) { text_format(name, 24, "%u.request", shim->number); }

int pre_stop_keep(const struct shim *shim, const char *body, size_t length) {
  char name[24];
  file_name(shim, name);
  int fd = openat(shim->generation, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  int error = 0;
  while (length > 0 && error == 0) {
    ssize_t n = write(fd, body, length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      error = errno;
    } else {
      body += n;
      length -= (size_t)n;
    }
  }
  if (close(fd) != 0 && error == 0) error = errno;
  return error;
}

void pre_stop_forget(const struct shim *shim) {
  char name[24];
  file_name(shim, name);
  if (unlinkat(shim->generation, name, 0) != 0 && errno != ENOENT) complain("shim %u: cannot remove %s: %e", shim->number, name, errno);
}

static int start(struct shim *shim) {
  static uint64_t report; /* of the child's copy: it ends with 127 */
  char name[24];
  file_name(shim, name);
  int fd = openat(shim->generation, name, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  struct request *r = shim_read_request(fd);
  close(fd);
  if (r == NULL) return EIO;
  /* Beside the task: outside its PID namespace, with none of its files and nothing to read. */
  r->fixed.flags &= ~(ORCH_S_PID_NAMESPACE | ORCH_S_CTTY | ORCH_S_LISTEN_PID | ORCH_S_TRUNCATE);
  r->fds = 0;
  r->in = NULL;
  int cgroup = -1;
  if (shim->leaf >= 0) {
    cgroup = leaf_make(shim->leaf, own_cgroup);
    if (cgroup < 0) return -cgroup;
  }
  struct spawn s = {.request = r,
                    .argv = r->pre_stop,
                    .leaf = cgroup,
                    .join = (shim->capabilities & ORCH_CAP_JOIN) != 0,
                    .out = shim->fifo[0],
                    .err = shim->fifo[1],
                    .report = &report,
                    .pid = &shim->pre_stop_pid};
  int error = spawn_beside(&s, &shim->pre_stop);
  if (error != 0) shim->pre_stop = -1;
  if (cgroup >= 0) close(cgroup);
  shim_trim_memory();
  return error;
}

bool pre_stop_begin(struct shim *shim, uint32_t cause) {
  struct orch_slot *slot = shim->slot;
  if ((slot->start_flags & ORCH_S_PRE_STOP) == 0 || slot->state != ORCH_SLOT_STOPPING || boottime_now() >= slot->kill_at) return false;
  slot->exit_flags |= ORCH_E_PRE_STOP;
  /* Nothing can be asked of a frozen task, and what is started in a frozen cgroup stands still. */
  if (shim->leaf >= 0) (void)!leaf_freeze(shim->leaf, false);
  int error = start(shim);
  if (error == 0) {
    shim->stop_cause = cause;
    return true;
  }
  slot->exit_flags |= ORCH_E_PRE_STOP_FAILED;
  complain("shim %u: cannot run the pre-stop command of %s: %e", shim->number, slot->name, error);
  return false;
}

static void end_cgroup(const struct shim *shim) {
  if (shim->leaf < 0 || unlinkat(shim->leaf, own_cgroup, AT_REMOVEDIR) == 0) return;
  int left = leaf_open(shim->leaf, own_cgroup);
  if (left < 0) return;
  /* It left something behind; its cgroup goes with the leaf. */
  int error = leaf_kill(left);
  if (error != 0) complain("shim %u: cannot kill what a pre-stop command left: %e", shim->number, error);
  close(left);
}

void pre_stop_look(struct shim *shim) {
  siginfo_t info;
  info.si_pid = 0;
  int waited = waitid(P_PIDFD, (id_t)shim->pre_stop, &info, WEXITED | WNOHANG);
  if (waited == 0 && info.si_pid == 0) return;
  if (waited != 0 || info.si_code != CLD_EXITED || info.si_status != 0) shim->slot->exit_flags |= ORCH_E_PRE_STOP_FAILED;
  close(shim->pre_stop);
  shim->pre_stop = -1;
  end_cgroup(shim);
  if (shim->killed) return;
  shim_send_stop(shim, shim->stop_cause);
  if (shim->slot->state == ORCH_SLOT_DRAINING) shim_try_finish(shim);
}

void pre_stop_kill(struct shim *shim) {
  if (shim->pre_stop < 0) return;
  shim->slot->exit_flags |= ORCH_E_PRE_STOP_FAILED;
  int error = pidfd_signal(shim->pre_stop, SIGKILL);
  if (error != 0 && error != ESRCH) complain("shim %u: cannot kill a pre-stop command: %e", shim->number, error);
}

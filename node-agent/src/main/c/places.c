/* Making shims, noticing their deaths, and being the adoptive parent of what they leave. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base.h"
#include "cgroup.h"
#include "launcher.h"
#include "shim.h"
#include "spawn.h"
#include "usage.h"

/* What a shim may be late with a kill before the launcher does it. */
#define LEASE_SLACK NANOS_PER_SECOND

int places_init(struct launcher *launcher) {
  size_t size = launcher->options.max_shims * sizeof *launcher->places;
  launcher->places = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (launcher->places == MAP_FAILED) return errno;
  return madvise(launcher->places, size, MADV_DONTFORK) == 0 ? 0 : errno;
}

static int make_fifo(const struct launcher *launcher, uint32_t slot, const char *suffix, int *fd) {
  char name[24];
  text_format(name, sizeof name, "%u.%s", slot, suffix);
  if (mkfifoat(launcher->generation, name, 0600) != 0 && errno != EEXIST) return errno;
  /* Held for life, so that what a dead shim had not read is kept. */
  *fd = openat(launcher->generation, name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  return *fd >= 0 ? 0 : errno;
}

static void drop_place(struct place *place) {
  int *fds[] = {&place->agent_end, &place->shim_end, &place->fifo[0], &place->fifo[1]};
  for (size_t n = 0; n < sizeof fds / sizeof fds[0]; n++) {
    if (*fds[n] >= 0) close(*fds[n]);
    *fds[n] = -1;
  }
}

static int make_place(struct launcher *launcher, uint32_t slot) {
  struct place *place = &launcher->places[slot];
  int pair[2];
  place->agent_end = place->shim_end = place->fifo[0] = place->fifo[1] = -1;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return errno;
  place->agent_end = pair[0];
  place->shim_end = pair[1];
  int error = make_fifo(launcher, slot, "out", &place->fifo[0]);
  if (error == 0) error = make_fifo(launcher, slot, "err", &place->fifo[1]);
  if (error != 0) drop_place(place);
  else place->made = true;
  return error;
}

static int fork_shim(struct launcher *launcher, uint32_t slot) {
  struct place *place = &launcher->places[slot];
  /* All that the child may look at: the launcher's own memory is not there for it. */
  struct shim_setup setup = {.files = launcher->files,
                             .table = launcher->table,
                             .slot = slot,
                             .socket = place->shim_end,
                             .life = launcher->life[0],
                             .wake = launcher->wake,
                             .generation = launcher->generation,
                             .journal = launcher->journal,
                             .segments = launcher->segments,
                             .cgroup = launcher->cgroup};
  struct clone_args arguments = {.exit_signal = SIGCHLD};
  bool join = (launcher->capabilities & ORCH_CAP_JOIN) != 0;
  int ctl = launcher->ctl;
  if (ctl >= 0 && !join) {
    arguments.flags = CLONE_INTO_CGROUP;
    arguments.cgroup = (uint64_t)ctl;
  }
  long pid = clone3_call(&arguments, NULL, NULL);
  if (pid < 0) return (int)-pid;
  if (pid == 0) {
    int error = join && ctl >= 0 ? write_file(ctl, "cgroup.procs", "0", 1) : 0;
    if (error != 0) complain("shim %u: cannot move to its cgroup: %e", slot, error);
    if (setrlimit(RLIMIT_NOFILE, &setup.files) != 0) complain("shim %u: cannot set back RLIMIT_NOFILE: %e", slot, errno);
    shim_run(&setup);
  }
  struct orch_slot *entry = table_slot(launcher->table, slot);
  place->pid = (pid_t)pid;
  place->born = boottime_now();
  place->retry_at = 0;
  entry->shim_pid = (uint32_t)pid;
  entry->shim_start = process_start((pid_t)pid);
  return 0;
}

uint32_t places_grow(struct launcher *launcher, uint32_t count, int *error) {
  uint32_t added = 0;
  *error = 0;
  while (added < count && *error == 0) {
    if (launcher->shims == launcher->options.max_shims) {
      *error = ENOSPC;
      break;
    }
    uint32_t slot = launcher->shims;
    *error = make_place(launcher, slot);
    if (*error != 0) break;
    *error = fork_shim(launcher, slot);
    if (*error != 0) {
      drop_place(&launcher->places[slot]);
      break;
    }
    launcher->places[slot].tell_shim = true;
    launcher->shims++;
    launcher->keeper.used = launcher->shims;
    added++;
  }
  return added;
}

/* ---- deaths ---- */

static void replace(struct launcher *launcher, uint32_t slot) {
  struct place *place = &launcher->places[slot];
  uint64_t now = boottime_now();
  int error = now - place->born < NANOS_PER_SECOND ? EAGAIN : fork_shim(launcher, slot);
  if (error != 0) {
    /* One that dies at once would be forked in a circle. */
    if (error != EAGAIN) complain("cannot fork a shim for slot %u, trying again: %e", slot, error);
    place->retry_at = now + NANOS_PER_SECOND / 50;
    place->born = 0;
  }
  place->dead.new_pid = (uint32_t)place->pid;
}

static void shim_died(struct launcher *launcher, uint32_t slot, const siginfo_t *info) {
  struct place *place = &launcher->places[slot];
  struct orch_slot *entry = table_slot(launcher->table, slot);
  uint32_t state = shared_load(entry->state);
  bool busy = state >= ORCH_SLOT_CLAIMED && state <= ORCH_SLOT_DRAINING;
  shared_store(entry->appending, 0); /* what it was writing is a hole now */
  place->dead = (struct orch_shim_dead){.slot = slot, .pid = (uint32_t)place->pid, .state = state, .last_seq = entry->last_seq};
  if (busy) {
    place->dead.uid = entry->uid;
    entry->adopted = 1;
  }
  place->pid = 0;
  if (state == ORCH_SLOT_EXEC) exec_kill_left(launcher->cgroup, entry); /* whoever wanted it has lost it */
  if (state == ORCH_SLOT_RETIRED) return;
  complain("shim %u (pid %u) died, %s %u%s", slot, place->dead.pid, info->si_code == CLD_EXITED ? "exit code" : "signal",
           (uint32_t)info->si_status, busy ? "; its task lives on" : "");
  if (!busy && launcher->table->retiring != 0) return;
  replace(launcher, slot);
  place->tell_dead = true;
}

static uint32_t find_shim(const struct launcher *launcher, pid_t pid) {
  for (uint32_t n = 0; n < launcher->shims; n++)
    if (launcher->places[n].pid == pid) return n;
  return ORCH_NO_SLOT;
}

/* A dead shim's leader is ours now. No other process can have its pid, since nobody has waited for it. */
static uint32_t find_task(const struct launcher *launcher, pid_t pid) {
  for (uint32_t n = 0; n < launcher->shims; n++) {
    const struct orch_slot *entry = table_slot(launcher->table, n);
    uint32_t state = shared_load(entry->state);
    if ((state < ORCH_SLOT_CLAIMED || state > ORCH_SLOT_DRAINING) && state != ORCH_SLOT_EXEC) continue;
    if (shared_load(entry->task_pid) == (uint32_t)pid && shared_load(entry->exited_boot) == 0) return n;
  }
  return ORCH_NO_SLOT;
}

void places_reap(struct launcher *launcher) {
  for (;;) {
    siginfo_t info;
    struct rusage usage;
    info.si_pid = 0;
    /* Look first, write the status down, then reap: see shim_leader_ended. */
    if (syscall(SYS_waitid, P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT, &usage) != 0 || info.si_pid == 0) return;
    pid_t pid = info.si_pid;
    uint32_t shim = find_shim(launcher, pid);
    uint32_t task = shim == ORCH_NO_SLOT ? find_task(launcher, pid) : ORCH_NO_SLOT;
    if (task != ORCH_NO_SLOT) {
      usage_store(table_slot(launcher->table, task), info.si_code, info.si_status, &usage);
      pid_t guard = launcher->places[task].pid;
      if (guard != 0 && kill(guard, SIGUSR1) != 0) complain("cannot wake shim %u: %e", task, errno);
    }
    siginfo_t reaped;
    if (waitid(P_PID, (id_t)pid, &reaped, WEXITED | WNOHANG) != 0) return;
    if (shim != ORCH_NO_SLOT) shim_died(launcher, shim, &info);
  }
}

uint64_t places_next_retry(const struct launcher *launcher) {
  uint64_t next = UINT64_MAX;
  for (uint32_t n = 0; n < launcher->shims; n++) {
    uint64_t at = launcher->places[n].retry_at;
    if (at != 0 && at < next) next = at;
  }
  return next;
}

void places_retry(struct launcher *launcher, uint64_t now) {
  for (uint32_t n = 0; n < launcher->shims; n++) {
    struct place *place = &launcher->places[n];
    if (place->retry_at == 0 || now < place->retry_at) continue;
    replace(launcher, n);
    place->tell_dead = true;
  }
}

/* ---- leases ---- */

/* What the shim should have done: it hangs (in a write to a dead disk, or stopped), or it is dead and could not be replaced. */
static void end_lease(struct launcher *launcher, uint32_t slot, uint64_t now) {
  struct orch_slot *entry = table_slot(launcher->table, slot);
  pid_t shim = launcher->places[slot].pid;
  bool cgroup = launcher->cgroup >= 0 && entry->leaf[0] != '\0';
  int leaf = cgroup ? leaf_open(launcher->cgroup, entry->leaf) : -1;
  if (leaf >= 0) {
    uint64_t flags = __atomic_fetch_or(&entry->exit_flags, ORCH_E_LEASE | ORCH_E_GRACE_OVER, __ATOMIC_SEQ_CST);
    int error = leaf_kill(leaf);
    if (error != 0) complain("cannot kill %s: %e", entry->leaf, error);
    if ((flags & ORCH_E_GRACE_OVER) == 0) complain("shim %u did not end %s with its lease: killed it", slot, entry->name);
    close(leaf);
    return;
  }
  /* Without a cgroup only another shim finds the whole tree. A new one is given time; one that has only a record to write is left alone. */
  bool hangs = shim != 0 && shared_load(entry->exited_boot) == 0 && now - launcher->places[slot].born >= 5 * LEASE_SLACK;
  if (cgroup || !hangs) return;
  complain("shim %u did not end %s with its lease: replacing the shim", slot, entry->name);
  if (kill(shim, SIGKILL) != 0) complain("cannot replace shim %u: %e", slot, errno);
}

/* Kills what outlives its lease and its grace by LEASE_SLACK; true: there are leases to look at again. */
bool places_watch_leases(struct launcher *launcher, uint64_t now) {
  bool any = false;
  for (uint32_t n = 0; n < launcher->shims; n++) {
    const struct orch_slot *entry = table_slot(launcher->table, n);
    uint32_t state = shared_load(entry->state);
    if (state < ORCH_SLOT_CLAIMED || state > ORCH_SLOT_DRAINING) continue;
    uint64_t deadline = shared_load(entry->deadline);
    if ((shared_load(entry->start_flags) & ORCH_S_LEASE) == 0 || deadline == 0) continue;
    any = true;
    uint64_t grace = entry->grace < UINT64_MAX / 4 ? entry->grace : UINT64_MAX / 4;
    if (deadline < UINT64_MAX / 4 && now >= deadline + grace + LEASE_SLACK) end_lease(launcher, n, now);
  }
  return any;
}

void places_retire(struct launcher *launcher) {
  shared_store(launcher->table->retiring, 1);
  for (uint32_t n = 0; n < launcher->shims; n++)
    if (launcher->places[n].pid != 0 && kill(launcher->places[n].pid, SIGUSR1) != 0) complain("cannot wake shim %u: %e", n, errno);
}

bool places_empty(const struct launcher *launcher) {
  for (uint32_t n = 0; n < launcher->shims; n++)
    if (launcher->places[n].pid != 0 || launcher->places[n].retry_at != 0) return false;
  return true;
}

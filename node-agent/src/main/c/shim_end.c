/* The end of an attempt: status, counters, descendants, output, EXIT record. And what a replacement takes over. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base.h"
#include "cgroup.h"
#include "pre_stop.h"
#include "shim.h"
#include "spawn.h"
#include "usage.h"

enum { REMOVALS_MAX = 40, CAUSE_DESCENDANTS = 3 };

#define LEADER_TOLD_AFTER (50 * NANOS_PER_MILLI)
#define CHECK_PAUSE_MAX (100 * NANOS_PER_MILLI)

/* ---- telling ---- */

void shim_tell_started(struct shim *shim) {
  struct orch_slot *slot = shim->slot;
  shim->tell_at = 0;
  if (shim->told) return;
  shim->told = true;
  if (slot->task_start == 0) slot->task_start = process_start((pid_t)slot->task_pid);
  struct orch_started started = {.uid = slot->uid,
                                 .slot = shim->number,
                                 .pid = slot->task_pid,
                                 .pid_start = slot->task_start,
                                 .boottime = slot->started_boot,
                                 .realtime = slot->started_real};
  struct orch_event event = {0};
  /* Without room the CLAIM has to do: the EXIT record says it all again. */
  if (journal_append(&shim->journal, ORCH_J_STARTED, JOURNAL_END, &started, sizeof started, NULL, 0, &event.position) != 0) event.position = 0;
  shim_send(shim, ORCH_STARTED, slot->start_seq, &event, sizeof event, &started, sizeof started, false);
  shim_trim_memory();
  shim_trim_message();
}

static void fill_exit(struct shim *shim) {
  const struct orch_slot *slot = shim->slot;
  struct orch_exit *e = &shim->exit;
  e->uid = slot->uid;
  e->slot = shim->number;
  e->pid = slot->task_pid;
  e->pid_start = slot->task_start;
  e->started_boot = slot->started_boot;
  e->started_real = slot->started_real;
  e->exited_boot = slot->exited_boot;
  e->exited_real = slot->exited_real;
  e->ended_boot = 0;
  e->si_code = slot->si_code;
  e->exit_status = slot->exit_status;
  memcpy(&e->user_us, slot->usage, sizeof slot->usage);
  e->flags |= slot->exit_flags;
  if (slot->adopted != 0) e->flags |= ORCH_E_ADOPTED;
  e->out_bytes = slot->out_bytes;
  e->err_bytes = slot->err_bytes;
  e->lost_bytes = slot->lost_bytes;
  e->lost_lines = slot->lost_lines;
  e->log_segments = slot->log_segments;
  e->log_error = slot->log_error;
  e->log_end = slot->log_offset;
  bool signalled = (e->flags & (ORCH_E_STOPPED | ORCH_E_DEADLINE | ORCH_E_LEASE | ORCH_E_KILLED_REST)) != 0;
  e->stop_signal = shim->killed ? SIGKILL : signalled ? slot->stop_signal : 0;
}

void shim_tell_leader(struct shim *shim) {
  struct orch_event event = {0};
  shim->leader_tell_at = 0;
  shim_tell_started(shim);
  fill_exit(shim);
  if (journal_append(&shim->journal, ORCH_J_LEADER, JOURNAL_END, &shim->exit, sizeof shim->exit, NULL, 0, &event.position) != 0) event.position = 0;
  shim_wake_launcher(shim);
  shim_send(shim, ORCH_LEADER_EXITED, shim->slot->start_seq, &event, sizeof event, &shim->exit, sizeof shim->exit, false);
}

/* ---- the leader's end ---- */

void shim_leader_ended(struct shim *shim) {
  struct orch_slot *slot = shim->slot;
  siginfo_t info;
  struct rusage usage;
  info.si_pid = 0;
  /* First only a look: the status is in the table before the process is gone, so the shim's death in between loses nothing. */
  if (syscall(SYS_waitid, P_PIDFD, shim->pidfd, &info, WEXITED | WNOHANG | WNOWAIT, &usage) != 0 || info.si_pid == 0) return;
  usage_store(slot, info.si_code, info.si_status, &usage);
  while (waitid(P_PIDFD, (id_t)shim->pidfd, &info, WEXITED) != 0 && errno == EINTR) continue;
  if (slot->state == ORCH_SLOT_EXEC) {
    shim_exec_check(shim);
    return;
  }
  shared_store(slot->state, ORCH_SLOT_DRAINING);
  shim_try_finish(shim);
}

/* Without a cgroup the shim is a subreaper: every descendant becomes its child before it ends. */
void shim_reap_strays(struct shim *shim) {
  for (;;) {
    siginfo_t info;
    info.si_pid = 0;
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    bool leader = (uint32_t)info.si_pid == shim->slot->task_pid && shared_load(shim->slot->exited_boot) == 0;
    if (leader) shim_leader_ended(shim);
    else if (shim->pre_stop >= 0 && (uint32_t)info.si_pid == shim->pre_stop_pid) pre_stop_look(shim);
    else if (waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG) != 0) return;
  }
}

/* ---- counters ---- */

static void read_memory(struct shim *shim) {
  struct orch_exit *e = &shim->exit;
  char text[512];
  if (read_file(shim->leaf, "memory.events", text, sizeof text) > 0) {
    bool all = flat_value(text, "oom", &e->oom) && flat_value(text, "oom_kill", &e->oom_kill) && flat_value(text, "max", &e->memory_max) &&
               flat_value(text, "high", &e->memory_high);
    if (!flat_value(text, "oom_group_kill", &e->oom_group_kill)) e->oom_group_kill = 0; /* since Linux 5.17 */
    if (all) e->flags |= ORCH_E_MEMORY;
  }
  if (read_file(shim->leaf, "memory.events.local", text, sizeof text) > 0 && flat_value(text, "oom_kill", &e->oom_kill_local))
    e->flags |= ORCH_E_LOCAL;
  const char *at = text;
  if (read_file(shim->leaf, "memory.peak", text, sizeof text) > 0 && parse_number(&at, &e->memory_peak)) e->flags |= ORCH_E_PEAK;
}

static void read_cpu(struct shim *shim) {
  struct orch_exit *e = &shim->exit;
  char text[1024];
  if (read_file(shim->leaf, "cpu.stat", text, sizeof text) <= 0) return;
  if (flat_value(text, "usage_usec", &e->cpu_usage_us) && flat_value(text, "user_usec", &e->cpu_user_us) &&
      flat_value(text, "system_usec", &e->cpu_system_us))
    e->flags |= ORCH_E_CPU;
  if (!flat_value(text, "nr_throttled", &e->throttled)) e->throttled = 0;
  if (!flat_value(text, "throttled_usec", &e->throttled_us)) e->throttled_us = 0;
}

static void read_counters(struct shim *shim) {
  char text[128];
  memset(&shim->exit, 0, sizeof shim->exit);
  if (shim->leaf < 0) return;
  if ((shim->capabilities & ORCH_CAP_MEMORY) != 0) read_memory(shim);
  if ((shim->capabilities & ORCH_CAP_CPU) != 0) read_cpu(shim);
  if ((shim->capabilities & ORCH_CAP_PIDS) != 0 && read_file(shim->leaf, "pids.events", text, sizeof text) > 0 &&
      flat_value(text, "max", &shim->exit.pids_max))
    shim->exit.flags |= ORCH_E_PIDS;
}

/* ---- the end of the tree ---- */

enum emptiness { EMPTY, POPULATED, BUSY };

/* A leaf that can be removed is empty, so nothing else needs to be asked. */
static enum emptiness remove_leaf(struct shim *shim) {
  int error = leaf_remove(shim->cgroup, shim->slot->leaf);
  if (error == 0) return EMPTY;
  if (error == EBUSY && leaf_populated(shim->leaf) == 1) return POPULATED;
  shim->exit.rmdir_error = (uint32_t)error;
  return BUSY;
}

static enum emptiness look(struct shim *shim) {
  if (shim->leaf >= 0) return remove_leaf(shim);
  if (shim->slot->adopted == 0) {
    siginfo_t info;
    info.si_pid = 0;
    int none = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
    return none != 0 && errno == ECHILD ? EMPTY : POPULATED;
  }
  struct tree tree = shim_tree(shim);
  pid_t first;
  return tree_count(&tree, &first) == 0 ? EMPTY : POPULATED;
}

void shim_free_slot(struct shim *shim) {
  struct orch_slot *slot = shim->slot;
  if (shim->pidfd >= 0) close(shim->pidfd);
  if (shim->leaf >= 0) close(shim->leaf);
  if (shim->events >= 0) close(shim->events);
  if (shim->pre_stop >= 0) close(shim->pre_stop);
  shim->pidfd = shim->leaf = shim->events = shim->pre_stop = -1;
  if ((slot->start_flags & ORCH_S_PRE_STOP) != 0) pre_stop_forget(shim);
  shim_end_input(shim);
  shim->tell_at = shim->leader_tell_at = shim->drain_at = shim->check_at = shim->rekill_at = shim->stuck_at = 0;
  shim->killed = shim->finished = false;
  if (slot->deadline != 0) {
    slot->deadline = 0;
    shim_arm_deadline(shim);
  }
  slot->kill_at = slot->stop_began = 0;
  slot->adopted = 0;
  shared_store(slot->task_pid, 0);
  slot->uid = (struct orch_uid){0};
  shared_store(slot->state, ORCH_SLOT_IDLE);
}

/* Without its record the attempt has not ended: it is written again until it can be. */
static void record_exit(struct shim *shim) {
  struct orch_event event;
  int error = journal_append(&shim->journal, ORCH_J_EXIT, JOURNAL_END, &shim->exit, sizeof shim->exit, NULL, 0, &event.position);
  if (error == 0 && shim->life < 0) error = journal_sync(&shim->journal);
  if (error != 0) {
    complain("shim %u: cannot record the exit of %s, trying again: %e", shim->number, shim->slot->name, error);
    shim->check_at = boottime_now() + NANOS_PER_SECOND;
    return;
  }
  shim_wake_launcher(shim);
  /* Told before the slot is free: a shim killed in between is followed by one that tells it again. */
  shim_send(shim, ORCH_EXITED, shim->slot->start_seq, &event, sizeof event, &shim->exit, sizeof shim->exit, true);
  shim_free_slot(shim);
}

static void finish(struct shim *shim) {
  output_end(&shim->output);
  fill_exit(shim);
  shim->exit.ended_boot = boottime_now();
  shim->finished = true;
  record_exit(shim);
}

static void watch_tree(struct shim *shim) {
  if (shim->leaf < 0 || shim->events >= 0) return;
  shim->events = openat(shim->leaf, "cgroup.events", O_RDONLY | O_CLOEXEC);
  char text[64];
  /* A poll for POLLPRI tells of changes since the last read. Without it the checks by time have to do. */
  if (shim->events >= 0 && read(shim->events, text, sizeof text) < 0) complain("shim %u: cannot read cgroup.events: %e", shim->number, errno);
}

static void treat_descendants(struct shim *shim, uint64_t now) {
  struct orch_slot *slot = shim->slot;
  if (shim->pre_stop >= 0) return; /* it may end what is left, and goes on with the stop itself */
  slot->exit_flags |= ORCH_E_DESCENDANTS;
  bool stopping = slot->kill_at != 0 && slot->kill_at != UINT64_MAX;
  if (shim->killed || (stopping && slot->stop_mode == ORCH_MODE_GROUP)) return;
  bool mixed = stopping && slot->stop_mode == ORCH_MODE_MIXED;
  if (!mixed && (slot->start_flags & ORCH_S_WAIT) != 0) {
    if (slot->drain_timeout != 0 && shim->drain_at == 0) shim->drain_at = now + slot->drain_timeout;
    return;
  }
  slot->exit_flags |= ORCH_E_KILLED_REST;
  shim_kill_tree(shim, CAUSE_DESCENDANTS);
}

void shim_try_finish(struct shim *shim) {
  if (shim->finished) {
    record_exit(shim);
    return;
  }
  uint64_t now = boottime_now();
  shim->check_at = 0;
  read_counters(shim);
  enum emptiness left = look(shim);
  if (left == BUSY && ++shim->removals >= REMOVALS_MAX) {
    shim->slot->exit_flags |= ORCH_E_LEAF_LEFT;
    complain("shim %u: cannot remove the empty leaf %s: %e", shim->number, shim->slot->leaf, (int)shim->exit.rmdir_error);
    left = EMPTY;
  }
  if (left == EMPTY) {
    finish(shim);
    return;
  }
  if (shim->leader_tell_at == 0 && !shim->exit_told) {
    shim->exit_told = true;
    shim->leader_tell_at = now + LEADER_TOLD_AFTER;
  }
  watch_tree(shim);
  if (left == POPULATED) treat_descendants(shim, now);
  bool by_time = left == BUSY || shim->killed || shim->events < 0;
  if (!by_time) return;
  shim->check_pause = shim->check_pause == 0 ? NANOS_PER_MILLI : shim->check_pause * 2;
  if (shim->check_pause > CHECK_PAUSE_MAX) shim->check_pause = CHECK_PAUSE_MAX;
  shim->check_at = now + shim->check_pause;
}

/* ---- taking over from a dead shim ---- */

/* Launcher and shim are dead: init reaps the task. Only Linux 6.15 and later still tell its status. */
static bool ask_pidfd(struct shim *shim) {
  struct pidfd_status {
    uint64_t mask;
    uint64_t cgroup;
    uint32_t ids[11];
    int32_t exit_code;
  } info = {.mask = UINT64_C(1) << 3};
  static_assert(sizeof info == 64, "struct pidfd_info, first version");
  struct pollfd poll_ = {.fd = shim->pidfd, .events = POLLIN};
  struct orch_slot *slot = shim->slot;
  if (shim->pidfd >= 0 && poll(&poll_, 1, 0) == 1) {
    bool told = ioctl(shim->pidfd, _IOWR(0xFF, 11, struct pidfd_status), &info) == 0 && (info.mask & UINT64_C(1) << 3) != 0;
    if (!told && (shim->capabilities & ORCH_CAP_PIDFD_INFO) != 0 && (poll_.revents & POLLHUP) == 0) return false; /* a zombie still */
    struct rusage none;
    memset(&none, 0, sizeof none);
    int status = info.exit_code;
    if (told && WIFEXITED(status)) usage_store(slot, CLD_EXITED, WEXITSTATUS(status), &none);
    else if (told) usage_store(slot, WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED, WTERMSIG(status), &none);
    if (told) slot->exit_flags &= ~ORCH_E_RUSAGE;
    if (told) return true;
  } else if (shim->pidfd >= 0) {
    return false; /* it lives */
  }
  slot->exit_flags |= ORCH_E_STATUS_UNKNOWN;
  slot->exited_real = realtime_now();
  shared_store(slot->exited_boot, boottime_now());
  return true;
}

/* Looks after an adopted task: the launcher puts its status into the table. */
void shim_reap(struct shim *shim) {
  struct orch_slot *slot = shim->slot;
  uint64_t now = boottime_now();
  uint32_t state = slot->state;
  if (state < ORCH_SLOT_CLAIMED || state > ORCH_SLOT_STOPPING) return;
  bool ended = shared_load(slot->exited_boot) != 0 || (shim->life < 0 && ask_pidfd(shim));
  uint64_t report = shared_load(slot->start_report);
  if (state == ORCH_SLOT_CLAIMED) {
    if (report == 0 && !ended) {
      shim->check_at = now + 10 * NANOS_PER_MILLI; /* between clone and execve */
      return;
    }
    if (!report_executed(report) && !ended) {
      shim->check_at = now + 10 * NANOS_PER_MILLI; /* about to end */
      return;
    }
    if (!report_executed(report)) {
      if (report == 0) shim_fail_start(shim, ORCH_STAGE_KILLED, 0, (uint32_t)slot->exit_status);
      else shim_fail_start(shim, report_stage(report), report_error(report), report_index(report));
      return;
    }
    shared_store(slot->state, ORCH_SLOT_RUNNING);
    shim->tell_at = now;
  }
  if (!ended) {
    if (shim->life < 0) shim->check_at = now + NANOS_PER_SECOND;
    return;
  }
  shared_store(slot->state, ORCH_SLOT_DRAINING);
  shim_try_finish(shim);
}

void shim_adopt(struct shim *shim) {
  struct orch_slot *slot = shim->slot;
  uint32_t state = slot->state;
  if (state < ORCH_SLOT_CLAIMED || state > ORCH_SLOT_DRAINING) {
    if (state == ORCH_SLOT_EXEC) exec_kill_left(shim->cgroup, slot);
    slot->uid = (struct orch_uid){0};
    shared_store(slot->task_pid, 0);
    shared_store(slot->state, ORCH_SLOT_IDLE);
    return;
  }
  if (slot->leaf[0] != '\0' && shim->cgroup >= 0) {
    shim->leaf = leaf_open(shim->cgroup, slot->leaf);
    if (shim->leaf < 0) {
      if (shim->leaf != -ENOENT) complain("shim %u: cannot open the leaf %s: %e", shim->number, slot->leaf, -shim->leaf);
      shim->leaf = -1; /* removed: only the record is missing, or it was never made */
    }
  }
  slot->adopted = 1;
  if (slot->task_pid == 0) {
    shim_fail_start(shim, ORCH_STAGE_CLONE, EOWNERDEAD, 0);
    return;
  }
  shim->pidfd = pidfd_open_process((pid_t)slot->task_pid);
  /* The launcher writes the status before it reaps, so a pid that is another's by now is seen here. */
  if (shared_load(slot->exited_boot) != 0 && shim->pidfd >= 0) {
    close(shim->pidfd);
    shim->pidfd = -1;
  }
  if (shim->pidfd < 0 && shared_load(slot->exited_boot) == 0) {
    slot->exit_flags |= ORCH_E_STATUS_UNKNOWN; /* gone, and nobody of ours has waited for it */
    slot->exited_real = realtime_now();
    shared_store(slot->exited_boot, boottime_now());
  }
  output_resume(&shim->output);
  if (slot->deadline != 0) shim_arm_deadline(shim);
  shim_resume_stop(shim);
  shim->tell_at = state == ORCH_SLOT_RUNNING ? boottime_now() : 0;
  if (state == ORCH_SLOT_DRAINING) shim_try_finish(shim);
  else shim_reap(shim);
}

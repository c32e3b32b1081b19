/* Requests about a running attempt, and the timers of a stop. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base.h"
#include "pre_stop.h"
#include "shim.h"

enum { CAUSE_REQUEST = 1, CAUSE_DEADLINE = 2, CAUSE_DRAIN = 4, CAUSE_LEASE = 5 };

#define STUCK_AFTER (10 * NANOS_PER_SECOND)

struct tree shim_tree(const struct shim *shim) {
  const struct orch_slot *slot = shim->slot;
  bool gone = shared_load(slot->exited_boot) != 0;
  struct tree tree = {.leaf = shim->leaf, .name = slot->leaf};
  tree.root = slot->adopted != 0 ? 0 : getpid();
  tree.leader = gone && slot->adopted == 0 ? 0 : (pid_t)slot->task_pid;
  tree.leader_gone = gone;
  tree.init = (slot->start_flags & ORCH_S_PID_NAMESPACE) != 0 && !gone ? (pid_t)slot->task_pid : 0;
  tree.one_by_one = (shim->capabilities & ORCH_CAP_KILL) == 0;
  return tree;
}

static uint64_t after(uint64_t now, uint64_t duration) { return duration > UINT64_MAX - now ? UINT64_MAX : now + duration; }

static void tell(struct shim *shim, uint16_t type, uint32_t signal, uint32_t cause, uint32_t processes, pid_t first) {
  struct orch_stopping stopping = {.uid = shim->slot->uid,
                                   .signal = signal,
                                   .cause = cause,
                                   .boottime = boottime_now(),
                                   .processes = processes,
                                   .first_pid = (uint32_t)first};
  shim_send(shim, type, shim->slot->start_seq, &stopping, sizeof stopping, NULL, 0, false);
}

static int signal_leader(struct shim *shim, int signal) {
  if (shim->pidfd < 0 || shared_load(shim->slot->exited_boot) != 0) return ESRCH;
  return pidfd_signal(shim->pidfd, signal);
}

static bool is_leased(const struct orch_slot *slot) { return (slot->start_flags & ORCH_S_LEASE) != 0; }

void shim_arm_deadline(struct shim *shim) {
  uint64_t at = shim->slot->deadline;
  struct itimerspec when = {.it_value = {(time_t)(at / NANOS_PER_SECOND), (long)(at % NANOS_PER_SECOND)}};
  if (at / NANOS_PER_SECOND > INT64_MAX / 4) when.it_value = (struct timespec){0, 0}; /* beyond any clock: disarmed */
  if (timerfd_settime(shim->timer, TFD_TIMER_ABSTIME, &when, NULL) != 0) complain("shim %u: cannot arm a deadline: %e", shim->number, errno);
}

void shim_kill_tree(struct shim *shim, uint32_t cause) {
  struct tree tree = shim_tree(shim);
  uint64_t now = boottime_now();
  if (shim->slot->kill_at == 0) shim->slot->kill_at = now; /* a replacement goes on from here */
  int error = tree_kill(&tree);
  if (error != 0) complain("shim %u: cannot kill %s: %e", shim->number, shim->slot->leaf, error);
  if (!shim->killed) tell(shim, ORCH_STOPPING, SIGKILL, cause, 0, 0);
  if (!shim->killed) shim->stuck_at = now + STUCK_AFTER;
  shim->killed = true;
  shim->rekill_at = now + (tree.leaf >= 0 && error == 0 ? 1000 : 100) * NANOS_PER_MILLI;
  shim->check_at = now + NANOS_PER_MILLI;
  shim->check_pause = NANOS_PER_MILLI;
}

static uint32_t cause_of(const struct orch_slot *slot) {
  if ((slot->exit_flags & ORCH_E_LEASE) != 0) return CAUSE_LEASE;
  return (slot->exit_flags & ORCH_E_DEADLINE) != 0 ? CAUSE_DEADLINE : CAUSE_REQUEST;
}

void shim_send_stop(struct shim *shim, uint32_t cause) {
  struct orch_slot *slot = shim->slot;
  uint32_t mode = slot->stop_mode, signal = slot->stop_signal;
  struct tree tree = shim_tree(shim);
  uint32_t count = 0;
  int error = 0;
  if (mode == ORCH_MODE_GROUP) {
    error = tree_signal(&tree, (int)signal, &count);
    uint32_t continued;
    if (error == 0) error = tree_signal(&tree, SIGCONT, &continued);
  } else if (signal_leader(shim, (int)signal) == 0) {
    count = 1;
    error = signal_leader(shim, SIGCONT);
  }
  if (tree.leaf >= 0) {
    int thaw = tree_freeze(&tree, false);
    if (error == 0 && thaw != ENOENT) error = thaw;
  }
  if (error != 0 && error != ESRCH) complain("shim %u: cannot signal %s: %e", shim->number, slot->leaf, error);
  tell(shim, ORCH_STOPPING, signal, cause, count, 0);
  if (mode == ORCH_MODE_MIXED && slot->state == ORCH_SLOT_DRAINING) shim_kill_tree(shim, cause);
}

/* `grace`: ORCH_GRACE_OF_START for that of START. Only one that is said, or a deadline, shortens a stop that was drawn out. */
static void begin_stop(struct shim *shim, uint32_t signal, uint32_t mode, uint64_t grace, uint32_t cause) {
  struct orch_slot *slot = shim->slot;
  bool of_start = grace == ORCH_GRACE_OF_START;
  uint64_t now = boottime_now();
  /* The grace counts from the end of the lease, not from when a sleeping host wakes up and sees it. */
  uint64_t kill_at = after(cause == CAUSE_LEASE ? slot->deadline : now, of_start ? slot->grace : grace);
  slot->exit_flags |= cause == CAUSE_LEASE ? ORCH_E_LEASE : cause == CAUSE_DEADLINE ? ORCH_E_DEADLINE : ORCH_E_STOPPED;
  if (shim->killed) return;
  if (slot->kill_at != 0) {
    bool stays = of_start && cause == CAUSE_REQUEST && (slot->exit_flags & ORCH_E_EXTENDED) != 0;
    if (kill_at < slot->kill_at && !stays) slot->kill_at = kill_at;
    if (mode < slot->stop_mode) slot->stop_mode = mode;
    return;
  }
  slot->stop_mode = mode;
  slot->stop_signal = signal;
  slot->stop_began = now;
  slot->kill_at = kill_at;
  if (slot->state == ORCH_SLOT_RUNNING) shared_store(slot->state, ORCH_SLOT_STOPPING);
  if (!pre_stop_begin(shim, cause)) shim_send_stop(shim, cause);
}

/* The dead shim may not have come to the signals; twice is better than never. */
void shim_resume_stop(struct shim *shim) {
  const struct orch_slot *slot = shim->slot;
  if (slot->kill_at == 0 || boottime_now() >= slot->kill_at) return; /* none runs, or the timers kill at once */
  shim_send_stop(shim, cause_of(slot));
}

static void grace_over(struct shim *shim) {
  struct orch_slot *slot = shim->slot;
  slot->exit_flags |= ORCH_E_GRACE_OVER;
  pre_stop_kill(shim);
  /* After a lease nothing of the attempt may live: its replacement counts on it. */
  if (slot->stop_mode != ORCH_MODE_PROCESS || (slot->exit_flags & ORCH_E_LEASE) != 0) {
    shim_kill_tree(shim, cause_of(slot));
    return;
  }
  slot->kill_at = UINT64_MAX; /* the leader alone; what it leaves is treated as after any end */
  if (signal_leader(shim, SIGKILL) == 0) {
    slot->stop_signal = SIGKILL;
    tell(shim, ORCH_STOPPING, SIGKILL, CAUSE_REQUEST, 1, 0);
  }
}

static void still_alive(struct shim *shim, uint64_t now) {
  struct tree tree = shim_tree(shim);
  pid_t first;
  uint32_t left = tree_count(&tree, &first);
  shim->slot->exit_flags |= ORCH_E_STUCK;
  tell(shim, ORCH_STUCK, SIGKILL, CAUSE_REQUEST, left, first);
  shim->stuck_at = now + STUCK_AFTER;
}

void shim_stop_timers(struct shim *shim, uint64_t now) {
  struct orch_slot *slot = shim->slot;
  if (shim->finished) return;
  if (slot->deadline != 0 && now >= slot->deadline && (slot->exit_flags & (ORCH_E_DEADLINE | ORCH_E_LEASE)) == 0)
    begin_stop(shim, slot->stop_signal, slot->stop_mode, ORCH_GRACE_OF_START, is_leased(slot) ? CAUSE_LEASE : CAUSE_DEADLINE);
  if (slot->kill_at != 0 && now >= slot->kill_at && !shim->killed) grace_over(shim);
  if (shim->drain_at != 0 && now >= shim->drain_at && !shim->killed) {
    slot->exit_flags |= ORCH_E_KILLED_REST;
    shim_kill_tree(shim, CAUSE_DRAIN);
  }
  if (shim->killed && now >= shim->rekill_at) shim_kill_tree(shim, CAUSE_REQUEST);
  if (shim->killed && now >= shim->stuck_at) still_alive(shim, now);
}

/* ---- requests ---- */

static void done(struct shim *shim, uint64_t seq, int error, uint32_t count) {
  struct orch_done done = {.uid = shim->slot->uid, .error = (uint32_t)error, .count = count};
  shim_send(shim, ORCH_DONE, seq, &done, sizeof done, NULL, 0, false);
}

/* The leader leads its group, whose number is nobody else's while the leader was not waited for. */
static int signal_leaders_group(struct shim *shim, int signal, uint32_t *count) {
  pid_t leader = (pid_t)shim->slot->task_pid;
  if (leader <= 1 || shared_load(shim->slot->exited_boot) != 0) return ESRCH;
  struct tree tree = shim_tree(shim);
  *count = tree_count_group(&tree, leader); /* before: what the signal ends is counted too */
  if (kill(-leader, signal) == 0) return 0;
  *count = 0;
  return errno;
}

static void do_signal(struct shim *shim, uint64_t seq, const struct orch_signal *signal) {
  uint32_t count = 0;
  int error;
  if (signal->signal < 1 || signal->signal > 64 || signal->mode < ORCH_MODE_GROUP || signal->mode > ORCH_SIGNAL_LEADERS_GROUP) {
    error = EINVAL;
  } else if (signal->mode == ORCH_MODE_GROUP) {
    struct tree tree = shim_tree(shim);
    error = tree_signal(&tree, (int)signal->signal, &count);
    if (error == 0 && count == 0) error = ESRCH;
  } else if (signal->mode == ORCH_SIGNAL_LEADERS_GROUP) {
    error = signal_leaders_group(shim, (int)signal->signal, &count);
  } else {
    error = signal_leader(shim, (int)signal->signal);
    if (error == 0) count = 1;
  }
  done(shim, seq, error, count);
}

static void do_stop(struct shim *shim, uint64_t seq, const struct orch_stop *stop) {
  struct orch_slot *slot = shim->slot;
  if (stop->signal > 64 || stop->mode > ORCH_MODE_PROCESS) {
    done(shim, seq, EINVAL, 0);
    return;
  }
  /* The answer comes after: what was answered is in the table, and the shim's death does not undo it. */
  begin_stop(shim, stop->signal != 0 ? stop->signal : slot->stop_signal, stop->mode != 0 ? stop->mode : slot->stop_mode, stop->grace, CAUSE_REQUEST);
  done(shim, seq, 0, 0);
}

/* A time limit and the end of a lease are kept to the second, whatever the task says. */
static int extend_stop(struct shim *shim, const struct orch_extend_stop *extend) {
  struct orch_slot *slot = shim->slot;
  if (slot->kill_at == 0 || shim->killed) return ESRCH;
  if ((slot->exit_flags & (ORCH_E_DEADLINE | ORCH_E_LEASE)) != 0) return EPERM;
  uint64_t until = after(boottime_now(), extend->by);
  uint64_t last = after(slot->stop_began, extend->most);
  if (until > last) until = last;
  if (until <= slot->kill_at) return 0;
  slot->exit_flags |= ORCH_E_EXTENDED; /* first: a replacement must not take the longer time for an ordinary one */
  slot->kill_at = until;
  return 0;
}

static void do_kill(struct shim *shim, uint64_t seq) {
  struct orch_slot *slot = shim->slot;
  slot->exit_flags |= ORCH_E_STOPPED;
  slot->stop_signal = SIGKILL;
  slot->stop_mode = ORCH_MODE_GROUP;
  if (slot->state == ORCH_SLOT_RUNNING) shared_store(slot->state, ORCH_SLOT_STOPPING);
  shim_kill_tree(shim, CAUSE_REQUEST);
  done(shim, seq, 0, 0);
}

/* The kind is written before the time: the launcher must never take a deadline for a lease. */
static void set_deadline(struct shim *shim, uint64_t at, bool lease) {
  struct orch_slot *slot = shim->slot;
  bool was = is_leased(slot);
  if (!lease) slot->start_flags &= ~ORCH_S_LEASE;
  shared_store(slot->deadline, at);
  if (lease) slot->start_flags |= ORCH_S_LEASE;
  if (lease && !was) shim_announce_lease(shim);
  shim_arm_deadline(shim);
}

static size_t wanted_length(uint16_t type) {
  switch (type) {
    case ORCH_SIGNAL: return sizeof(struct orch_signal);
    case ORCH_SET_DEADLINE:
    case ORCH_SET_LEASE: return sizeof(struct orch_set_deadline);
    case ORCH_STOP: return sizeof(struct orch_stop);
    case ORCH_EXTEND_STOP: return sizeof(struct orch_extend_stop);
    default: return sizeof(struct orch_uid);
  }
}

void shim_request(struct shim *shim, const struct orch_header *header, const char *body, size_t length) {
  struct orch_slot *slot = shim->slot;
  uint64_t seq = header->seq;
  if (length != wanted_length(header->type)) {
    shim_refuse(shim, seq, ORCH_REFUSED_MALFORMED, 0, "the body of a request has a wrong length");
    return;
  }
  if (seq <= slot->last_seq) {
    shim_refuse(shim, seq, ORCH_REFUSED_STALE, 0, "this request was taken before");
    return;
  }
  shared_store(slot->last_seq, seq);
  struct orch_uid uid;
  memcpy(&uid, body, sizeof uid);
  if (uid_is_zero(&slot->uid) || !uid_equal(&uid, &slot->uid)) {
    shim_refuse(shim, seq, ORCH_REFUSED_UID, ESRCH, "the shim does not guard this attempt");
    return;
  }
  switch (header->type) {
    case ORCH_SIGNAL: {
      struct orch_signal signal;
      memcpy(&signal, body, sizeof signal);
      do_signal(shim, seq, &signal);
      break;
    }
    case ORCH_STOP: {
      struct orch_stop stop;
      memcpy(&stop, body, sizeof stop);
      do_stop(shim, seq, &stop);
      break;
    }
    case ORCH_EXTEND_STOP: {
      struct orch_extend_stop extend;
      memcpy(&extend, body, sizeof extend);
      done(shim, seq, extend_stop(shim, &extend), 0);
      break;
    }
    case ORCH_SET_DEADLINE:
    case ORCH_SET_LEASE: {
      struct orch_set_deadline set;
      memcpy(&set, body, sizeof set);
      set_deadline(shim, set.deadline, header->type == ORCH_SET_LEASE);
      done(shim, seq, 0, 0);
      break;
    }
    case ORCH_KILL: do_kill(shim, seq); break;
    default: {
      struct tree tree = shim_tree(shim);
      done(shim, seq, tree_freeze(&tree, header->type == ORCH_FREEZE), 0);
      break;
    }
  }
}

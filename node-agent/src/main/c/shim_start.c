/* START: claim, leaf, limits, spawn. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base.h"
#include "cgroup.h"
#include "shim.h"
#include "pre_stop.h"
#include "spawn.h"
#include "usage.h"

enum { TELL_STARTED_MILLIS = 2, JOURNAL_PATIENCE_MILLIS = 2000 };

static _Alignas(4096) struct request request;
static _Alignas(4096) char assembled[ORCH_START_MAX]; /* a START of several parts */
static size_t assembled_length;
static uint64_t assembled_seq;
static int assembled_fds[ORCH_PASSED_FDS_MAX];
static uint32_t assembled_fd_count;

/* For a shim that guards a task, whose own request was kept in a file. NULL: it cannot be read any more. */
struct request *shim_read_request(int fd) {
  size_t length = 0;
  if (assembled_length > 0) return NULL; /* a part of a START that is not for this shim now */
  for (;;) {
    ssize_t n = read(fd, assembled + length, sizeof assembled - length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return NULL;
    if (n == 0) break;
    length += (size_t)n;
  }
  return parse_start(assembled, length, &request).code == 0 ? &request : NULL;
}

/* The request is of no use once the task runs. */
void shim_trim_memory(void) {
  (void)!madvise(&request, sizeof request / 4096 * 4096, MADV_DONTNEED);
  spawn_trim_memory();
  if (assembled_length == 0) (void)!madvise(assembled, sizeof assembled, MADV_DONTNEED);
}

static void drop_assembled(void) {
  for (uint32_t n = 0; n < assembled_fd_count; n++) close(assembled_fds[n]);
  assembled_fd_count = 0;
  assembled_length = 0;
}

/* ---- failing ---- */

static int append_surely(struct shim *shim, uint16_t type, const void *payload, size_t length, uint64_t *end) {
  int error = 0;
  for (int tries = 0; tries < 3; tries++) {
    error = journal_append(&shim->journal, type, JOURNAL_END, payload, length, NULL, 0, end);
    if (error == 0) return 0;
  }
  return error;
}

void shim_fail_start(struct shim *shim, uint32_t stage, uint32_t error, uint32_t index) {
  struct orch_slot *slot = shim->slot;
  struct orch_start_failed failed = {.uid = slot->uid,
                                     .slot = shim->number,
                                     .stage = stage,
                                     .error = error,
                                     .index = index,
                                     .boottime = boottime_now(),
                                     .realtime = realtime_now()};
  struct orch_event event = {0};
  if (shim->leaf >= 0) {
    /* Nothing ran in it that could have left a process behind; should it stay, the next launcher's report shows it. */
    int left = leaf_remove(shim->cgroup, slot->leaf);
    for (int tries = 0; left == EBUSY && tries < 20; tries++) {
      struct timespec pause = {0, 1000000};
      nanosleep(&pause, NULL);
      left = leaf_remove(shim->cgroup, slot->leaf);
    }
    if (left != 0) complain("shim %u: cannot remove the leaf %s of a failed start: %e", shim->number, slot->leaf, left);
  }
  if (stage != ORCH_STAGE_JOURNAL) {
    if (append_surely(shim, ORCH_J_START_FAILED, &failed, sizeof failed, &event.position) != 0) event.position = 0;
    if (shim->life < 0 && journal_sync(&shim->journal) != 0) event.position = 0;
    shim_wake_launcher(shim);
  }
  shim_send(shim, ORCH_START_FAILED, slot->start_seq, &event, sizeof event, &failed, sizeof failed, true);
  shim_free_slot(shim);
}

/* ---- claiming ---- */

static bool claimed_elsewhere(const struct shim *shim, const struct orch_uid *uid) {
  for (uint32_t n = 0; n < shim->table->slots; n++) {
    const struct orch_slot *other = table_slot(shim->table, n);
    uint32_t state = shared_load(other->state);
    if (n != shim->number && state >= ORCH_SLOT_CLAIMED && state <= ORCH_SLOT_DRAINING && uid_equal(&other->uid, uid)) return true;
  }
  return false;
}

static void fill_slot(struct shim *shim, const struct request *r) {
  struct orch_slot *slot = shim->slot;
  const struct orch_start *f = &r->fixed;
  slot->uid = f->uid;
  slot->task_pid = slot->adopted = 0;
  slot->task_start = slot->started_boot = slot->started_real = 0;
  slot->deadline = f->deadline;
  slot->grace = f->grace;
  slot->kill_at = slot->stop_began = 0;
  slot->stop_signal = f->stop_signal != 0 ? f->stop_signal : 15;
  slot->stop_mode = f->stop_mode != 0 ? f->stop_mode : ORCH_MODE_GROUP;
  slot->start_flags = f->flags;
  slot->exit_flags = 0;
  slot->drain_timeout = f->drain_timeout;
  slot->claim = 0;
  memcpy(slot->leaf, r->leaf, sizeof slot->leaf);
  if (shim->cgroup < 0) slot->leaf[0] = '\0';
  memcpy(slot->name, r->name, sizeof slot->name);
  slot->exited_boot = slot->exited_real = 0;
  slot->si_code = slot->exit_status = 0;
  memset(slot->usage, 0, sizeof slot->usage);
  shared_store(slot->start_report, 0);
  output_begin(&shim->output, f->log_segment, f->log_total, f->line_max);
  shim->told = shim->exit_told = false;
  shim->check_pause = 0;
  shim->removals = 0;
}

/* A full segment is the launcher's to follow up; it does so ahead of time, so this waits only after a burst or on a full disk. */
static int append_claim(struct shim *shim) {
  struct orch_slot *slot = shim->slot;
  struct orch_claim claim = {.uid = slot->uid,
                             .slot = shim->number,
                             .shim_pid = slot->shim_pid,
                             .generation = shim->table->generation,
                             .seq = slot->start_seq,
                             .request_hash = request.fixed.request_hash,
                             .boottime = boottime_now()};
  memcpy(claim.boot_id, shim->table->boot_id, sizeof claim.boot_id);
  memcpy(claim.leaf, slot->leaf, sizeof claim.leaf);
  memcpy(claim.name, slot->name, sizeof claim.name);
  for (int waited = 0;; waited++) {
    uint64_t end;
    int error = journal_append(&shim->journal, ORCH_J_CLAIM, JOURNAL_BEGIN, &claim, sizeof claim, NULL, 0, &end);
    if (error == 0) slot->claim = end;
    if (error != ENOSPC || waited == JOURNAL_PATIENCE_MILLIS || shim->life < 0) return error;
    shim_wake_launcher(shim);
    struct timespec pause = {0, 1000000};
    nanosleep(&pause, NULL);
  }
}

/* ---- preparing ---- */

struct failure {
  uint32_t stage;
  int error;
  uint32_t index;
};

static struct failure prepare_leaf(struct shim *shim, const struct request *r) {
  if (shim->cgroup < 0) {
    if (r->limits > 0) return (struct failure){ORCH_STAGE_LIMIT, EOPNOTSUPP, 0};
    return (struct failure){0};
  }
  int leaf = leaf_make(shim->cgroup, r->leaf);
  if (leaf < 0) return (struct failure){ORCH_STAGE_CGROUP, -leaf, 0};
  shim->leaf = leaf;
  for (uint32_t n = 0; n < r->limits; n++) {
    int error = write_file(leaf, r->limit[n].file, r->limit[n].value, r->limit[n].length);
    if (error != 0) return (struct failure){ORCH_STAGE_LIMIT, error, n};
  }
  return (struct failure){0};
}

/* Made as its parent's owner allows; one that is there already must be the task's user's own. */
static int prepare_task_dir(const struct request *r) {
  if (r->task_dir == NULL) return 0;
  bool made = mkdir(r->task_dir, 0700) == 0;
  if (!made && errno != EEXIST) return errno;
  int fd = open(r->task_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return errno;
  int error = 0;
  uid_t owner = (r->fixed.flags & ORCH_S_USER) != 0 ? r->fixed.user : geteuid();
  gid_t group = (r->fixed.flags & ORCH_S_USER) != 0 ? r->fixed.group : getegid();
  struct stat status;
  if (made && fchown(fd, owner, group) != 0) error = errno;
  if (error == 0 && made && fchmod(fd, (mode_t)r->fixed.task_dir_mode & 07777) != 0) error = errno;
  if (error == 0 && !made && (fstat(fd, &status) != 0 || status.st_uid != owner)) error = EEXIST;
  close(fd);
  return error;
}

static int prepare_fifos(struct shim *shim, const struct request *r) {
  uint32_t owner = (r->fixed.flags & ORCH_S_USER) != 0 ? r->fixed.user : (uint32_t)geteuid();
  for (int n = 0; n < 2; n++) {
    /* An earlier task may have made the shared description non-blocking. */
    if (fcntl(shim->fifo[n], F_SETFL, O_RDWR) != 0) return errno;
    /* So that the task can open /dev/stdout and /dev/stderr by name. */
    if (owner != shim->fifo_owner && fchown(shim->fifo[n], owner, (gid_t)-1) != 0) return errno;
  }
  shim->fifo_owner = owner;
  return 0;
}

/* As in shim_leader_ended: written down before it is reaped. */
void shim_reap_failed_child(struct shim *shim) {
  siginfo_t info;
  struct rusage usage;
  memset(&info, 0, sizeof info);
  while (syscall(SYS_waitid, P_PIDFD, shim->pidfd, &info, WEXITED | WNOWAIT, &usage) != 0 && errno == EINTR) continue;
  usage_store(shim->slot, info.si_code, info.si_status, &usage);
  while (waitid(P_PIDFD, (id_t)shim->pidfd, &info, WEXITED) != 0 && errno == EINTR) continue;
}

/* ---- starting ---- */

static void launch(struct shim *shim, struct request *r, const char *body, size_t length, const int *fds) {
  struct orch_slot *slot = shim->slot;
  int own[ORCH_PASSED_FDS_MAX]; /* the caller closes what it was given */
  memcpy(own, fds, r->fds * sizeof own[0]);
  struct failure failure = {0};
  if (r->pre_stops > 0 && (failure.error = pre_stop_keep(shim, body, length)) != 0) failure.stage = ORCH_STAGE_PRE_STOP;
  if (failure.stage == 0) failure = prepare_leaf(shim, r);
  if (failure.stage == 0 && (failure.error = prepare_task_dir(r)) != 0) failure.stage = ORCH_STAGE_TASK_DIR;
  if (failure.stage == 0 && (failure.error = prepare_fifos(shim, r)) != 0) failure.stage = ORCH_STAGE_FIFO;
  if (failure.stage == 0 && (r->fixed.flags & ORCH_S_INPUT) != 0 && (failure.error = shim_keep_input(shim, r, own)) != 0)
    failure.stage = ORCH_STAGE_FDS;
  if (failure.stage != 0) {
    shim_fail_start(shim, failure.stage, (uint32_t)failure.error, failure.index);
    return;
  }
  slot->started_real = realtime_now();
  slot->started_boot = boottime_now();
  struct spawn s = {.request = r,
                    .argv = r->argv,
                    .leaf = shim->leaf,
                    .join = (shim->capabilities & ORCH_CAP_JOIN) != 0,
                    .out = shim->fifo[0],
                    .err = shim->fifo[1],
                    .passed = own,
                    .report = &slot->start_report,
                    .pid = &slot->task_pid};
  int error = spawn(&s, &shim->pidfd);
  if (error != 0) {
    shim->pidfd = -1;
    bool namespace = (r->fixed.flags & ORCH_S_PID_NAMESPACE) != 0;
    shim_fail_start(shim, namespace ? ORCH_STAGE_PID_NAMESPACE : ORCH_STAGE_CLONE, (uint32_t)error, 0);
    return;
  }
  uint64_t report = shared_load(slot->start_report);
  if (!report_executed(report)) {
    shim_reap_failed_child(shim);
    if (report == 0) shim_fail_start(shim, ORCH_STAGE_KILLED, 0, (uint32_t)slot->exit_status);
    else shim_fail_start(shim, report_stage(report), report_error(report), report_index(report));
    return;
  }
  shared_store(slot->state, ORCH_SLOT_RUNNING);
  shim->tell_at = slot->started_boot + TELL_STARTED_MILLIS * NANOS_PER_MILLI;
  if (slot->deadline != 0) shim_arm_deadline(shim);
}

static void obey(struct shim *shim, uint16_t type, uint64_t seq, const char *body, size_t length, const int *fds, uint32_t fd_count) {
  struct orch_slot *slot = shim->slot;
  if (seq <= slot->last_seq) {
    shim_refuse(shim, seq, ORCH_REFUSED_STALE, 0, "this request was taken before");
    return;
  }
  shared_store(slot->last_seq, seq);
  if (slot->state != ORCH_SLOT_IDLE) {
    shim_refuse(shim, seq, ORCH_REFUSED_BUSY, 0, "the shim guards another attempt");
    return;
  }
  if (shim->life < 0 || shared_load(shim->table->retiring) != 0) {
    shim_refuse(shim, seq, ORCH_REFUSED_RETIRING, 0, "the launcher is dead or shutting down");
    return;
  }
  struct parse_error wrong = parse_start(body, length, &request);
  if (wrong.code == 0 && request.fds != fd_count)
    wrong = (struct parse_error){ORCH_REFUSED_MALFORMED, "FDS names another number of fds than came with START"};
  if (wrong.code != 0) {
    shim_refuse(shim, seq, wrong.code, 0, wrong.text);
    return;
  }
  if (memcmp(request.fixed.boot_id, shim->table->boot_id, sizeof request.fixed.boot_id) != 0) {
    shim_refuse(shim, seq, ORCH_REFUSED_BOOT, 0, "START is for another boot of this host");
    return;
  }
  if (type == ORCH_EXEC) {
    shim_exec(shim, seq, &request, fds);
    return;
  }
  bool leased = (request.fixed.flags & ORCH_S_LEASE) != 0 && request.fixed.deadline != 0;
  if (leased && boottime_now() >= request.fixed.deadline) {
    shim_refuse(shim, seq, ORCH_REFUSED_LEASE, 0, "the lease of this start has ended: another node may run it by now");
    return;
  }
  slot->start_seq = seq;
  fill_slot(shim, &request);
  shared_store(slot->state, ORCH_SLOT_CLAIMED);
  /* Claim first, then look: of two shims that claim one uid at the same time at least one sees the other. */
  if (claimed_elsewhere(shim, &request.fixed.uid)) {
    shim_free_slot(shim);
    shim_refuse(shim, seq, ORCH_REFUSED_CLAIMED, 0, "another shim has claimed this attempt");
    return;
  }
  if (leased) shim_announce_lease(shim);
  int error = append_claim(shim);
  if (error == ECANCELED) {
    shim_free_slot(shim);
    shim_refuse(shim, seq, ORCH_REFUSED_RETIRING, 0, "a later launcher has begun");
  } else if (error != 0) shim_fail_start(shim, ORCH_STAGE_JOURNAL, (uint32_t)error, 0);
  else launch(shim, &request, body, length, fds);
}

void shim_start(struct shim *shim, const struct orch_header *header, const char *body, size_t length, const int *fds, uint32_t fd_count) {
  bool more = (header->flags & ORCH_MORE) != 0;
  if (assembled_length > 0 && assembled_seq != header->seq) drop_assembled(); /* the agent that began it is gone */
  if (!more && assembled_length == 0) {
    obey(shim, header->type, header->seq, body, length, fds, fd_count);
    return;
  }
  if (length > sizeof assembled - assembled_length) {
    drop_assembled();
    if (!more) shim_refuse(shim, header->seq, ORCH_REFUSED_LIMIT, E2BIG, "START is larger than 4 MiB");
    return;
  }
  if (assembled_length == 0) {
    assembled_seq = header->seq;
    for (uint32_t n = 0; n < fd_count; n++) {
      int fd = fcntl(fds[n], F_DUPFD_CLOEXEC, 3);
      if (fd >= 0) assembled_fds[assembled_fd_count++] = fd;
    }
  }
  memcpy(assembled + assembled_length, body, length);
  assembled_length += length;
  if (more) return;
  obey(shim, header->type, header->seq, assembled, assembled_length, assembled_fds, assembled_fd_count);
  drop_assembled();
}

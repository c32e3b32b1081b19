/* A shim's life: set-up after the fork, and the loop. */
#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base.h"
#include "pre_stop.h"

enum { READS_A_TURN = 16 };

static struct shim shim;
static volatile sig_atomic_t child_ended;

static void on_signal(int signal) {
  if (signal == SIGCHLD) child_ended = 1; /* SIGUSR1, from the launcher, only interrupts the poll */
}

static _Noreturn void give_up(const char *what) {
  complain("shim %u: %s: %e", shim.number, what, errno);
  _exit(1);
}

/* Closes all that the launcher had open but the shim's own, and brings those to low numbers: every clone copies the table up to the highest. */
static void keep_only(int *fds[], size_t count) {
  for (size_t n = 0; n < count; n++) {
    for (size_t m = n + 1; m < count; m++) {
      if (*fds[m] < *fds[n]) {
        int *t = fds[n];
        fds[n] = fds[m];
        fds[m] = t;
      }
    }
  }
  unsigned next = 3;
  for (size_t n = 0; n < count; n++) {
    if (*fds[n] < 0) continue;
    if ((unsigned)*fds[n] > next && syscall(SYS_close_range, next, *fds[n] - 1, 0) != 0) give_up("cannot close what is not its own");
    next = (unsigned)*fds[n] + 1;
  }
  if (syscall(SYS_close_range, next, ~0u, 0) != 0) give_up("cannot close what is not its own");
  for (size_t n = 0; n < count; n++) {
    if (*fds[n] < 0) continue;
    int low = fcntl(*fds[n], F_DUPFD_CLOEXEC, 3);
    if (low < 0) give_up("cannot move its files");
    if (low < *fds[n]) {
      close(*fds[n]);
      *fds[n] = low;
    } else {
      close(low);
    }
  }
}

static int open_fifo(const char *suffix, int flags) {
  char name[24];
  text_format(name, sizeof name, "%u.%s", shim.number, suffix);
  int fd = openat(shim.generation, name, flags | O_CLOEXEC);
  if (fd < 0) give_up("cannot open its FIFO");
  return fd;
}

static void take_lock(void) {
  if (shim.lock < 0) {
    char name[24];
    text_format(name, sizeof name, "%u.lock", shim.number);
    shim.lock = openat(shim.generation, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (shim.lock < 0) give_up("cannot open its lock file");
  }
  /* A task that a dead predecessor was just starting may hold it until its execve. */
  shim.locked = lock_file(shim.lock) == 0;
}

static void set_signals(void) {
  sigset_t all;
  sigfillset(&all);
  if (sigprocmask(SIG_SETMASK, &all, NULL) != 0) give_up("cannot block signals");
  struct sigaction action = {.sa_handler = on_signal};
  if (sigaction(SIGUSR1, &action, NULL) != 0) give_up("cannot handle a signal");
  if (shim.cgroup >= 0) return;
  if (sigaction(SIGCHLD, &action, NULL) != 0) give_up("cannot handle a signal");
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) give_up("cannot become a subreaper");
}

static void set_up(const struct shim_setup *setup) {
  shim.table = setup->table;
  shim.number = setup->slot;
  shim.slot = table_slot(setup->table, setup->slot);
  shim.capabilities = setup->table->capabilities;
  shim.socket = setup->socket;
  shim.life = setup->life;
  shim.wake = setup->wake;
  shim.generation = setup->generation;
  shim.cgroup = setup->cgroup;
  shim.journal = (struct journal){.table = setup->table, .slot = shim.slot, .directory = setup->journal, .fd = -1};
  shim.output = (struct output){.slot = shim.slot, .directory = setup->segments, .segment = -1};
  shim.lock = shim.listener = shim.pidfd = shim.leaf = shim.events = shim.pre_stop = -1;
  shim.hangup = shim.input = shim.slave = shim.output.terminal = -1;
  shim.fifo_owner = UINT32_MAX; /* unknown: the first start sets it */
  int *own[] = {&shim.socket, &shim.life, &shim.wake, &shim.generation, &shim.cgroup, &shim.journal.directory, &shim.output.directory};
  keep_only(own, sizeof own / sizeof own[0]);
  shim.output.reader[0] = open_fifo("out", O_RDONLY | O_NONBLOCK);
  shim.output.reader[1] = open_fifo("err", O_RDONLY | O_NONBLOCK);
  /* The task gets an end that reads too, so that even with launcher and shim dead it is blocked by a full pipe, not killed by SIGPIPE. */
  shim.fifo[0] = open_fifo("out", O_RDWR);
  shim.fifo[1] = open_fifo("err", O_RDWR);
  shim.timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  if (shim.timer < 0) give_up("cannot make a timer");
  take_lock();
  /* Tasks read their limits in their leaf, whoever they are (a JVM sizes its heap by them). Whatever else is made here says its mode. */
  umask(022);
  set_signals();
  if (prctl(PR_SET_NAME, "orch-shim") != 0) give_up("cannot set its name");
}

/* ---- the loop ---- */

static void sooner(uint64_t *next, uint64_t at) {
  if (at != 0 && at < *next) *next = at;
}

static uint64_t next_timer(void) {
  const struct orch_slot *slot = shim.slot;
  uint64_t next = UINT64_MAX;
  sooner(&next, shim.tell_at);
  sooner(&next, shim.leader_tell_at);
  sooner(&next, shim.drain_at);
  sooner(&next, shim.check_at);
  if (shim.output.unflushed != 0) sooner(&next, shim.output.unflushed + OUTPUT_FLUSH_NANOS);
  if (slot->state == ORCH_SLOT_IDLE || shim.finished) return next;
  if (shim.killed) {
    sooner(&next, shim.rekill_at);
    sooner(&next, shim.stuck_at);
  } else {
    sooner(&next, slot->kill_at);
  }
  return next;
}

static void run_timers(uint64_t now) {
  if (shim.output.unflushed != 0 && now >= shim.output.unflushed + OUTPUT_FLUSH_NANOS) output_flush(&shim.output);
  if (shim.slot->state == ORCH_SLOT_IDLE) return;
  if (shim.slot->state == ORCH_SLOT_EXEC) {
    shim_exec_timers(&shim, now);
    return;
  }
  if (shim.tell_at != 0 && now >= shim.tell_at) shim_tell_started(&shim);
  if (shim.leader_tell_at != 0 && now >= shim.leader_tell_at) shim_tell_leader(&shim);
  shim_stop_timers(&shim, now);
  if (shim.check_at == 0 || now < shim.check_at) return;
  shim.check_at = 0;
  if (shim.slot->state == ORCH_SLOT_DRAINING) shim_try_finish(&shim);
  else if (shim.slot->adopted != 0) shim_reap(&shim);
}

enum { P_SOCKET, P_OUT, P_ERR, P_LIFE, P_PIDFD_, P_EVENTS, P_TIMER, P_LISTENER, P_PRE_STOP, P_HANGUP, P_COUNT };

static struct pollfd polled(int fd, short events) { return (struct pollfd){.fd = fd, .events = events}; }

static void wait_for_events(struct pollfd fds[P_COUNT]) {
  bool idle = shim.slot->state == ORCH_SLOT_IDLE;
  bool silent = idle || shim.slot->state == ORCH_SLOT_EXEC; /* a command writes to whoever asked for it */
  int first = shim.output.terminal >= 0 ? shim.output.terminal : shim.output.reader[0];
  bool own = shim.slot->adopted == 0 && shared_load(shim.slot->exited_boot) == 0;
  fds[P_SOCKET] = polled(shim.socket, shim.pending_length > 0 ? POLLOUT : POLLIN);
  fds[P_OUT] = polled(silent ? -1 : first, POLLIN);
  fds[P_ERR] = polled(silent ? -1 : shim.output.reader[1], POLLIN);
  fds[P_LIFE] = polled(shim.life, 0);
  fds[P_PIDFD_] = polled(!idle && own ? shim.pidfd : -1, POLLIN);
  fds[P_EVENTS] = polled(shim.events, POLLPRI);
  fds[P_TIMER] = polled(shim.slot->deadline != 0 ? shim.timer : -1, POLLIN);
  fds[P_LISTENER] = polled(shim.socket < 0 ? shim.listener : -1, POLLIN);
  fds[P_PRE_STOP] = polled(shim.pre_stop, POLLIN);
  fds[P_HANGUP] = polled(shim.hangup, 0);
  sigset_t open_;
  sigfillset(&open_);
  sigdelset(&open_, SIGUSR1);
  if (shim.cgroup < 0) sigdelset(&open_, SIGCHLD);
  uint64_t next = next_timer();
  if (!shim.locked) sooner(&next, boottime_now() + 10 * NANOS_PER_MILLI);
  struct timespec timeout;
  if (next != UINT64_MAX) {
    uint64_t now = boottime_now();
    uint64_t left = next > now ? next - now : 0;
    timeout = (struct timespec){(time_t)(left / NANOS_PER_SECOND), (long)(left % NANOS_PER_SECOND)};
  }
  if (ppoll(fds, P_COUNT, next != UINT64_MAX ? &timeout : NULL, &open_) >= 0) return;
  for (int n = 0; n < P_COUNT; n++) fds[n].revents = 0;
  if (errno != EINTR) give_up("cannot poll");
}

static void read_output(const struct pollfd fds[P_COUNT]) {
  for (int stream = 0; stream < 2; stream++) {
    if ((fds[P_OUT + stream].revents & POLLIN) == 0) continue;
    for (int n = 0; n < READS_A_TURN; n++)
      if (!output_read(&shim.output, stream)) break;
  }
}

static void launcher_died(void) {
  close(shim.life);
  shim.life = -1;
  if (shim.socket < 0) shim_orphan_listen(&shim);
  if (shim.slot->adopted != 0) shim_reap(&shim);
}

static void leave_if_retired(void) {
  if (shim.slot->state != ORCH_SLOT_IDLE) return;
  if (shim.life >= 0 && shared_load(shim.table->retiring) == 0) return;
  if (shim.pending_length > 0 && shim.socket >= 0) return;
  shared_store(shim.slot->state, ORCH_SLOT_RETIRED);
  _exit(0);
}

static void turn(void) {
  struct pollfd fds[P_COUNT];
  wait_for_events(fds);
  if (!shim.locked) take_lock();
  if ((fds[P_LIFE].revents & (POLLHUP | POLLERR)) != 0) launcher_died();
  if ((fds[P_TIMER].revents & POLLIN) != 0) {
    uint64_t expirations;
    ssize_t n = read(shim.timer, &expirations, sizeof expirations); /* the timers run below in any case */
    (void)n;
  }
  read_output(fds);
  if ((fds[P_PIDFD_].revents & POLLIN) != 0) {
    shim_leader_ended(&shim);
  } else if (shim.slot->adopted != 0 && shim.slot->state != ORCH_SLOT_DRAINING) {
    shim_reap(&shim);
  }
  if ((fds[P_PRE_STOP].revents & POLLIN) != 0 && shim.pre_stop >= 0) pre_stop_look(&shim);
  if (child_ended) {
    child_ended = 0;
    shim_reap_strays(&shim);
    if (shim.slot->state == ORCH_SLOT_EXEC) shim_exec_check(&shim);
    if (shim.slot->state == ORCH_SLOT_DRAINING && !shim.finished) shim_try_finish(&shim);
  }
  if ((fds[P_HANGUP].revents & (POLLHUP | POLLERR)) != 0 && shim.slot->state == ORCH_SLOT_EXEC) shim_exec_hung_up(&shim);
  if ((fds[P_EVENTS].revents & (POLLPRI | POLLERR)) != 0 && shim.events >= 0) {
    char text[64];
    ssize_t n = pread(shim.events, text, sizeof text, 0); /* arms the next notice; what counts is asked below */
    (void)n;
    if (shim.slot->state == ORCH_SLOT_DRAINING && !shim.finished) shim_try_finish(&shim);
  }
  run_timers(boottime_now());
  if ((fds[P_SOCKET].revents & POLLOUT) != 0 && shim.pending_length > 0) shim_send_pending(&shim);
  else if ((fds[P_SOCKET].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && shim.socket >= 0) shim_receive(&shim);
  if ((fds[P_LISTENER].revents & POLLIN) != 0) shim_orphan_accept(&shim);
}

_Noreturn void shim_run(const struct shim_setup *setup) {
  set_up(setup);
  shim_adopt(&shim);
  for (;;) {
    leave_if_retired();
    turn();
  }
}

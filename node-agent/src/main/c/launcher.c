/* orch-launcher: options, start, loop. See docs/launcher-protocol.md. */
#define _GNU_SOURCE
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base.h"
#include "crc32c.h"

enum { FDS_A_SHIM = 4, FDS_OF_ITS_OWN = 64, JOURNAL_SIZE_DEFAULT = 16 * 1024 * 1024 };

#define SYNC_PAUSE (3 * NANOS_PER_MILLI)          /* between the beginnings of two syncs */
#define SYNC_RETRY (100 * NANOS_PER_MILLI)        /* after one that failed */
#define PREVIOUS_PAUSE (5 * NANOS_PER_SECOND)
#define LEASE_PAUSE (NANOS_PER_SECOND / 2) /* between looks at running leases */

/*
 * On pages of its own that no shim gets a copy of: the launcher writes to them between two forks, and each shim would keep the state of its
 * birth for life.
 */
enum { PAGE = 4096 };
static union {
  struct launcher own;
  char pages[(sizeof(struct launcher) + PAGE - 1) / PAGE * PAGE];
} _Alignas(PAGE) launcher;

void launcher_note(struct launcher *l, const char *format, ...) {
  char text[NOTE_MAX];
  va_list list;
  va_start(list, format);
  text_format_list(text, sizeof text, format, list);
  va_end(list);
  complain("%s", text);
  if (l->note_count == NOTES_MAX) return;
  memcpy(l->notes[l->note_count++], text, sizeof text);
}

static const char usage[] =
    "usage: orch-launcher --run-dir DIR [--cgroup DIR] [--journal-dir DIR] [--segments-dir DIR]\n"
    "                     [--shims N] [--max-shims N] [--journal-size BYTES]\n"
    "                     [--without clone-into-cgroup|cgroup-kill]\n"
    "Starts and guards processes for orch-agent, which connects to DIR/launcher.sock.\n";

static _Noreturn void wrong_usage(const char *what, const char *which) {
  complain("%s %s", what, which);
  ssize_t written = write(STDERR_FILENO, usage, sizeof usage - 1);
  (void)written;
  _exit(2);
}

static uint32_t number_option(const char *name, const char *text, uint32_t low, uint32_t high) {
  uint64_t value;
  const char *at = text;
  if (!parse_number(&at, &value) || *at != '\0' || value < low || value > high) wrong_usage("an impossible number for", name);
  return (uint32_t)value;
}

/* What this kernel has is not used, so that the ways without it can be tested. */
static void read_without(struct options *o, const char *what) {
  if (strcmp(what, "clone-into-cgroup") == 0) o->no_clone_into = true;
  else if (strcmp(what, "cgroup-kill") == 0) o->no_kill = true;
  else wrong_usage("nothing to go without:", what);
}

static void read_options(struct options *o, int argc, char **argv) {
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  *o = (struct options){.shims = 0, .max_shims = 1024, .journal_size = JOURNAL_SIZE_DEFAULT};
  for (int n = 1; n < argc; n++) {
    const char *name = argv[n];
    if (strcmp(name, "--help") == 0) {
      ssize_t written = write(STDOUT_FILENO, usage, sizeof usage - 1);
      _exit(written > 0 ? 0 : 1);
    }
    if (n + 1 == argc) wrong_usage("an option without a value or unknown:", name);
    const char *value = argv[++n];
    if (strcmp(name, "--run-dir") == 0) o->run_dir = value;
    else if (strcmp(name, "--cgroup") == 0) o->cgroup = value;
    else if (strcmp(name, "--journal-dir") == 0) o->journal_dir = value;
    else if (strcmp(name, "--segments-dir") == 0) o->segments_dir = value;
    else if (strcmp(name, "--shims") == 0) o->shims = number_option(name, value, 1, ORCH_SHIMS_MAX);
    else if (strcmp(name, "--max-shims") == 0) o->max_shims = number_option(name, value, 1, ORCH_SHIMS_MAX);
    else if (strcmp(name, "--journal-size") == 0) o->journal_size = number_option(name, value, 65536, 1u << 30) & ~63u;
    else if (strcmp(name, "--without") == 0) read_without(o, value);
    else wrong_usage("an unknown option:", name);
  }
  if (o->run_dir == NULL) wrong_usage("missing:", "--run-dir");
  if (o->shims == 0) o->shims = processors > 0 ? 2 * (uint32_t)processors : 2;
  if (o->shims > o->max_shims) o->shims = o->max_shims;
}

/* Each place holds four files; what the hard limit does not allow is told, not tried. What is kept for agents has what is left. */
static void fit_files(struct launcher *l) {
  if (getrlimit(RLIMIT_NOFILE, &l->files) != 0) return;
  struct rlimit wanted = {l->files.rlim_max, l->files.rlim_max};
  rlim_t need = (rlim_t)l->options.max_shims * FDS_A_SHIM + FDS_OF_ITS_OWN;
  rlim_t most = need + ORCH_KEPT_MAX;
  if (wanted.rlim_cur > most) wanted.rlim_cur = most > l->files.rlim_cur ? most : l->files.rlim_cur;
  if (setrlimit(RLIMIT_NOFILE, &wanted) != 0) wanted = l->files;
  l->kept.room = wanted.rlim_cur <= need ? 0 : wanted.rlim_cur < most ? (uint32_t)(wanted.rlim_cur - need) : ORCH_KEPT_MAX;
  if (wanted.rlim_cur >= need) return;
  uint32_t fit = wanted.rlim_cur > FDS_OF_ITS_OWN + FDS_A_SHIM ? (uint32_t)(wanted.rlim_cur - FDS_OF_ITS_OWN) / FDS_A_SHIM : 1;
  launcher_note(l, "at most %u shims: the limit of open files is %u", fit, (uint32_t)wanted.rlim_cur);
  l->options.max_shims = fit;
  if (l->options.shims > fit) l->options.shims = fit;
}

static void set_signals(struct launcher *l) {
  /*
   * What a parent ignores would stay ignored in every task. By the plain system call: glibc's function refuses 32 and 33, which make
   * has been seen to leave ignored. SIGKILL and SIGSTOP refuse too, rightly.
   */
  static const uint64_t plain[4] = {0}; /* the kernel's struct sigaction: SIG_DFL, no flags, empty mask */
  for (int n = 1; n < 65; n++) (void)!syscall(SYS_rt_sigaction, n, plain, NULL, sizeof(uint64_t));
  sigset_t all;
  sigfillset(&all);
  if (sigprocmask(SIG_SETMASK, &all, NULL) != 0) return;
  sigset_t own;
  sigemptyset(&own);
  sigaddset(&own, SIGCHLD);
  sigaddset(&own, SIGTERM);
  sigaddset(&own, SIGINT);
  l->signals = signalfd(-1, &own, SFD_CLOEXEC | SFD_NONBLOCK);
}

/*
 * 0 to 2 are sure to be open, so that nothing else can get these numbers. Shims and tasks begin with /dev/null as 0 and 1;
 * the stdout that was given to us is kept for the word that we are ready.
 */
static int set_stdio(struct launcher *l) {
  int null;
  do {
    null = open("/dev/null", O_RDWR);
    if (null < 0) return errno;
  } while (null <= 2);
  l->given_stdout = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (l->given_stdout < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0) return errno;
  close(null);
  return 0;
}

static void say_ready(struct launcher *l) {
  static const char ready[] = "ready\n";
  ssize_t written = write(l->given_stdout, ready, sizeof ready - 1);
  (void)written; /* nobody may want to know */
  close(l->given_stdout);
}

static int begin(struct launcher *l) {
  int error = set_stdio(l);
  if (error != 0) return error;
  umask(077);
  (void)!setsid(); /* fails for a process group leader: then it is out of the terminal's reach or meant to be in it */
  set_signals(l);
  if (l->signals < 0) return errno;
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return errno;
  crc32c_init();
  fit_files(l);
  error = setup_needs();
  if (error != 0) return error;
  error = setup_directories(l);
  if (error != 0) return error;
  setup_cgroup(l);
  setup_capabilities(l);
  uint32_t room = l->options.max_shims * JOURNAL_ROOM_A_SHIM;
  if (l->options.journal_size < 2 * room) l->table->journal_size = l->options.journal_size = 2 * room < 65536 ? 65536 : 2 * room;
  error = keeper_open(&l->keeper, l->table, l->journal);
  if (error != 0) {
    complain("cannot begin the journal in %s: %e", l->journal_path, error);
    return error;
  }
  setup_count_previous(l);
  if (pipe2(l->life, O_CLOEXEC) != 0) return errno;
  l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (l->wake < 0) return errno;
  error = places_init(l);
  if (error == 0) error = kept_init(&l->kept);
  if (error == 0 && madvise(&launcher, sizeof launcher, MADV_DONTFORK) != 0) error = errno;
  if (error != 0) return error;
  places_grow(l, l->options.shims, &error);
  if (error != 0) return error;
  return setup_listener(l);
}

void launcher_sync(struct launcher *l, uint64_t now) {
  uint64_t before = l->keeper.synced;
  l->last_sync = now;
  shared_store(l->table->wanted, 0);
  int full = keeper_advance(&l->keeper);
  if (full != 0 && l->sync_error == 0) complain("cannot make the next journal segment: %e", full);
  int error = keeper_sync(&l->keeper);
  if (error != 0 && l->sync_error == 0) complain("cannot sync the journal, trying again: %e", error);
  bool change = l->keeper.synced != before || (uint32_t)(error != 0 ? error : full) != l->sync_error;
  l->sync_error = (uint32_t)(error != 0 ? error : full);
  if (l->greeted && change) l->tell_synced = true;
  /* A record that was being written just now comes with the next one. */
  l->sync_at = l->sync_error != 0 ? now + SYNC_RETRY : l->keeper.written < shared_load(l->table->journal_tail) ? now + SYNC_PAUSE : 0;
  error = keeper_trim(&l->keeper);
  if (error != 0) complain("cannot give up an old journal segment: %e", error);
}

static void take_signals(struct launcher *l) {
  struct signalfd_siginfo info[8];
  ssize_t n = read(l->signals, info, sizeof info);
  for (ssize_t at = 0; at < n / (ssize_t)sizeof info[0]; at++)
    if (info[at].ssi_signo != SIGCHLD) places_retire(l);
  places_reap(l);
}

static void woken(struct launcher *l, uint64_t now) {
  uint64_t count;
  ssize_t n = read(l->wake, &count, sizeof count);
  (void)n; /* what counts is that it was readable */
  if (l->leases_at == 0) l->leases_at = now + LEASE_PAUSE;
  if (l->sync_at == 0) l->sync_at = now - l->last_sync >= SYNC_PAUSE ? now : l->last_sync + SYNC_PAUSE;
}

static int timeout_until(uint64_t next, uint64_t now) {
  if (next == UINT64_MAX) return -1;
  if (next <= now) return 0;
  uint64_t millis = (next - now + NANOS_PER_MILLI - 1) / NANOS_PER_MILLI;
  return millis > 1000000 ? 1000000 : (int)millis;
}

static void turn(struct launcher *l) {
  bool blocked = agent_blocked(l);
  bool taking = l->reply_length == 0; /* one request at a time */
  struct pollfd fds[5] = {{.fd = l->signals, .events = POLLIN},
                          {.fd = l->wake, .events = POLLIN},
                          {.fd = l->agent, .events = (short)((taking ? POLLIN : 0) | (blocked ? POLLOUT : 0))},
                          {.fd = l->listener, .events = POLLIN},
                          {.fd = l->agent < 0 ? l->kept.arrivals : -1, .events = POLLIN}};
  uint64_t next = places_next_retry(l);
  if (l->sync_at != 0 && l->sync_at < next) next = l->sync_at;
  if (l->previous_at != 0 && l->previous_at < next) next = l->previous_at;
  if (l->leases_at != 0 && l->leases_at < next) next = l->leases_at;
  if (poll(fds, 5, timeout_until(next, boottime_now())) < 0) {
    for (int n = 0; n < 5; n++) fds[n].revents = 0;
  }
  uint64_t now = boottime_now();
  if (fds[1].revents != 0) woken(l, now);
  if (l->sync_at != 0 && now >= l->sync_at) launcher_sync(l, now);
  if (fds[0].revents != 0) take_signals(l);
  places_retry(l, now);
  if (l->leases_at != 0 && now >= l->leases_at) l->leases_at = places_watch_leases(l, now) ? now + LEASE_PAUSE : 0;
  if (l->previous_at != 0 && now >= l->previous_at) {
    setup_count_previous(l);
    l->previous_at = l->previous > 0 ? now + PREVIOUS_PAUSE : 0;
  }
  if (fds[4].revents != 0) kept_look(&l->kept);
  if ((fds[2].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && taking) agent_receive(l);
  if ((fds[3].revents & POLLIN) != 0) agent_accept(l);
  agent_flush(l);
}

int main(int argc, char **argv) {
  struct launcher *l = &launcher.own;
  l->agent = l->listener = l->cgroup = l->ctl = -1;
  read_options(&l->options, argc, argv);
  int error = begin(l);
  if (error != 0) {
    complain("cannot start: %e", error);
    return 1;
  }
  say_ready(l);
  if (l->previous > 0) l->previous_at = boottime_now() + PREVIOUS_PAUSE;
  while (l->table->retiring == 0 || !places_empty(l)) turn(l);
  launcher_sync(l, boottime_now());
  agent_flush(l);
  setup_end(l);
  if (unlinkat(l->run, "launcher.sock", 0) != 0 && errno != ENOENT) complain("cannot remove launcher.sock: %e", errno);
  return 0;
}

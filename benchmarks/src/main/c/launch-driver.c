/*
 * launch-driver LAUNCHER RUN_DIR [--cgroup DIR] [--count N] [--shims N] [--program P] [--bare-count N] [--rounds N]
 * Drives a launcher over its sockets as an agent would, a task in flight for each shim, every guarantee on (claim, fresh leaf cgroup if one is given, FIFOs, exit
 * records synced in groups and awaited, acks). A round is bare loop, launcher, bare loop; a round counts only if others used less than 8% of the processors
 * in each of the three. Prints each round and the median ratio of those that count; exits with 3 and no ratio if none does.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare.h"
#include "foreign.h"
#include "test/client.h"

struct driver {
  struct client client;
  const char *program;
  unsigned count;
  unsigned started; /* over all rounds: uids must not come again */
  unsigned limit;
  unsigned ended;
  unsigned acked; /* asked for */
  unsigned unacked;
  struct orch_uid ack[ORCH_ACK_MAX];
  uint64_t last; /* position of the last exit */
  char *start;   /* header and body, patched for each task */
  size_t start_length;
  uint64_t *sent; /* ns, for each shim */
  double *latency;
  double rate;
  double foreign;
};

enum { ROUNDS_MAX = 50 };

#define FOREIGN_MAX 0.08

static void prepare(struct driver *d) {
  struct start s;
  start_begin(&s, &d->client, 1);
  start_strings(&s, ORCH_T_ARGV, (const char *[]){d->program, NULL});
  start_strings(&s, ORCH_T_ENV, (const char *[]){"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/", "LANG=C.UTF-8", "ORCH_JOB=bench", "ORCH_ATTEMPT=0", NULL});
  start_text(&s, ORCH_T_NAME, "bench/0@1");
  start_text(&s, ORCH_T_CWD, "/");
  s.fixed.flags |= ORCH_S_NO_NEW_PRIVS;
  d->start_length = sizeof(struct orch_header) + sizeof s.fixed + s.length;
  d->start = malloc(d->start_length);
  if (d->start == NULL) die("no memory");
  struct orch_header header = {.magic = ORCH_MAGIC, .version = 1, .type = ORCH_START, .length = (uint32_t)d->start_length, .slot = ORCH_NO_SLOT};
  memcpy(d->start, &header, sizeof header);
  memcpy(d->start + sizeof header, &s.fixed, sizeof s.fixed);
  memcpy(d->start + sizeof header + sizeof s.fixed, s.tlvs, s.length);
  start_free(&s);
}

static void start_one(struct driver *d, uint32_t shim) {
  struct orch_uid uid = client_uid(++d->started);
  uint64_t seq = ++d->client.seq[shim];
  memcpy(d->start + offsetof(struct orch_header, seq), &seq, sizeof seq);
  memcpy(d->start + sizeof(struct orch_header), &uid, sizeof uid);
  d->sent[shim] = nanos_now();
  if (write(d->client.shim[shim], d->start, d->start_length) != (ssize_t)d->start_length) die("cannot send START");
}

static void flush_acks(struct driver *d) {
  struct {
    struct orch_ack head;
    struct orch_uid uids[ORCH_ACK_MAX];
  } body = {.head = {.count = d->unacked}};
  if (d->unacked == 0) return;
  memcpy(body.uids, d->ack, d->unacked * sizeof d->ack[0]);
  client_send(&d->client, d->client.launcher, ORCH_ACK, 7, 0, &body, sizeof body.head + d->unacked * sizeof d->ack[0]);
  d->acked += d->unacked;
  d->unacked = 0;
}

static void take_exit(struct driver *d, uint32_t shim, const struct message *m) {
  if (m->header.type == ORCH_START_FAILED) {
    struct orch_start_failed f = failed_of(m);
    die("start failed at stage %u: %s", f.stage, strerror((int)f.error));
  }
  if (m->header.type != ORCH_EXITED) return; /* STARTED */
  struct orch_exit e = exit_of(m);
  if (e.si_code != 1 || e.exit_status != 0) die("a task ended with %d/%d", e.si_code, e.exit_status);
  d->latency[d->ended++] = (double)(nanos_now() - d->sent[shim]) / 1e6;
  d->ack[d->unacked++] = e.uid;
  if (position_of_event(m) > d->last) d->last = position_of_event(m);
  if (d->started < d->limit) start_one(d, shim);
  if (d->unacked == ORCH_ACK_MAX) flush_acks(d);
}

static void take_synced(struct driver *d, const struct message *m) {
  struct orch_synced s;
  if (m->header.type != ORCH_SYNCED) return;
  memcpy(&s, m->body, sizeof s);
  d->client.synced = s.synced;
}

static void drive(struct driver *d) {
  static struct message m;
  static struct pollfd fds[CLIENT_SHIMS_MAX + 1];
  uint32_t shims = d->client.shims;
  for (uint32_t n = 0; n < shims; n++) fds[n] = (struct pollfd){.fd = d->client.shim[n], .events = POLLIN};
  fds[shims] = (struct pollfd){.fd = d->client.launcher, .events = POLLIN};
  for (uint32_t n = 0; n < shims && d->started < d->limit; n++) start_one(d, n);
  while (d->ended < d->count || d->client.synced < d->last) {
    if (poll(fds, shims + 1, 20000) <= 0) die("nothing happened for 20 s: %u of %u ended", d->ended, d->count);
    for (uint32_t n = 0; n < shims; n++)
      if ((fds[n].revents & POLLIN) != 0 && client_next(fds[n].fd, &m, 0)) take_exit(d, n, &m);
    if ((fds[shims].revents & POLLIN) != 0 && client_next(fds[shims].fd, &m, 0)) take_synced(d, &m);
  }
  flush_acks(d);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static double pss_kib(uint32_t pid) {
  char path[64], line[128];
  double pss = -1;
  snprintf(path, sizeof path, "/proc/%u/smaps_rollup", pid);
  FILE *f = fopen(path, "r");
  if (f == NULL) return -1;
  while (fgets(line, sizeof line, f) != NULL)
    if (sscanf(line, "Pss: %lf", &pss) == 1) break;
  fclose(f);
  return pss;
}

static double mean_pss(const struct driver *d) {
  double sum = 0;
  for (uint32_t n = 0; n < d->client.shims; n++) sum += pss_kib(d->client.shim_pid[n]);
  return sum / d->client.shims;
}

/* Tasks that stay, to see what a guard costs while it guards. */
static void measure_guards(struct driver *d) {
  static struct message m;
  for (uint32_t n = 0; n < d->client.shims; n++) {
    struct start s;
    start_begin(&s, &d->client, UINT64_C(1) << 40 | n);
    start_strings(&s, ORCH_T_ARGV, (const char *[]){"/bin/sleep", "100", NULL});
    start_send(&s, &d->client, n);
    start_free(&s);
  }
  for (uint32_t n = 0; n < d->client.shims; n++) client_await(d->client.shim[n], ORCH_STARTED, &m);
  printf("PSS a busy shim: %.0f KiB (%u shims), launcher %.0f KiB\n", mean_pss(d), d->client.shims, pss_kib((uint32_t)d->client.launcher_pid));
  for (uint32_t n = 0; n < d->client.shims; n++) {
    struct orch_uid uid = client_uid(UINT64_C(1) << 40 | n);
    client_send(&d->client, d->client.shim[n], ORCH_KILL, ++d->client.seq[n], 0, &uid, sizeof uid);
  }
  for (uint32_t n = 0; n < d->client.shims; n++) client_await(d->client.shim[n], ORCH_EXITED, &m);
}

static double bare_phase(struct driver *d, unsigned count, unsigned loops) {
  struct cpu begin = cpu_now(NULL, 0);
  double rate = bare_loops(d->program, count, loops);
  struct cpu end = cpu_now(NULL, 0);
  double share = foreign_share(&begin, &end);
  if (share > d->foreign) d->foreign = share;
  return rate;
}

static void launcher_phase(struct driver *d) {
  pid_t pids[CLIENT_SHIMS_MAX + 1];
  size_t count = 0;
  pids[count++] = d->client.launcher_pid;
  for (uint32_t n = 0; n < d->client.shims; n++) pids[count++] = (pid_t)d->client.shim_pid[n];
  d->ended = 0;
  d->limit = d->started + d->count;
  struct cpu begin = cpu_now(pids, count);
  uint64_t from = nanos_now();
  drive(d);
  d->rate = d->count / ((double)(nanos_now() - from) / 1e9);
  struct cpu end = cpu_now(pids, count);
  double share = foreign_share(&begin, &end);
  if (share > d->foreign) d->foreign = share;
}

/* 1 if the round counts. */
static unsigned round_of(struct driver *d, unsigned bare_count, unsigned loops, double *ratio) {
  d->foreign = 0;
  double before = bare_phase(d, bare_count, loops);
  launcher_phase(d);
  double after = bare_phase(d, bare_count, loops);
  bool clean = d->foreign <= FOREIGN_MAX;
  *ratio = d->rate / ((before + after) / 2);
  qsort(d->latency, d->count, sizeof *d->latency, ascending);
  printf("bare %.0f/s and %.0f/s, launcher %.0f/s, start to exit p50 %.2f ms p99 %.2f ms, others %.0f%%: ", before, after, d->rate, d->latency[d->count / 2],
         d->latency[d->count * 99 / 100], d->foreign * 100);
  if (clean) printf("ratio %.2f\n", *ratio);
  else printf("disturbed, not counted\n");
  fflush(stdout);
  return clean;
}

int main(int argc, char **argv) {
  static struct driver d;
  const char *cgroup = NULL, *shims = NULL;
  unsigned bare_count = 4000, rounds = 5;
  unsigned loops = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
  char two_each[16];
  if (argc < 3 || argc % 2 == 0) {
    fprintf(stderr, "usage: launch-driver LAUNCHER RUN_DIR [--cgroup DIR] [--count N] [--shims N] [--program P] [--bare-count N] [--rounds N]\n");
    return 2;
  }
  d.program = "/bin/true";
  d.count = 10000;
  for (int n = 3; n < argc; n += 2) {
    if (strcmp(argv[n], "--cgroup") == 0) cgroup = argv[n + 1];
    else if (strcmp(argv[n], "--count") == 0) d.count = (unsigned)strtoul(argv[n + 1], NULL, 10);
    else if (strcmp(argv[n], "--shims") == 0) shims = argv[n + 1];
    else if (strcmp(argv[n], "--program") == 0) d.program = argv[n + 1];
    else if (strcmp(argv[n], "--bare-count") == 0) bare_count = (unsigned)strtoul(argv[n + 1], NULL, 10);
    else if (strcmp(argv[n], "--rounds") == 0) rounds = (unsigned)strtoul(argv[n + 1], NULL, 10);
    else die("unknown option %s", argv[n]);
  }
  if (rounds < 1 || rounds > ROUNDS_MAX) die("--rounds must be 1 to %d", ROUNDS_MAX);
  snprintf(two_each, sizeof two_each, "%u", 2 * loops);
  client_launch(&d.client, argv[1], argv[2], cgroup, (const char *[]){"--shims", shims != NULL ? shims : two_each, NULL});
  client_connect(&d.client, NULL);
  d.sent = calloc(d.client.shims, sizeof *d.sent);
  d.latency = calloc(d.count, sizeof *d.latency);
  if (d.sent == NULL || d.latency == NULL) die("no memory");
  prepare(&d);
  printf("%u x %s, %u shims, %s\n", d.count, d.program, d.client.shims,
         (d.client.welcome.capabilities & ORCH_CAP_CGROUP) != 0 ? "a fresh cgroup each" : "no cgroups");
  double ratios[ROUNDS_MAX];
  unsigned clean = 0;
  for (unsigned n = 0; n < rounds; n++) clean += round_of(&d, bare_count, loops, &ratios[clean]);
  if (clean > 0) {
    qsort(ratios, clean, sizeof ratios[0], ascending);
    printf("ratio to the bare loop: median %.2f, lowest %.2f, highest %.2f (%u of %u rounds undisturbed)\n", ratios[clean / 2], ratios[0], ratios[clean - 1], clean,
           rounds);
  } else {
    printf("no ratio: others used the processors in every round\n");
  }
  printf("PSS an idle shim: %.0f KiB\n", mean_pss(&d));
  measure_guards(&d);
  int code = client_end(&d.client);
  return code != 0 ? code : clean > 0 ? 0 : 3;
}

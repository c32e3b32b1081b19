#define _GNU_SOURCE
#include "foreign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static double ticks(void) { return (double)sysconf(_SC_CLK_TCK); }

static double seconds(const struct timeval *t) { return (double)t->tv_sec + (double)t->tv_usec / 1e6; }

static double usage(int who) {
  struct rusage u;
  getrusage(who, &u);
  return seconds(&u.ru_utime) + seconds(&u.ru_stime);
}

/* utime, stime, cutime and cstime; a process that has ended counts nothing (its parent's cutime has it). */
static double process_seconds(pid_t pid) {
  char path[64], text[1024];
  unsigned long long u, s, cu, cs;
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  FILE *f = fopen(path, "r");
  if (f == NULL) return 0;
  size_t n = fread(text, 1, sizeof text - 1, f);
  fclose(f);
  text[n] = '\0';
  const char *p = strrchr(text, ')');
  if (p == NULL || sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu", &u, &s, &cu, &cs) != 4) return 0;
  return (double)(u + s + cu + cs) / ticks();
}

struct cpu cpu_now(const pid_t *pids, size_t count) {
  unsigned long long v[8] = {0};
  FILE *f = fopen("/proc/stat", "r");
  if (f == NULL || fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6, v + 7) != 8) {
    fprintf(stderr, "cannot read /proc/stat\n");
    exit(1);
  }
  fclose(f);
  struct cpu c = {.busy = (double)(v[0] + v[1] + v[2] + v[5] + v[6] + v[7]) / ticks(), .idle = (double)(v[3] + v[4]) / ticks()};
  c.own = usage(RUSAGE_SELF) + usage(RUSAGE_CHILDREN);
  for (size_t n = 0; n < count; n++) c.own += process_seconds(pids[n]);
  return c;
}

double foreign_share(const struct cpu *begin, const struct cpu *end) {
  double all = end->busy + end->idle - begin->busy - begin->idle;
  double others = (end->busy - begin->busy) - (end->own - begin->own);
  if (all <= 0 || others < 0) return 0;
  return others / all;
}

/*
 * guard-memory LAUNCHER RUN_DIR [--cgroup DIR] [--tasks N]
 * What a guard costs: memory (PSS) of the shims, fresh, each with a sleeping task, idle after its end, and busy again. One shim a task. The last line is
 * the mean of a busy shim the second time: all that a shim ever touched is in it.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "test/client.h"

static struct client client;
static struct message message;

static double pss_kib(uint32_t pid) {
  char path[64], line[128];
  double pss = -1;
  snprintf(path, sizeof path, "/proc/%u/smaps_rollup", pid);
  FILE *f = fopen(path, "r");
  if (f == NULL) die("cannot read %s", path);
  while (fgets(line, sizeof line, f) != NULL)
    if (sscanf(line, "Pss: %lf", &pss) == 1) break;
  fclose(f);
  return pss;
}

static void tell(const char *when) {
  double sum = 0, most = 0;
  for (uint32_t n = 0; n < client.shims; n++) {
    double pss = pss_kib(client.shim_pid[n]);
    sum += pss;
    if (pss > most) most = pss;
  }
  printf("%-26s PSS a shim: %.1f KiB, most %.1f KiB; launcher %.0f KiB\n", when, sum / client.shims, most, pss_kib((uint32_t)client.launcher_pid));
}

static void begin(uint64_t first) {
  for (uint32_t n = 0; n < client.shims; n++) {
    struct start s;
    start_begin(&s, &client, first + n);
    start_strings(&s, ORCH_T_ARGV, (const char *[]){"/bin/sh", "-c", "echo here; exec sleep 1000", NULL});
    start_strings(&s, ORCH_T_ENV, (const char *[]){"PATH=/usr/bin:/bin", "HOME=/", "LANG=C.UTF-8", NULL});
    start_text(&s, ORCH_T_NAME, "sleeper/0@1");
    start_send(&s, &client, n);
    start_free(&s);
  }
  for (uint32_t n = 0; n < client.shims; n++) client_await(client.shim[n], ORCH_STARTED, &message);
  sleep(2); /* their output is read */
}

static void end(uint64_t first) {
  for (uint32_t n = 0; n < client.shims; n++) {
    struct orch_uid uid = client_uid(first + n);
    client_send(&client, client.shim[n], ORCH_KILL, ++client.seq[n], 0, &uid, sizeof uid);
  }
  for (uint32_t n = 0; n < client.shims; n++) client_await(client.shim[n], ORCH_EXITED, &message);
}

int main(int argc, char **argv) {
  const char *cgroup = NULL, *tasks = "1000";
  if (argc < 3 || argc % 2 == 0) {
    fprintf(stderr, "usage: guard-memory LAUNCHER RUN_DIR [--cgroup DIR] [--tasks N]\n");
    return 2;
  }
  for (int n = 3; n < argc; n += 2) {
    if (strcmp(argv[n], "--cgroup") == 0) cgroup = argv[n + 1];
    else if (strcmp(argv[n], "--tasks") == 0) tasks = argv[n + 1];
    else die("unknown option %s", argv[n]);
  }
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) die("cannot ask for RLIMIT_NOFILE");
  files.rlim_cur = files.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &files) != 0) die("cannot raise RLIMIT_NOFILE");
  client_launch(&client, argv[1], argv[2], cgroup, (const char *[]){"--shims", tasks, "--max-shims", tasks, NULL});
  client_connect(&client, NULL);
  printf("%u shims\n", client.shims);
  tell("fresh,");
  begin(1000000);
  tell("with a sleeping task each,");
  end(1000000);
  tell("idle after that,");
  begin(2000000);
  tell("with a task each again,");
  end(2000000);
  return client_end(&client);
}

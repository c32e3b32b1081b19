#define _GNU_SOURCE
#include "bare.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run(const char *program, unsigned count) {
  for (unsigned n = 0; n < count; n++) {
    char *argv[] = {(char *)program, NULL};
    pid_t pid;
    int status;
    int error = posix_spawn(&pid, program, NULL, NULL, argv, environ);
    if (error != 0) {
      fprintf(stderr, "cannot start %s: %s\n", program, strerror(error));
      return 1;
    }
    if (waitpid(pid, &status, 0) != pid || status != 0) {
      fprintf(stderr, "%s did not end with 0\n", program);
      return 1;
    }
  }
  return 0;
}

double bare_loops(const char *program, unsigned count, unsigned loops) {
  double begin = seconds();
  for (unsigned n = 0; n < loops; n++) {
    pid_t pid = fork();
    if (pid < 0) {
      fprintf(stderr, "cannot fork: %s\n", strerror(errno));
      exit(1);
    }
    if (pid == 0) _exit(run(program, count / loops + (n < count % loops)));
  }
  for (unsigned n = 0; n < loops; n++) {
    int status;
    if (wait(&status) < 0 || status != 0) exit(1);
  }
  return count / (seconds() - begin);
}

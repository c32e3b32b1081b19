/* bare-loop [COUNT [LOOPS [PROGRAM]]]: prints runs a second of posix_spawn and wait. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bare.h"

int main(int argc, char **argv) {
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  unsigned count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 4000;
  unsigned loops = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : processors > 0 ? (unsigned)processors : 1;
  const char *program = argc > 3 ? argv[3] : "/bin/true";
  if (count == 0 || loops == 0) {
    fprintf(stderr, "usage: bare-loop [COUNT [LOOPS [PROGRAM]]]\n");
    return 2;
  }
  printf("%.0f runs/s (%u runs of %s in %u loops)\n", bare_loops(program, count, loops), count, program, loops);
  return 0;
}

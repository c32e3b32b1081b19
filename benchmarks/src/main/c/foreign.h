/*
 * How much of the processors others used in a phase. A ratio of two phases means nothing while a compiler runs beside them: under the
 * fair scheduler the phase with more processes takes more from it, and looks better than it is (seen: 1.7 instead of 0.7).
 */
#ifndef ORCH_FOREIGN_H
#define ORCH_FOREIGN_H

#include <stddef.h>
#include <sys/types.h>

struct cpu {
  double busy; /* s of all processors, everybody */
  double idle;
  double own;  /* s of this process, the children it waited for, and the given processes with theirs */
};

/* Ends the program with a sentence if /proc does not say. */
struct cpu cpu_now(const pid_t *pids, size_t count);

/* Share of all processors' time that neither was idle nor ours, 0 to 1. */
double foreign_share(const struct cpu *begin, const struct cpu *end);

#endif

/* A wait status and its rusage on their way into the table: by the shim, or by the launcher for an adopted task. */
#ifndef ORCH_USAGE_H
#define ORCH_USAGE_H

#include <sys/resource.h>

#include "base.h"
#include "spawn.h"
#include "table.h"

static inline uint64_t usage_micros(const struct timeval *t) { return (uint64_t)t->tv_sec * 1000000 + (uint64_t)t->tv_usec; }

/* `exited_boot` is written last: with it the rest is valid. */
static inline void usage_store(struct orch_slot *slot, int code, int status, const struct rusage *usage) {
  uint64_t values[9] = {usage_micros(&usage->ru_utime),  usage_micros(&usage->ru_stime),  (uint64_t)usage->ru_maxrss,
                        (uint64_t)usage->ru_minflt,      (uint64_t)usage->ru_majflt,      (uint64_t)usage->ru_inblock,
                        (uint64_t)usage->ru_oublock,     (uint64_t)usage->ru_nvcsw,       (uint64_t)usage->ru_nivcsw};
  for (int n = 0; n < 9; n++) slot->usage[n] = values[n];
  uint64_t report = shared_load(slot->start_report);
  if (report_executed(report) && (report & SPAWN_ENDED) != 0) {
    /* Who ended is the init of the leader's PID namespace, and it has said how the leader did. */
    code = (int)(report >> 8 & 0xFF);
    status = (int)(report & 0xFF);
  }
  slot->si_code = code;
  slot->exit_status = status;
  slot->exit_flags |= ORCH_E_RUSAGE;
  slot->exited_real = realtime_now();
  shared_store(slot->exited_boot, boottime_now());
}

#endif

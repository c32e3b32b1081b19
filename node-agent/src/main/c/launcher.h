/* The launcher: makes shims, keeps the journal, adopts the tasks of dead shims, talks with one agent. */
#ifndef ORCH_LAUNCHER_H
#define ORCH_LAUNCHER_H

#include <limits.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "keeper.h"
#include "kept.h"
#include "table.h"

enum { NOTES_MAX = 12, NOTE_MAX = 320, REPLY_MAX = 512 };

struct options {
  const char *run_dir;
  const char *cgroup;
  const char *journal_dir;
  const char *segments_dir;
  uint32_t shims;
  uint32_t max_shims;
  uint32_t journal_size;
  bool no_clone_into; /* tests: as if the kernel could not */
  bool no_kill;
};

/* What the launcher alone knows of a slot: not copied into shims. */
struct place {
  pid_t pid;            /* of the shim; 0: none */
  int agent_end;        /* of its socket */
  int shim_end;
  int fifo[2];
  bool made;            /* sockets and FIFOs are there */
  bool tell_shim;       /* SHIM is to be sent */
  bool tell_dead;       /* SHIM_DEAD is to be sent */
  uint64_t born;        /* boottime of the last fork */
  uint64_t retry_at;    /* when to fork the next replacement; 0: not */
  struct orch_shim_dead dead;
};

struct launcher {
  struct options options;
  char run_path[PATH_MAX];        /* of the generation's directory */
  char journal_path[PATH_MAX];
  char segments_path[PATH_MAX];
  char cgroup_path[PATH_MAX];     /* empty: none */
  char notes[NOTES_MAX][NOTE_MAX];
  uint32_t note_count;
  uint64_t capabilities;
  uint32_t generation_number;
  uint32_t previous;              /* live shims of earlier generations */
  int run;
  int generation;
  int journal;
  int segments;
  int cgroup;                     /* -1: none */
  int ctl;                        /* cgroup of the shims */
  int lock;
  int given_stdout;
  int life[2];
  int wake;
  int signals;
  int listener;
  struct rlimit files;            /* RLIMIT_NOFILE as it was given to us, for shims and tasks */
  struct orch_table *table;
  struct keeper keeper;
  struct kept_set kept;           /* for agents to come */
  struct place *places;
  uint32_t shims;                 /* places made so far */

  /* the agent */
  int agent;
  bool greeted;
  bool gone;                      /* what it sent is read, and nothing is sent to it */
  bool tell_welcome, tell_ready, tell_grown, tell_synced, tell_kept;
  uint64_t welcome_seq, grown_seq, kept_seq;
  struct orch_grown grown;
  size_t reply_length;
  char reply[REPLY_MAX];

  /* syncing */
  uint64_t sync_at;               /* boottime; 0: nothing to sync */
  uint64_t last_sync;
  uint64_t leases_at;             /* when to look for leases that a shim did not keep; 0: none runs */
  uint64_t previous_at;           /* when to look again for shims of earlier generations */
  uint32_t sync_error;
};

/* Adds a sentence for people, in text_format's format, and says it on stderr. */
void launcher_note(struct launcher *launcher, const char *format, ...);

/* places.c */
int places_init(struct launcher *launcher);
uint32_t places_grow(struct launcher *launcher, uint32_t count, int *error);
void places_reap(struct launcher *launcher);
void places_retry(struct launcher *launcher, uint64_t now);
uint64_t places_next_retry(const struct launcher *launcher);
void places_retire(struct launcher *launcher);
bool places_watch_leases(struct launcher *launcher, uint64_t now);
bool places_empty(const struct launcher *launcher);

/* agent.c */
void agent_accept(struct launcher *launcher);
void agent_receive(struct launcher *launcher);
void agent_flush(struct launcher *launcher);
bool agent_blocked(const struct launcher *launcher);

/* setup.c */
int setup_needs(void);
int setup_directories(struct launcher *launcher);
void setup_cgroup(struct launcher *launcher);
void setup_capabilities(struct launcher *launcher);
void setup_count_previous(struct launcher *launcher);
int setup_listener(struct launcher *launcher);
void setup_end(struct launcher *launcher);

void launcher_sync(struct launcher *launcher, uint64_t now);

#endif

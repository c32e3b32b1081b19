/* Keeping the journal: the launcher alone. Syncs in groups, makes segments ahead, knows what is not acked, gives up old segments. */
#ifndef ORCH_KEEPER_H
#define ORCH_KEEPER_H

#include "journal.h"

enum { KEEPER_OUTSTANDING_MAX = 49152, KEEPER_SEGMENTS_KEPT = 3, KEEPER_CARRY_MAX = 4096 };

struct keeper {
  struct journal journal;
  uint64_t synced;         /* all before is durable */
  uint64_t written;        /* all before is final: records or holes that stay */
  uint32_t oldest;         /* number of the oldest segment kept */
  uint32_t first_own;      /* number of this launcher's first segment */
  uint32_t carried;        /* number of the segment whose records were carried last */
  uint64_t carried_end;    /* end of the last carried record */
  uint32_t outstanding;    /* attempts claimed and not acked */
  uint32_t used;           /* slots of the table that were ever used */
  bool overflow;           /* more outstanding than the memory holds: nothing is given up */
  bool previous;           /* shims of earlier launchers live: their segments stay */
  bool rewrite;            /* the last sync failed: write the pages again before the next */
  struct orch_uid *uids;   /* open addressing, zeros: free */
};

/* Reads what earlier launchers left in `directory` and makes the first own segment. 0 or an errno. */
int keeper_open(struct keeper *keeper, struct orch_table *table, int directory);

/* Makes durable what is written; 0 or the errno of the sync. Then `synced` has moved. */
int keeper_sync(struct keeper *keeper);

/* True if there is something to sync. */
bool keeper_dirty(const struct keeper *keeper);

/* Makes the next segment if the newest is half full; 0 or an errno (tried again at the next call). */
int keeper_advance(struct keeper *keeper);

/* Gives up old segments, oldest first, carrying what is not acked. 0 or an errno. */
int keeper_trim(struct keeper *keeper);

/* Appends an ACK record; its end in `end`. 0 or an errno. */
int keeper_ack(struct keeper *keeper, const struct orch_uid *uids, uint32_t count, uint64_t *end);

#endif

/* Appending to the journal: by every shim and by the launcher. */
#ifndef ORCH_JOURNAL_H
#define ORCH_JOURNAL_H

#include <stdbool.h>
#include <sys/uio.h>

#include "protocol_files.h"
#include "table.h"

enum {
  JOURNAL_HEAD = 128,           /* bytes of a segment's first record with its padding */
  JOURNAL_ROOM_A_SHIM = 1024,   /* kept free in a segment so that what has begun can always be ended */
  JOURNAL_PATH_MAX = 32,
};

/* May the record use the room kept for ends? */
enum journal_room { JOURNAL_BEGIN, JOURNAL_END };

struct journal {
  struct orch_table *table;
  struct orch_slot *slot; /* its `appending` is set while a record is written; NULL in the launcher */
  int directory;
  int fd;                 /* open segment, -1: none */
  uint32_t number;        /* of the open segment */
};

static inline uint32_t position_number(uint64_t position) { return (uint32_t)(position >> 32); }
static inline uint32_t position_offset(uint64_t position) { return (uint32_t)position; }
static inline uint64_t position_of(uint32_t number, uint32_t offset) { return (uint64_t)number << 32 | offset; }
static inline uint32_t record_padded(uint32_t length) {
  return (length + ORCH_RECORD_ALIGN - 1) & ~(uint32_t)(ORCH_RECORD_ALIGN - 1);
}

void journal_path(uint32_t number, char path[JOURNAL_PATH_MAX]);

/* Fills head and CRC of the record in `buffer`, pads it; the payload is in place. Returns the padded length. */
uint32_t journal_seal(char buffer[ORCH_RECORD_MAX], uint16_t type, uint32_t payload, uint64_t position);

/*
 * Appends one record of up to two parts. 0 and its end in `end`, or an errno: ENOSPC when the segment is full and the launcher
 * has not made the next one, EFBIG when it is too long. A failed write leaves a hole that readers pass over.
 */
int journal_append(struct journal *journal, uint16_t type, enum journal_room room, const void *first, size_t first_length,
                   const void *second, size_t second_length, uint64_t *end);

/* True if `record` (with `available` bytes behind it) is the whole record that belongs at `position`. */
bool journal_valid(const struct orch_record *record, uint32_t available, uint64_t position);

/* Makes all that was appended durable: for a shim whose launcher is dead. 0 or an errno. */
int journal_sync(struct journal *journal);

/* Makes a preallocated segment with its first record, durable with its directory entry. 0 or an errno. */
int journal_make(int directory, uint32_t number, const struct orch_table *table);

#endif

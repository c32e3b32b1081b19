/* Readers of journal and log segments, written from the document alone, so that they check the writers. */
#ifndef ORCH_TEST_READERS_H
#define ORCH_TEST_READERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../protocol_files.h"

typedef void (*record_reader)(void *context, uint16_t type, const char *payload, uint32_t length, bool carried);

/* Every valid record of every segment in order of their numbers; returns how many. Also counts the segments. */
uint32_t read_journal(const char *directory, record_reader each, void *context, uint32_t *segments);

/* How many records of this type the journal has for the attempt; the payload of the first in `payload` (may be NULL). */
uint32_t journal_count(const char *directory, uint16_t type, uint64_t sequence, void *payload, size_t size);

struct stream {
  char *bytes;
  size_t length;
  uint32_t frames;
  uint32_t partial;
  uint32_t no_newline;
};

struct log {
  struct stream stream[3]; /* by its number; 0 is unused */
  uint64_t lost_lines;     /* by LOSS frames */
  uint64_t lost_bytes;
  uint64_t lines_before;   /* of the first segment kept */
  uint32_t segments;
  uint32_t first;
  bool torn;               /* bytes behind the last whole frame of a segment */
  char *both;              /* both streams in order of reading */
  size_t both_length;
};

void read_log(const char *directory, uint64_t sequence, struct log *log);
void free_log(struct log *log);

#endif

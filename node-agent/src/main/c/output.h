/* Task output: from the slot's two FIFOs into framed, rotated log segments. */
#ifndef ORCH_OUTPUT_H
#define ORCH_OUTPUT_H

#include <stdbool.h>

#include "protocol_files.h"
#include "table.h"

#define OUTPUT_FLUSH_NANOS (50 * NANOS_PER_MILLI) /* an unfinished line is written after this long */

struct output {
  struct orch_slot *slot; /* where positions and counts stand, so that a replacement can go on */
  int directory;          /* SEGMENTS */
  int reader[2];          /* stdout, stderr: non-blocking */
  int terminal;           /* of the attempt: read in place of stdout; -1: none */
  int segment;            /* the newest segment, -1: not open */
  uint64_t unflushed;     /* boottime of the oldest unfinished line; 0: none */
  uint64_t lost_lines;    /* not told by a LOSS frame yet */
  uint64_t lost_bytes;
  uint32_t lost_cause;
  uint32_t lost_error;
};

/* Begins an attempt: nothing is made on disk. */
void output_begin(struct output *output, uint64_t log_segment, uint64_t log_total, uint32_t line_max);

/* Goes on where a dead shim stopped: what it left half written is cut off. */
void output_resume(struct output *output);

/* Reads what a FIFO holds, at most once or until it is empty; true if there may be more. */
bool output_read(struct output *output, int stream);

/* Writes unfinished lines as PARTIAL frames. */
void output_flush(struct output *output);

/* Reads both FIFOs until they are empty, ends the streams and closes the segment. */
void output_end(struct output *output);

#endif

/* The part of protocol.h about what launcher and shims leave on the disk: the journal and the tasks' output; the same rules hold. */
#ifndef ORCH_PROTOCOL_FILES_H
#define ORCH_PROTOCOL_FILES_H

#include "protocol.h"

/* ---- the journal: JOURNAL/<number, 8 hex digits>.journal ---- */

enum {
  ORCH_J_SEGMENT = 1,       /* first record of a segment */
  ORCH_J_CLAIM = 2,
  ORCH_J_STARTED = 3,       /* payload: struct orch_started */
  ORCH_J_START_FAILED = 4,  /* payload: struct orch_start_failed */
  ORCH_J_LEADER = 5,        /* payload: struct orch_exit, as far as known when only the leader has ended */
  ORCH_J_EXIT = 6,          /* payload: struct orch_exit */
  ORCH_J_ACK = 7,           /* payload: struct orch_ack and its uids */
  ORCH_J_CARRY = 8,         /* payload: struct orch_carry and the payload of the record carried */
};

struct orch_record {
  uint32_t magic;     // ORCH_RECORD_MAGIC, the bytes "ORCJ"
  uint32_t crc;       // CRC32C of bytes 8 to length - 1
  uint32_t length;    // bytes with this header, without padding; at most 1024
  uint16_t type;      // see the list
  uint16_t version;   // 1
  uint64_t position;  // its own: segment number << 32 | offset in the file
  uint64_t realtime;  // ns, when it was written
};
static_assert(sizeof(struct orch_record) == 32, "layout");

struct orch_segment_start {
  uint32_t number;          // of the segment
  uint32_t generation;      // of the launcher that made it
  uint32_t size;            // bytes of the file
  uint32_t launcher_pid;    //
  uint64_t launcher_start;  // field 22 of /proc/PID/stat
  uint8_t boot_id[16];      // boot in which it was made
};
static_assert(sizeof(struct orch_segment_start) == 40, "layout");

struct orch_claim {
  struct orch_uid uid;    // the attempt
  uint8_t boot_id[16];    // the boot
  uint32_t slot;          // of the shim
  uint32_t shim_pid;      //
  uint32_t generation;    // of the launcher
  uint32_t zero;          // 0
  uint64_t seq;           // of the START
  uint64_t request_hash;  // of START
  uint64_t boottime;      // ns
  char leaf[64];          // leaf cgroup, NUL-ended; empty: none
  char name[96];          // for people, NUL-ended
};
static_assert(sizeof(struct orch_claim) == 232, "layout");

struct orch_carry {
  uint64_t position;  // where the record stood first
  uint64_t realtime;  // its time there
  uint16_t type;      // its type: CLAIM, STARTED, START_FAILED, LEADER or EXIT
  uint16_t version;   // its version
  uint32_t length;    // bytes of its payload, which follows
};
static_assert(sizeof(struct orch_carry) == 24, "layout");

/* ---- task output: SEGMENTS/<last 2 hex digits of the uid>/<uid, 32 hex digits>.<number, decimal>.seg ---- */

struct orch_log_head {
  uint32_t magic;       // ORCH_SEGMENT_MAGIC, the bytes "ORCS"
  uint32_t version;     // 1
  struct orch_uid uid;  // the attempt
  uint32_t number;      // of the segment, from 0
  uint32_t zero;        // 0
  uint64_t realtime;    // ns, when it was made
  uint64_t lines_before;  // lines (cut ones too) written to earlier segments
  uint64_t bytes_before;  // payload bytes written to earlier segments
  uint64_t zero2;         // 0
};
static_assert(sizeof(struct orch_log_head) == 64, "layout");

#define ORCH_F_PARTIAL 1u     /* the line goes on in the next frame of this stream */
#define ORCH_F_NO_NEWLINE 2u  /* the stream ended here without a final newline */
#define ORCH_F_LOSS 4u        /* payload: struct orch_loss: what was lost before this frame */

struct orch_frame {
  uint16_t magic;     // ORCH_FRAME_MAGIC, the bytes "OF"
  uint8_t stream;     // 1 stdout, 2 stderr; 0 in a LOSS frame for both
  uint8_t flags;      // 1 PARTIAL, 2 NO_NEWLINE, 4 LOSS
  uint32_t length;    // bytes of the payload, at most 65536; the line without its newline
  uint64_t realtime;  // ns, when it was read from the task
  uint32_t crc;       // CRC32C of bytes 0 to 15 and the payload
  uint32_t zero;      // 0
};
static_assert(sizeof(struct orch_frame) == 24, "layout");

struct orch_loss {
  uint64_t lines;   // lost since the last LOSS frame
  uint64_t bytes;   // lost since the last LOSS frame
  uint32_t cause;   // 1 log_total reached, 2 write failed
  uint32_t error;   // errno of the failed write
};
static_assert(sizeof(struct orch_loss) == 24, "layout");

#endif

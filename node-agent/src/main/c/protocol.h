/*
 * Layouts shared by launcher, shims and the agent: socket messages and the shim table; journal records and log frames are in protocol_files.h.
 * Little endian, natural alignment, no implicit padding. docs/launcher-protocol.md is the same in words and tables.
 * Format: one field per line, "type name; // meaning"; the tables of the document are made from these lines.
 */
#ifndef ORCH_PROTOCOL_H
#define ORCH_PROTOCOL_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define ORCH_MAGIC 0x4843524Fu          /* "ORCH": a socket message */
#define ORCH_TABLE_MAGIC 0x5443524Fu    /* "ORCT": the shim table */
#define ORCH_RECORD_MAGIC 0x4A43524Fu   /* "ORCJ": a journal record */
#define ORCH_SEGMENT_MAGIC 0x5343524Fu  /* "ORCS": head of a log segment */
#define ORCH_FRAME_MAGIC 0x464Fu        /* "OF": a log frame */

enum {
  ORCH_VERSION = 1,
  ORCH_MESSAGE_MAX = 65536,       /* bytes of one datagram */
  ORCH_START_MAX = 4194304,       /* bytes of a START put together from its parts, without headers */
  ORCH_RECORD_MAX = 1024,         /* bytes of one journal record, with header and padding */
  ORCH_RECORD_ALIGN = 64,
  ORCH_LEAF_MAX = 64,             /* bytes of a leaf's name with its NUL */
  ORCH_NAME_MAX = 96,             /* bytes of an attempt's name for people with its NUL */
  ORCH_ACK_MAX = 56,              /* uids in one ACK message or record */
  ORCH_SHIMS_MAX = 4096,
  ORCH_PASSED_FDS_MAX = 24,
  ORCH_FRAME_PAYLOAD_MAX = 65536,
};

#define ORCH_NO_SLOT 0xFFFFFFFFu

/* Target number of a passed fd that the shim keeps for itself. */
#define ORCH_FD_KEPT 63u

/* Types of socket messages. */
enum {
  /* agent -> launcher */
  ORCH_HELLO = 1,
  ORCH_GROW = 2,
  ORCH_ACK = 3,
  ORCH_SYNC = 4,
  ORCH_SHUTDOWN = 5,
  /* agent -> launcher, agent -> shim */
  ORCH_PING = 15,
  /* agent -> shim */
  ORCH_START = 16,
  ORCH_SIGNAL = 17,
  ORCH_KILL = 18,
  ORCH_FREEZE = 19,
  ORCH_THAW = 20,
  ORCH_SET_DEADLINE = 21,
  ORCH_STOP = 22,
  ORCH_EXTEND_STOP = 23,
  ORCH_EXEC = 30,
  ORCH_EXEC_SIGNAL = 31,
  ORCH_INPUT_GET = 32,
  ORCH_INPUT_END = 33,
  ORCH_SET_LEASE = 50,
  /* shim -> agent */
  ORCH_EXEC_STARTED = 35,
  ORCH_EXEC_FAILED = 36,
  ORCH_EXEC_EXITED = 37,
  ORCH_INPUT = 38,
  /* launcher -> agent */
  ORCH_WELCOME = 64,
  ORCH_SHIM = 65,
  ORCH_READY = 66,
  ORCH_GROWN = 67,
  ORCH_SHIM_DEAD = 68,
  ORCH_ACKED = 69,
  ORCH_SYNCED = 70,
  /* launcher -> agent, shim -> agent */
  ORCH_PONG = 78,
  ORCH_REFUSED = 79,
  /* shim -> agent */
  ORCH_STARTED = 80,
  ORCH_START_FAILED = 81,
  ORCH_LEADER_EXITED = 82,
  ORCH_EXITED = 83,
  ORCH_DONE = 84,
  ORCH_STOPPING = 85,
  ORCH_STUCK = 86,
};

/* Bit of orch_header.flags: the body goes on in the next datagram of the same type and seq (START only). */
#define ORCH_MORE 1u

struct orch_header {
  uint32_t magic;   // ORCH_MAGIC, the bytes "ORCH"
  uint16_t version; // 1
  uint16_t type;    // see the list of types
  uint32_t length;  // of the datagram, this header included
  uint32_t flags;   // bit 0 MORE: the body goes on in the next datagram (START only)
  uint64_t seq;     // request number; an answer repeats it, an event carries that of the START
  uint32_t slot;    // slot of the shim; 0xFFFFFFFF between agent and launcher
  uint32_t zero;    // 0
};
static_assert(sizeof(struct orch_header) == 32, "layout");

struct orch_uid {
  uint32_t incarnation; // of the cluster
  uint32_t epoch;       // of the leader
  uint64_t sequence;    // within the epoch
};
static_assert(sizeof(struct orch_uid) == 16, "layout");

/* A tagged value: in WELCOME and START after the fixed part. The next one begins at the next multiple of 8 bytes. */
struct orch_tlv {
  uint16_t tag;    // see the tags
  uint16_t zero;   // 0
  uint32_t length; // bytes of the value, without padding
};
static_assert(sizeof(struct orch_tlv) == 8, "layout");

/* ---- agent <-> launcher ---- */

struct orch_hello {
  uint32_t version_min; // oldest protocol version the agent speaks
  uint32_t version_max; // newest
};
static_assert(sizeof(struct orch_hello) == 8, "layout");

/* Capabilities in WELCOME. */
#define ORCH_CAP_CGROUP (UINT64_C(1) << 0)        /* attempts get leaf cgroups (clone into a cgroup was tried and works) */
#define ORCH_CAP_KILL (UINT64_C(1) << 1)          /* cgroup.kill was tried and works */
#define ORCH_CAP_FREEZE (UINT64_C(1) << 2)        /* cgroup.freeze is there (without: SIGSTOP and SIGCONT to the tree) */
#define ORCH_CAP_PIDFD_INFO (UINT64_C(1) << 3)    /* PIDFD_GET_INFO with exit status (Linux 6.15) */
#define ORCH_CAP_ROOT (UINT64_C(1) << 4)          /* may change users, raise limits, lower oom_score_adj */
#define ORCH_CAP_LANDLOCK (UINT64_C(1) << 5)      /* path rules can be kept */
#define ORCH_CAP_PID_NAMESPACE (UINT64_C(1) << 6) /* tasks may have a PID namespace of their own (it was tried) */
#define ORCH_CAP_JOIN (UINT64_C(1) << 7)          /* no clone into a cgroup here: a child moves to its leaf before anything else */
#define ORCH_CAP_MEMORY (UINT64_C(1) << 8)        /* controller enabled for leaves */
#define ORCH_CAP_CPU (UINT64_C(1) << 9)
#define ORCH_CAP_PIDS (UINT64_C(1) << 10)
#define ORCH_CAP_IO (UINT64_C(1) << 11)
#define ORCH_CAP_CPUSET (UINT64_C(1) << 12)
#define ORCH_CAP_PRESSURE (UINT64_C(1) << 13)     /* *.pressure files are there */
#define ORCH_CAP_EXTEND_STOP (UINT64_C(1) << 15)  /* EXTEND_STOP is understood */

struct orch_welcome {
  uint32_t version;         // the version spoken from here on
  uint32_t launcher_pid;    // pid of the launcher
  uint64_t launcher_start;  // its start time: field 22 of /proc/PID/stat
  uint8_t boot_id[16];      // of this boot, as the 16 bytes of the UUID's text
  uint64_t capabilities;    // bits, see the list
  uint32_t generation;      // of this launcher in this run directory, from 1
  uint32_t shims;           // shims that follow
  uint32_t max_shims;       // GROW reaches no further
  uint32_t journal_size;    // bytes of each journal segment
  uint32_t journal_oldest;  // number of the oldest segment kept
  uint32_t previous;        // live shims of earlier generations (left by a dead launcher)
  uint64_t tail;            // journal position after the last reserved record
  uint64_t synced;          // journal position up to which all is durable
};
static_assert(sizeof(struct orch_welcome) == 80, "layout");

/* Tags in WELCOME; each value is text without NUL. */
enum {
  ORCH_W_RUN_DIR = 1,      /* the generation's directory: RUN/g<generation, 8 hex digits> */
  ORCH_W_JOURNAL_DIR = 2,
  ORCH_W_SEGMENTS_DIR = 3,
  ORCH_W_CGROUP = 4,       /* absent: none */
  ORCH_W_NOTE = 5,         /* one sentence for a person: what could not be had and why; repeated */
};

/* SHIM carries the agent's end of the shim's socket by SCM_RIGHTS. */
struct orch_shim_info {
  uint32_t slot;        // its slot in the table
  uint32_t pid;         // of the shim
  uint64_t start;       // its start time, field 22 of /proc/PID/stat
  uint64_t last_seq;    // highest request number that it has taken; the next must be higher
  struct orch_uid uid;  // attempt it guards; zeros: none
  uint32_t state;       // of the slot, see the table
  uint32_t zero;        // 0
};
static_assert(sizeof(struct orch_shim_info) == 48, "layout");

struct orch_grow {
  uint32_t count; // shims wanted in addition
  uint32_t zero;  // 0
};
static_assert(sizeof(struct orch_grow) == 8, "layout");

struct orch_grown {
  uint32_t added; // new shims; a SHIM message for each came before this one
  uint32_t error; // errno of the first that could not be made, 0: none; ENOSPC: max_shims reached
};
static_assert(sizeof(struct orch_grown) == 8, "layout");

struct orch_shim_dead {
  uint32_t slot;        // slot of the dead shim
  uint32_t pid;         // pid of the dead shim
  uint32_t new_pid;     // pid of its replacement on the same slot, socket and FIFOs; 0: could not be made yet
  uint32_t state;       // of the slot at the death
  uint64_t last_seq;    // highest request number taken by the dead one
  struct orch_uid uid;  // attempt it guarded, which its replacement now guards; zeros: none
};
static_assert(sizeof(struct orch_shim_dead) == 40, "layout");

struct orch_ack {
  uint32_t count; // uids that follow, at most 56, 16 bytes each
  uint32_t zero;  // 0
};
static_assert(sizeof(struct orch_ack) == 8, "layout");

struct orch_acked {
  uint32_t count;    // as in the request
  uint32_t error;    // errno, 0: the ACK record is written
  uint64_t position; // end of the ACK record in the journal
};
static_assert(sizeof(struct orch_acked) == 16, "layout");

struct orch_synced {
  uint64_t synced;       // journal position up to which all is durable
  uint32_t oldest;       // number of the oldest segment kept
  uint32_t outstanding;  // attempts claimed and not acked
  uint32_t error;        // errno of the failed fdatasync, 0: none
  uint32_t zero;         // 0
};
static_assert(sizeof(struct orch_synced) == 24, "layout");

/* Codes in REFUSED. */
enum {
  ORCH_REFUSED_VERSION = 1,   /* protocol version not spoken */
  ORCH_REFUSED_BUSY = 2,      /* launcher: a living agent is connected. shim: it guards another attempt */
  ORCH_REFUSED_PEER = 3,      /* uid of the peer is neither root nor the launcher's */
  ORCH_REFUSED_MALFORMED = 4, /* message cannot be read; the text says where */
  ORCH_REFUSED_STALE = 5,     /* seq is not above last_seq: this request was taken before, nothing is done again */
  ORCH_REFUSED_BOOT = 6,      /* START is for another boot */
  ORCH_REFUSED_CLAIMED = 7,   /* the attempt's uid is claimed by another slot */
  ORCH_REFUSED_UID = 8,       /* request names an attempt that this shim does not guard (any more) */
  ORCH_REFUSED_RETIRING = 9,  /* launcher dead or shutting down: no more starts */
  ORCH_REFUSED_LIMIT = 10,    /* too large; the text says what */
  ORCH_REFUSED_LEASE = 20,    /* START: its lease had ended before it began */
};

/* PONG of a shim, and head of every REFUSED. */
struct orch_refused {
  uint32_t code;        // why; 0 in a PONG
  uint32_t error;       // errno or 0
  uint64_t last_seq;    // highest request number taken
  struct orch_uid uid;  // attempt guarded now; zeros: none
  uint32_t state;       // of the slot
  uint32_t text_length; // bytes of text that follow: one sentence, UTF-8, no NUL
};
static_assert(sizeof(struct orch_refused) == 40, "layout");

/* ---- agent -> shim ---- */

/* Flags of START. */
#define ORCH_S_SETSID (UINT64_C(1) << 0)          /* a session of its own (else a process group of its own) */
#define ORCH_S_STDERR_STDOUT (UINT64_C(1) << 1)   /* stderr is stdout: one stream, true order */
#define ORCH_S_WAIT (UINT64_C(1) << 2)            /* leader gone, descendants left: wait for them (else: kill them) */
#define ORCH_S_NO_NEW_PRIVS (UINT64_C(1) << 3)
#define ORCH_S_SEARCH_PATH (UINT64_C(1) << 4)     /* argv[0] without '/' is looked up in the PATH of the request's env */
#define ORCH_S_USER (UINT64_C(1) << 5)            /* set uid, gid and groups */
#define ORCH_S_CAPS (UINT64_C(1) << 6)            /* set the capability sets */
#define ORCH_S_NICE (UINT64_C(1) << 7)
#define ORCH_S_OOM_SCORE (UINT64_C(1) << 8)
#define ORCH_S_UMASK (UINT64_C(1) << 9)           /* else 022 */
#define ORCH_S_TRUNCATE (UINT64_C(1) << 10)       /* stdout and stderr paths: O_TRUNC (else O_APPEND) */
#define ORCH_S_DROP_NEW (UINT64_C(1) << 11)       /* log limit reached: drop what is new (else: the oldest segments) */
#define ORCH_S_LISTEN_PID (UINT64_C(1) << 12)     /* add LISTEN_PID=<pid of the task> to the env */
#define ORCH_S_CTTY (UINT64_C(1) << 13)           /* make fd 0 the controlling terminal (with SETSID) */
#define ORCH_S_REUSE_LEAF (UINT64_C(1) << 14)     /* a clean, never killed leaf may be taken (allowed, not promised) */
#define ORCH_S_PID_NAMESPACE (UINT64_C(1) << 15)  /* a PID namespace of its own with an init of ours; not with WAIT */
#define ORCH_S_PRE_STOP (UINT64_C(1) << 16)       /* PRE_STOP says what runs before the stop signal */
#define ORCH_S_LEASE (UINT64_C(1) << 40)          /* the deadline is the end of a lease: see SET_LEASE */

#define ORCH_S_INPUT (UINT64_C(1) << 24)          /* keep the fd passed for 63, a writing end of the task's stdin, until INPUT_END or its end */
#define ORCH_S_TERMINAL (UINT64_C(1) << 25)       /* with INPUT: it is the master of a terminal, whose output is the task's stdout */

struct orch_start {
  struct orch_uid uid;       // the attempt
  uint8_t boot_id[16];       // the boot that this start is for
  uint64_t flags;            // bits, see the list
  uint64_t request_hash;     // opaque, kept in the CLAIM record
  uint32_t user;             // uid, with flag USER
  uint32_t group;            // gid, with flag USER
  uint32_t umask;            // with flag UMASK
  int32_t nice;              // with flag NICE, -20 to 19
  int32_t oom_score_adj;     // with flag OOM_SCORE, -1000 to 1000
  uint32_t stop_signal;      // first signal of a stop at the deadline; 0: SIGTERM
  uint64_t deadline;         // CLOCK_BOOTTIME ns at which the shim stops the attempt; 0: none
  uint64_t grace;            // ns between the stop signal and the kill at the deadline
  uint32_t stop_mode;        // 1 group, 2 mixed, 3 process
  uint32_t task_dir_mode;    // of the directory TASK_DIR, such as 0700
  uint64_t cap_bounding;     // with flag CAPS: bit n is capability n
  uint64_t cap_permitted;    // with flag CAPS: permitted and effective
  uint64_t cap_inheritable;  // with flag CAPS
  uint64_t cap_ambient;      // with flag CAPS; must be within permitted and inheritable
  uint64_t log_segment;      // bytes after which a log segment is rotated; 0: 16 MiB
  uint64_t log_total;        // bytes kept an attempt; 0: no limit
  uint32_t line_max;         // bytes after which a line is cut into PARTIAL frames; 0 or more than 65536: 65536
  uint32_t tlv_count;        // number of TLVs that follow
  uint64_t drain_timeout;    // ns to wait for descendants with flag WAIT before they are killed; 0: no limit
};
static_assert(sizeof(struct orch_start) == 160, "layout");

/* Tags in START. */
enum {
  ORCH_T_ARGV = 1,       /* strings, each ended by NUL; at least one */
  ORCH_T_ENV = 2,        /* strings NAME=VALUE, each ended by NUL; absent: empty environment */
  ORCH_T_CWD = 3,        /* path, NUL-ended; absent: "/" */
  ORCH_T_STDIN = 4,      /* path, NUL-ended, opened as the task's user; absent: /dev/null */
  ORCH_T_STDOUT = 5,     /* path, NUL-ended, opened as the task's user; absent: the slot's FIFO */
  ORCH_T_STDERR = 6,     /* the same */
  ORCH_T_LEAF = 7,       /* name of the leaf cgroup, NUL-ended, no '/'; absent: t-<uid, 32 hex digits> */
  ORCH_T_LIMIT = 8,      /* file name NUL value NUL: written into the leaf before the task exists; repeated, in order */
  ORCH_T_RLIMIT = 9,     /* u32 resource, u32 0, u64 soft, u64 hard; repeated. All ones: infinity */
  ORCH_T_GROUPS = 10,    /* u32 supplementary groups; with flag USER; absent: none */
  ORCH_T_SECCOMP = 11,   /* struct sock_filter array, at most 4096 */
  ORCH_T_TASK_DIR = 12,  /* path, NUL-ended: made (or found) before the task exists, owned by its user */
  ORCH_T_NAME = 13,      /* for people, such as web/3@2; NUL-ended, at most 96 bytes; kept in the CLAIM record */
  ORCH_T_FDS = 14,       /* u32 target fd numbers 0 to 63, for the fds passed by SCM_RIGHTS with the first part */
  ORCH_T_PRE_STOP = 15,  /* strings, each ended by NUL; with flag PRE_STOP: run before the stop signal, inside the grace */
  ORCH_T_PATH_RULE = 16, /* u32 access (1 read and execute, 2 everything), u32 0, path, NUL-ended; repeated: Landlock */
};

enum { ORCH_MODE_GROUP = 1, ORCH_MODE_MIXED = 2, ORCH_MODE_PROCESS = 3 };

/* A mode of SIGNAL alone: the process group of the leader. */
enum { ORCH_SIGNAL_LEADERS_GROUP = 4 };

/* KILL, FREEZE and THAW have the uid alone as their body. */
struct orch_signal {
  struct orch_uid uid; // the attempt
  uint32_t signal;     // number, 1 to 64
  uint32_t mode;       // 1 group: every process of the attempt; 2, 3: the leader alone; 4: the process group of the leader
};
static_assert(sizeof(struct orch_signal) == 24, "layout");

struct orch_set_deadline {
  struct orch_uid uid; // the attempt
  uint64_t deadline;   // CLOCK_BOOTTIME ns; 0: none
};
static_assert(sizeof(struct orch_set_deadline) == 24, "layout");

/* The grace in STOP that stands for the one in START. */
#define ORCH_GRACE_OF_START UINT64_MAX

struct orch_stop {
  struct orch_uid uid; // the attempt
  uint32_t signal;     // first signal; 0: the one in START
  uint32_t mode;       // 1 group, 2 mixed, 3 process; 0: the one in START
  uint64_t grace;      // ns until the kill; all ones: the one in START
};
static_assert(sizeof(struct orch_stop) == 32, "layout");

struct orch_extend_stop {
  struct orch_uid uid; // the attempt
  uint64_t by;         // ns from now that it is not killed yet
  uint64_t most;       // ns from the stop's beginning that it is not drawn out beyond
};
static_assert(sizeof(struct orch_extend_stop) == 32, "layout");

/* ---- shim -> agent; the same structures are the payloads of journal records ---- */

struct orch_started {
  struct orch_uid uid;    // the attempt
  uint32_t slot;          // of the shim
  uint32_t pid;           // of the task's leader
  uint64_t pid_start;     // its start time, field 22 of /proc/PID/stat
  uint64_t boottime;      // ns, CLOCK_BOOTTIME just before the clone
  uint64_t realtime;      // ns, CLOCK_REALTIME just before the clone
};
static_assert(sizeof(struct orch_started) == 48, "layout");

/* Stages of a start that can fail. */
enum {
  ORCH_STAGE_JOURNAL = 1,    /* claim could not be written: never forked */
  ORCH_STAGE_CGROUP = 2,     /* leaf cgroup: mkdir or open */
  ORCH_STAGE_LIMIT = 3,      /* a limit could not be written; `index` counts the LIMITs from 0 */
  ORCH_STAGE_TASK_DIR = 4,
  ORCH_STAGE_FIFO = 5,
  ORCH_STAGE_CLONE = 6,
  ORCH_STAGE_SESSION = 7,    /* setsid or setpgid */
  ORCH_STAGE_STDIO = 8,      /* dup2 */
  ORCH_STAGE_FDS = 9,        /* passed fds, close_range */
  ORCH_STAGE_RLIMIT = 10,    /* `index` counts the RLIMITs from 0 */
  ORCH_STAGE_NICE = 11,
  ORCH_STAGE_OOM_SCORE = 12,
  ORCH_STAGE_BOUNDING = 13,
  ORCH_STAGE_GROUPS = 14,
  ORCH_STAGE_GROUP = 15,     /* setresgid */
  ORCH_STAGE_USER = 16,      /* setresuid */
  ORCH_STAGE_CAPS = 17,      /* permitted, inheritable */
  ORCH_STAGE_AMBIENT = 18,
  ORCH_STAGE_CWD = 19,
  ORCH_STAGE_STDIN = 20,
  ORCH_STAGE_STDOUT = 21,
  ORCH_STAGE_STDERR = 22,
  ORCH_STAGE_NO_NEW_PRIVS = 23,
  ORCH_STAGE_SECCOMP = 24,
  ORCH_STAGE_SIGNALS = 25,
  ORCH_STAGE_EXEC = 26,
  ORCH_STAGE_TERMINAL = 27,  /* TIOCSCTTY */
  ORCH_STAGE_KILLED = 28,    /* killed before exec: errno 0, `index` is the signal (a stop, or a killed cgroup) */
  ORCH_STAGE_LIMITS_OF_REQUEST = 29, /* more strings or groups than the shim has room for */
  ORCH_STAGE_LANDLOCK = 30,  /* `index` counts the PATH_RULEs from 0; 65535: the rules as a whole */
  ORCH_STAGE_PID_NAMESPACE = 31, /* `index` 0: clone, 1: mounts of its own, 2: /proc, 3: EXEC enters the attempt's mounts */
  ORCH_STAGE_PRE_STOP = 32,  /* request could not be kept for PRE_STOP */
};

struct orch_start_failed {
  struct orch_uid uid;  // the attempt
  uint32_t slot;        // of the shim
  uint32_t stage;       // see the list
  uint32_t error;       // errno
  uint32_t index;       // which LIMIT, RLIMIT or passed fd, from 0; else 0
  uint64_t boottime;    // ns
  uint64_t realtime;    // ns
};
static_assert(sizeof(struct orch_start_failed) == 48, "layout");

/* Flags of EXIT. */
#define ORCH_E_ADOPTED (UINT64_C(1) << 0)        /* shim died; status was read by the launcher, the task's adoptive parent */
#define ORCH_E_STATUS_UNKNOWN (UINT64_C(1) << 1) /* task is gone and nobody could read its status; si_code and exit_status are 0 */
#define ORCH_E_MEMORY (UINT64_C(1) << 2)         /* the memory counters are there */
#define ORCH_E_CPU (UINT64_C(1) << 3)            /* the cpu counters are there */
#define ORCH_E_PIDS (UINT64_C(1) << 4)           /* pids_max is there */
#define ORCH_E_DESCENDANTS (UINT64_C(1) << 5)    /* processes were left when the leader ended */
#define ORCH_E_KILLED_REST (UINT64_C(1) << 6)    /* and the shim killed them */
#define ORCH_E_STOPPED (UINT64_C(1) << 7)        /* a STOP or KILL had been requested */
#define ORCH_E_DEADLINE (UINT64_C(1) << 8)       /* the deadline had passed and the shim stopped it */
#define ORCH_E_GRACE_OVER (UINT64_C(1) << 9)     /* the grace ran out: killed */
#define ORCH_E_STUCK (UINT64_C(1) << 10)         /* it took more than 10 s after the kill to become empty */
#define ORCH_E_LEAF_LEFT (UINT64_C(1) << 11)     /* leaf cgroup could not be removed, rmdir_error says why */
#define ORCH_E_LOG_LOSS (UINT64_C(1) << 12)      /* output was lost; lost_* count it */
#define ORCH_E_RUSAGE (UINT64_C(1) << 13)        /* the rusage fields are there */
#define ORCH_E_LOCAL (UINT64_C(1) << 14)         /* oom_kill_local is there (memory.events.local) */
#define ORCH_E_PEAK (UINT64_C(1) << 15)          /* memory_peak is there */
#define ORCH_E_PRE_STOP (UINT64_C(1) << 16)      /* PRE_STOP was run */
#define ORCH_E_PRE_STOP_FAILED (UINT64_C(1) << 17) /* it could not be run, did not exit with 0 or outlived the grace */
#define ORCH_E_EXTENDED (UINT64_C(1) << 18)      /* the stop was drawn out by EXTEND_STOP */
#define ORCH_E_LEASE (UINT64_C(1) << 24)         /* the lease had ended and shim or launcher stopped it */

struct orch_exit {
  struct orch_uid uid;     // the attempt
  uint32_t slot;           // of the shim
  uint32_t pid;            // of the leader
  uint64_t pid_start;      // its start time, field 22 of /proc/PID/stat
  uint64_t started_boot;   // ns, CLOCK_BOOTTIME
  uint64_t started_real;   // ns, CLOCK_REALTIME
  uint64_t exited_boot;    // ns: the leader's end was seen
  uint64_t exited_real;    // ns
  uint64_t ended_boot;     // ns: the tree was empty and the output drained; 0 in LEADER
  int32_t si_code;         // CLD_EXITED 1, CLD_KILLED 2, CLD_DUMPED 3
  int32_t exit_status;     // si_status: exit code or signal
  uint64_t flags;          // bits, see the list
  uint64_t user_us;        // rusage of the leader and the children it waited for: user time
  uint64_t system_us;      // system time
  uint64_t max_rss_kib;    // largest resident set of one process
  uint64_t minor_faults;   //
  uint64_t major_faults;   //
  uint64_t in_blocks;      //
  uint64_t out_blocks;     //
  uint64_t switches;       // voluntary context switches
  uint64_t preemptions;    // involuntary ones
  uint64_t oom;            // memory.events of the leaf, as deltas over the attempt
  uint64_t oom_kill;       //
  uint64_t oom_group_kill; //
  uint64_t memory_max;     // times that memory.max was hit
  uint64_t memory_high;    // times that memory.high was passed
  uint64_t oom_kill_local; // oom_kill of memory.events.local
  uint64_t memory_peak;    // bytes
  uint64_t cpu_usage_us;   // cpu.stat of the leaf, as deltas
  uint64_t cpu_user_us;    //
  uint64_t cpu_system_us;  //
  uint64_t throttled;      // nr_throttled
  uint64_t throttled_us;   //
  uint64_t pids_max;       // times that pids.max refused a fork
  uint64_t out_bytes;      // read from stdout
  uint64_t err_bytes;      // read from stderr
  uint64_t lost_bytes;     // of both, not kept
  uint64_t lost_lines;     // of both, not kept (cut lines count)
  uint32_t log_segments;   // segments made; the last is log_segments - 1
  uint32_t log_error;      // errno of the last failed write, 0: none
  uint32_t stop_signal;    // last signal that the shim sent to stop it, 0: none
  uint32_t rmdir_error;    // errno, with flag LEAF_LEFT
  uint64_t log_end;        // length of the last segment
};
static_assert(sizeof(struct orch_exit) == 320, "layout");

/* Head of STARTED, START_FAILED, LEADER_EXITED and EXITED; the structure above follows. */
struct orch_event {
  uint64_t position; // journal position of the record's end; 0: not in the journal (STARTED is only in it once it was told)
};
static_assert(sizeof(struct orch_event) == 8, "layout");

/* DONE answers SIGNAL, KILL, FREEZE, THAW, SET_DEADLINE, SET_LEASE, STOP and EXTEND_STOP: taken (a stop or kill then goes on by itself). */
struct orch_done {
  struct orch_uid uid; // the attempt
  uint32_t error;      // errno, 0: done
  uint32_t count;      // processes signalled, where that is known
};
static_assert(sizeof(struct orch_done) == 24, "layout");

/* STOPPING: a step of a stop, for the record. STUCK: processes live on after the kill; told every 10 s. */
struct orch_stopping {
  struct orch_uid uid;  // the attempt
  uint32_t signal;      // sent; 9: killed
  uint32_t cause;       // 1 STOP or KILL request, 2 deadline, 3 descendants after the leader's end, 4 drain timeout, 5 end of the lease
  uint64_t boottime;    // ns
  uint32_t processes;   // in STUCK: how many are left, as far as they can be counted
  uint32_t first_pid;   // in STUCK: one of them
};
static_assert(sizeof(struct orch_stopping) == 40, "layout");

/* EXEC_STARTED: the command executes. */
struct orch_exec_started {
  struct orch_uid uid;  // the attempt it runs in
  uint32_t slot;        // of the shim that guards the command
  uint32_t pid;         // of the command
  uint64_t pid_start;   // its start time, field 22 of /proc/PID/stat
};
static_assert(sizeof(struct orch_exec_started) == 32, "layout");

/* EXEC_EXITED: the command has ended, and nothing that it started is left. */
struct orch_exec_exited {
  struct orch_uid uid;  // the attempt it ran in
  uint32_t slot;        // of the shim
  uint32_t pid;         // of the command
  int32_t si_code;      // CLD_EXITED 1, CLD_KILLED 2, CLD_DUMPED 3
  int32_t exit_status;  // si_status: exit code or signal
  uint64_t user_us;     // rusage of the command and the children it waited for: user time
  uint64_t system_us;   // system time
};
static_assert(sizeof(struct orch_exec_exited) == 48, "layout");

/* ---- the shim table: RUN/g<generation>/table, mapped by launcher and shims, readable for the agent ---- */

enum {
  ORCH_SLOT_UNUSED = 0,
  ORCH_SLOT_IDLE = 1,
  ORCH_SLOT_CLAIMED = 2,   /* uid is claimed, the task may not exist yet */
  ORCH_SLOT_RUNNING = 3,
  ORCH_SLOT_STOPPING = 4,
  ORCH_SLOT_DRAINING = 5,  /* the leader has ended */
  ORCH_SLOT_RETIRED = 6,   /* the shim has ended on purpose */
  ORCH_SLOT_EXEC = 7,      /* it guards a command inside another slot's attempt; `uid` is zeros */
};

struct orch_table {
  uint32_t magic;             // ORCH_TABLE_MAGIC, the bytes "ORCT"
  uint32_t version;           // 1
  uint32_t generation;        // of the launcher
  uint32_t slots;             // slots in the file (max_shims)
  uint32_t launcher_pid;      //
  uint32_t retiring;          // 1: shutting down, idle shims leave; 2: a later launcher has begun, nothing is claimed any more
  uint64_t launcher_start;    // field 22 of /proc/PID/stat
  uint8_t boot_id[16];        //
  uint64_t journal_tail;      // position after the last reserved record
  uint64_t journal_synced;    // position up to which all is durable
  uint32_t journal_ready;     // number of the newest segment that exists
  uint32_t journal_size;      // bytes of a segment
  uint32_t wanted;            // shims hint: records wait to be synced (futex word)
  uint32_t journal_oldest;    // number of the oldest segment kept
  uint64_t capabilities;      // as in WELCOME
  uint64_t zero[5];           // 0
};
static_assert(sizeof(struct orch_table) == 128, "layout");

/* Slot n lies at byte 128 + 512 * n. A field is written by the slot's shim; by the launcher while the shim is dead. */
struct orch_slot {
  uint32_t state;            // see the list
  uint32_t shim_pid;         // pid of the shim; its lock file tells whether it lives
  uint64_t shim_start;       // field 22 of /proc/PID/stat
  uint64_t last_seq;         // highest request number taken
  struct orch_uid uid;       // attempt claimed; zeros: none
  uint32_t task_pid;         // leader, written by the kernel before it runs; 0: none yet
  uint32_t adopted;          // 1: the shim that started it died, the launcher waits for the leader
  uint64_t task_start;       // field 22 of /proc/PID/stat; 0: not read yet
  uint64_t started_boot;     // ns
  uint64_t started_real;     // ns
  uint64_t deadline;         // CLOCK_BOOTTIME ns; 0: none
  uint64_t grace;            // ns
  uint64_t kill_at;          // CLOCK_BOOTTIME ns at which a running stop kills; 0: no stop runs
  uint32_t stop_signal;      //
  uint32_t stop_mode;        //
  uint64_t start_flags;      // of START
  uint64_t exit_flags;       // of EXIT, as far as known
  uint64_t drain_timeout;    // ns
  uint64_t stop_began;       // CLOCK_BOOTTIME ns; 0: no stop runs
  uint64_t claim;            // position of the CLAIM record's end
  char leaf[64];             // leaf cgroup, NUL-ended; empty: none
  char name[96];             // for people, NUL-ended
  uint64_t log_segment;      // limit in bytes
  uint64_t log_total;        // limit in bytes
  uint64_t log_offset;       // length of the newest log segment, whole frames
  uint32_t log_segments;     // segments made
  uint32_t log_first;        // number of the oldest one kept
  uint32_t line_max;         //
  uint32_t log_error;        // errno
  uint64_t out_bytes;        //
  uint64_t err_bytes;        //
  uint64_t lost_bytes;       //
  uint64_t lost_lines;       //
  uint64_t exited_boot;      // ns; 0: the leader has not been waited for
  uint64_t exited_real;      // ns
  int32_t si_code;           // valid once exited_boot is set
  int32_t exit_status;       // the same
  uint64_t usage[9];         // user_us to preemptions of struct orch_exit
  uint64_t appending;        // journal position being written; all ones: about to be reserved; 0: none
  uint64_t start_report;     // of the child before execve: 0 not there yet, bit 63: at execve, with bit 62: the init of its PID namespace says how the leader ended, si_code << 8 | si_status; else stage << 48 | index << 32 | errno
  uint64_t start_seq;        // request number of the START
  uint64_t log_lines;        // lines (cut ones too) written to segments
  uint64_t log_bytes;        // payload bytes written to segments
};
static_assert(sizeof(struct orch_slot) == 512, "layout");

#endif

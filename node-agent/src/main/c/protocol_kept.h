/* The part of protocol.h about what the launcher keeps for agents to come; the same rules hold. */
#ifndef ORCH_PROTOCOL_KEPT_H
#define ORCH_PROTOCOL_KEPT_H

#include "protocol.h"

enum {
  /* agent -> launcher */
  ORCH_KEEP = 6,
  ORCH_UNKEEP = 7,
  ORCH_KEPT_GET = 8,
  /* launcher -> agent */
  ORCH_KEPT = 71,
  ORCH_KEPT_ALL = 72,
};

#define ORCH_CAP_KEEP (UINT64_C(1) << 14)         /* KEEP and what belongs to it are understood */

enum {
  ORCH_KEPT_MAX = 1536,
  ORCH_KEPT_NAME_MAX = 384, /* bytes of a name with its NUL, which is not sent */
};

/* Kinds of what is kept. */
enum {
  ORCH_KEEP_PLAIN = 0,
  ORCH_KEEP_QUEUE = 1, /* a datagram socket that others send to */
  ORCH_KEEP_SHUT = 2,  /* one that takes no more: it was nearly full while no agent was connected */
};

struct orch_keep {
  uint32_t kind;   // 0 any file, 1 a datagram socket that others send to; in KEPT 2: such a one that takes no more
  uint32_t length; // bytes of the name that follows
};
static_assert(sizeof(struct orch_keep) == 8, "layout");

#endif

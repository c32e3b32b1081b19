/* Reads the body of a START into pointers and numbers. Nothing is copied but the fixed part: the body must outlive the request. */
#ifndef ORCH_PARSE_H
#define ORCH_PARSE_H

#include <linux/filter.h>

#include "protocol.h"

enum { REQUEST_STRINGS = 8192, REQUEST_LIMITS = 256, REQUEST_RLIMITS = 32, REQUEST_GROUPS = 1024, REQUEST_FILTER = 4096, REQUEST_RULES = 128, REQUEST_PRE_STOP = 256 };

struct request_limit {
  const char *file;
  const char *value;
  uint32_t length; /* of the value */
};

struct request_rlimit {
  uint32_t resource;
  uint64_t soft;
  uint64_t hard;
};

struct request_rule {
  uint32_t access; /* 1 read and execute, 2 everything */
  const char *path;
};

struct request {
  struct orch_start fixed;
  const char *cwd; /* NULL where the request says nothing, so for all below */
  const char *in;
  const char *out;
  const char *err;
  const char *task_dir;
  const char *path; /* value of PATH in the environment */
  const uint32_t *groups;
  const struct sock_filter *filter;
  uint32_t argc;
  uint32_t envc;
  uint32_t limits;
  uint32_t rlimits;
  uint32_t group_count;
  uint32_t filter_length;
  uint32_t rules;
  uint32_t pre_stops;
  uint32_t fds;
  uint32_t fd[ORCH_PASSED_FDS_MAX];
  char leaf[ORCH_LEAF_MAX];
  char name[ORCH_NAME_MAX];
  struct request_rlimit rlimit[REQUEST_RLIMITS];
  struct request_limit limit[REQUEST_LIMITS];
  struct request_rule rule[REQUEST_RULES];
  const char *pre_stop[REQUEST_PRE_STOP + 1]; /* NULL-ended */
  const char *argv[REQUEST_STRINGS + 1]; /* NULL-ended */
  const char *env[REQUEST_STRINGS + 2];  /* NULL-ended, with room for one more */
};

struct parse_error {
  uint32_t code; /* ORCH_REFUSED_MALFORMED or ORCH_REFUSED_LIMIT */
  const char *text;
};

/* `body` lies at a multiple of 8. Returns a code of 0 when all of it could be read. */
struct parse_error parse_start(const void *body, size_t length, struct request *request);

/* Checks the header of a datagram of `length` bytes; NULL or what is wrong with it. */
const char *check_header(const struct orch_header *header, size_t length);

#endif

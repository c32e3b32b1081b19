#include "parse.h"

#include <stdbool.h>
#include <string.h>

#include "base.h"

static const struct parse_error fine = {0, NULL};

static struct parse_error malformed(const char *text) { return (struct parse_error){ORCH_REFUSED_MALFORMED, text}; }

static struct parse_error beyond(const char *text) { return (struct parse_error){ORCH_REFUSED_LIMIT, text}; }

const char *check_header(const struct orch_header *header, size_t length) {
  if (length < sizeof *header) return "a message is shorter than its header";
  if (header->magic != ORCH_MAGIC) return "a message does not begin with ORCH";
  if (header->version != ORCH_VERSION) return "a message is of another protocol version than 1";
  if (header->length != length) return "a message's length field is not its length";
  if (header->zero != 0) return "a reserved field of the header is not 0";
  return NULL;
}

/* One string that fills the value: ended by its only NUL, not empty. */
static bool whole_string(const char *value, uint32_t length) {
  return length >= 2 && value[length - 1] == '\0' && memchr(value, '\0', length - 1) == NULL;
}

static struct parse_error strings(const char *value, uint32_t length, const char **list, uint32_t *count, uint32_t room) {
  if (length == 0) return fine;
  if (value[length - 1] != '\0') return malformed("ARGV, ENV or PRE_STOP does not end with NUL");
  for (const char *p = value, *end = value + length; p < end; p += strlen(p) + 1) {
    if (*count == room) return beyond("more than 8192 strings in ARGV or ENV, or 256 in PRE_STOP");
    list[(*count)++] = p;
  }
  list[*count] = NULL;
  return fine;
}

static struct parse_error path(const char *value, uint32_t length, const char **target) {
  if (*target != NULL) return malformed("a path is given twice");
  if (!whole_string(value, length)) return malformed("a path is empty or not ended by its only NUL");
  if (length > 4096) return beyond("a path is longer than 4095 bytes");
  *target = value;
  return fine;
}

static struct parse_error short_text(const char *value, uint32_t length, char *target, size_t size) {
  if (target[0] != '\0') return malformed("LEAF or NAME is given twice");
  if (!whole_string(value, length)) return malformed("LEAF or NAME is empty or not ended by its only NUL");
  if (length > size) return beyond("LEAF or NAME is too long");
  memcpy(target, value, length);
  return fine;
}

static struct parse_error leaf(const char *value, uint32_t length, struct request *r) {
  struct parse_error e = short_text(value, length, r->leaf, sizeof r->leaf);
  if (e.code != 0) return e;
  if (strchr(r->leaf, '/') != NULL || r->leaf[0] == '.' || strncmp(r->leaf, "ctl-", 4) == 0 || strncmp(r->leaf, "cgroup.", 7) == 0)
    return malformed("LEAF is not the name of a leaf cgroup");
  return fine;
}

static struct parse_error limit(const char *value, uint32_t length, struct request *r) {
  if (r->limits == REQUEST_LIMITS) return beyond("more than 256 LIMITs");
  const char *nul = length == 0 ? NULL : memchr(value, '\0', length);
  if (nul == NULL || nul == value || memchr(value, '/', (size_t)(nul - value)) != NULL || value[0] == '.')
    return malformed("a LIMIT has no file name of its own");
  uint32_t rest = length - (uint32_t)(nul + 1 - value);
  if (!whole_string(nul + 1, rest)) return malformed("a LIMIT has no value ended by NUL");
  r->limit[r->limits++] = (struct request_limit){value, nul + 1, rest - 1};
  return fine;
}

static struct parse_error rlimit(const char *value, uint32_t length, struct request *r) {
  if (length != 24) return malformed("an RLIMIT is not 24 bytes long");
  if (r->rlimits == REQUEST_RLIMITS) return beyond("more than 32 RLIMITs");
  struct request_rlimit *l = &r->rlimit[r->rlimits++];
  memcpy(&l->resource, value, 4);
  memcpy(&l->soft, value + 8, 8);
  memcpy(&l->hard, value + 16, 8);
  return fine;
}

static struct parse_error groups(const char *value, uint32_t length, struct request *r) {
  if (r->groups != NULL) return malformed("GROUPS is given twice");
  if (length % 4 != 0) return malformed("GROUPS is not a list of 32-bit numbers");
  if (length / 4 > REQUEST_GROUPS) return beyond("more than 1024 GROUPS");
  r->groups = (const uint32_t *)(const void *)value;
  r->group_count = length / 4;
  return fine;
}

static struct parse_error seccomp(const char *value, uint32_t length, struct request *r) {
  if (r->filter != NULL) return malformed("SECCOMP is given twice");
  if (length == 0 || length % sizeof(struct sock_filter) != 0) return malformed("SECCOMP is not a list of filter instructions");
  if (length / sizeof(struct sock_filter) > REQUEST_FILTER) return beyond("more than 4096 SECCOMP instructions");
  r->filter = (const struct sock_filter *)(const void *)value;
  r->filter_length = length / (uint32_t)sizeof(struct sock_filter);
  return fine;
}

static struct parse_error fds(const char *value, uint32_t length, struct request *r) {
  if (r->fds != 0) return malformed("FDS is given twice");
  if (length == 0 || length % 4 != 0) return malformed("FDS is not a list of 32-bit numbers");
  if (length / 4 > ORCH_PASSED_FDS_MAX) return beyond("more than 24 FDS");
  r->fds = length / 4;
  memcpy(r->fd, value, length);
  for (uint32_t n = 0; n < r->fds; n++) {
    if (r->fd[n] > 63) return malformed("a target of FDS is above 63");
    for (uint32_t m = 0; m < n; m++)
      if (r->fd[m] == r->fd[n]) return malformed("a target of FDS is given twice");
  }
  return fine;
}

static struct parse_error rule(const char *value, uint32_t length, struct request *r) {
  if (r->rules == REQUEST_RULES) return beyond("more than 128 PATH_RULEs");
  uint32_t head[2];
  if (length < sizeof head) return malformed("a PATH_RULE is too short");
  memcpy(head, value, sizeof head);
  if (head[0] < 1 || head[0] > 2 || head[1] != 0) return malformed("a PATH_RULE has an unknown access");
  const char *path_ = value + sizeof head;
  if (!whole_string(path_, length - (uint32_t)sizeof head) || path_[0] != '/') return malformed("a PATH_RULE has no absolute path ended by its only NUL");
  if (length - sizeof head > 4096) return beyond("a path is longer than 4095 bytes");
  r->rule[r->rules++] = (struct request_rule){head[0], path_};
  return fine;
}

static struct parse_error tagged(uint16_t tag, const char *value, uint32_t length, struct request *r) {
  switch (tag) {
    case ORCH_T_ARGV: return r->argc != 0 ? malformed("ARGV is given twice") : strings(value, length, r->argv, &r->argc, REQUEST_STRINGS);
    case ORCH_T_ENV: return r->envc != 0 ? malformed("ENV is given twice") : strings(value, length, r->env, &r->envc, REQUEST_STRINGS);
    case ORCH_T_CWD: return path(value, length, &r->cwd);
    case ORCH_T_STDIN: return path(value, length, &r->in);
    case ORCH_T_STDOUT: return path(value, length, &r->out);
    case ORCH_T_STDERR: return path(value, length, &r->err);
    case ORCH_T_TASK_DIR: return path(value, length, &r->task_dir);
    case ORCH_T_LEAF: return leaf(value, length, r);
    case ORCH_T_LIMIT: return limit(value, length, r);
    case ORCH_T_RLIMIT: return rlimit(value, length, r);
    case ORCH_T_GROUPS: return groups(value, length, r);
    case ORCH_T_SECCOMP: return seccomp(value, length, r);
    case ORCH_T_NAME: return short_text(value, length, r->name, sizeof r->name);
    case ORCH_T_FDS: return fds(value, length, r);
    case ORCH_T_PRE_STOP:
      return r->pre_stops != 0 ? malformed("PRE_STOP is given twice") : strings(value, length, r->pre_stop, &r->pre_stops, REQUEST_PRE_STOP);
    case ORCH_T_PATH_RULE: return rule(value, length, r);
    default: return malformed("START has an unknown tag");
  }
}

static void clear(struct request *r) {
  /* Only the heads: the arrays are large and their pages are better left untouched. */
  memset(r, 0, offsetof(struct request, rlimit));
  r->argv[0] = NULL;
  r->env[0] = NULL;
}

static struct parse_error check(struct request *r) {
  const struct orch_start *s = &r->fixed;
  const uint64_t known = ((ORCH_S_PRE_STOP << 1) - 1) | ORCH_S_LEASE | ORCH_S_INPUT | ORCH_S_TERMINAL;
  if ((s->flags & ~known) != 0) return malformed("START has an unknown flag");
  if (r->argc == 0) return malformed("START has no ARGV");
  if (r->argv[0][0] == '\0') return malformed("the first string of ARGV is empty");
  if (s->stop_mode > ORCH_MODE_PROCESS || s->stop_signal > 64) return malformed("START has a wrong stop mode or signal");
  if (s->uid.incarnation == 0 && s->uid.epoch == 0 && s->uid.sequence == 0) return malformed("START has no attempt uid");
  if ((s->flags & ORCH_S_TERMINAL) != 0 && (s->flags & ORCH_S_INPUT) == 0) return malformed("TERMINAL needs INPUT");
  if ((s->flags & ORCH_S_CTTY) != 0 && (s->flags & ORCH_S_SETSID) == 0) return malformed("CTTY needs SETSID");
  if ((s->flags & ORCH_S_PID_NAMESPACE) != 0 && (s->flags & ORCH_S_WAIT) != 0) return malformed("PID_NAMESPACE excludes WAIT");
  if (((s->flags & ORCH_S_PRE_STOP) != 0) != (r->pre_stops != 0)) return malformed("the flag PRE_STOP and its strings come together");
  if (r->pre_stops != 0 && r->pre_stop[0][0] == '\0') return malformed("the first string of PRE_STOP is empty");
  for (uint32_t n = 0; n < r->envc; n++)
    if (strncmp(r->env[n], "PATH=", 5) == 0) r->path = r->env[n] + 5;
  if (r->leaf[0] == '\0')
    text_format(r->leaf, sizeof r->leaf, "t-%x%x%X", s->uid.incarnation, s->uid.epoch, s->uid.sequence);
  return fine;
}

struct parse_error parse_start(const void *body, size_t length, struct request *request) {
  const char *at = body;
  clear(request);
  if (length < sizeof request->fixed) return malformed("START is shorter than its fixed part");
  memcpy(&request->fixed, at, sizeof request->fixed);
  at += sizeof request->fixed;
  length -= sizeof request->fixed;
  for (uint32_t n = 0; n < request->fixed.tlv_count; n++) {
    struct orch_tlv tlv;
    if (length < sizeof tlv) return malformed("START ends before its last TLV");
    memcpy(&tlv, at, sizeof tlv);
    at += sizeof tlv;
    length -= sizeof tlv;
    if (tlv.zero != 0) return malformed("a reserved field of a TLV is not 0");
    if (tlv.length > length) return malformed("a TLV is longer than START");
    struct parse_error e = tagged(tlv.tag, at, tlv.length, request);
    if (e.code != 0) return e;
    size_t padded = ((size_t)tlv.length + 7) & ~(size_t)7;
    if (padded > length) padded = length; /* the last padding may be left out */
    at += padded;
    length -= padded;
  }
  if (length != 0) return malformed("START goes on behind its last TLV");
  return check(request);
}

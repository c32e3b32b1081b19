/* The launcher's side of its one agent. Nothing is queued: what is to be told is found again until it could be sent. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base.h"
#include "launcher.h"
#include "parse.h"

static _Alignas(8) char message[ORCH_MESSAGE_MAX];
static _Alignas(8) char welcome[32768]; /* paths of up to 4 KiB and all notes fit */

/* ---- sending ---- */

static struct orch_header header_for(uint16_t type, uint64_t seq, size_t length) {
  return (struct orch_header){
      .magic = ORCH_MAGIC, .version = ORCH_VERSION, .type = type, .length = (uint32_t)length, .seq = seq, .slot = ORCH_NO_SLOT};
}

/* 0, EAGAIN, or an errno after which the agent is gone. */
static int send_to(int agent, const void *bytes, size_t length, int passed) {
  _Alignas(8) char control[CMSG_SPACE(sizeof(int))];
  struct iovec part = {(void *)bytes, length};
  struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1};
  if (passed >= 0) {
    memset(control, 0, sizeof control);
    head.msg_control = control;
    head.msg_controllen = sizeof control;
    struct cmsghdr *c = CMSG_FIRSTHDR(&head);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof passed);
    memcpy(CMSG_DATA(c), &passed, sizeof passed);
  }
  for (;;) {
    if (sendmsg(agent, &head, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 0;
    if (errno == EINTR) continue;
    return errno == ENOBUFS || errno == ENOMEM || errno == ETOOMANYREFS ? EAGAIN : errno;
  }
}

static void hang_up(struct launcher *l) {
  if (l->agent >= 0) close(l->agent);
  l->agent = -1;
  l->greeted = l->tell_welcome = l->tell_ready = l->tell_grown = l->tell_synced = l->tell_kept = l->gone = false;
  l->reply_length = 0;
}

/* At most one answer is held; while it is, no request is read. */
static void reply(struct launcher *l, uint16_t type, uint64_t seq, const void *body, size_t length, const char *text) {
  size_t text_length = text != NULL ? strlen(text) : 0;
  struct orch_header header = header_for(type, seq, sizeof header + length + text_length);
  if (header.length > sizeof l->reply) return; /* no answer is that long */
  memcpy(l->reply, &header, sizeof header);
  if (length > 0) memcpy(l->reply + sizeof header, body, length);
  if (text_length > 0) memcpy(l->reply + sizeof header + length, text, text_length);
  l->reply_length = header.length;
}

static struct orch_refused refusal(uint32_t code, const char *text) {
  return (struct orch_refused){.code = code, .text_length = (uint32_t)strlen(text)};
}

static void refuse(struct launcher *l, uint64_t seq, uint32_t code, const char *text) {
  struct orch_refused refused = refusal(code, text);
  reply(l, ORCH_REFUSED, seq, &refused, sizeof refused, text);
}

static size_t add_text(size_t at, uint16_t tag, const char *text) {
  struct orch_tlv tlv = {.tag = tag, .length = (uint32_t)strlen(text)};
  size_t padded = (tlv.length + 7) & ~(size_t)7;
  if (at + sizeof tlv + padded > sizeof welcome) return at;
  memcpy(welcome + at, &tlv, sizeof tlv);
  memset(welcome + at + sizeof tlv, 0, padded);
  memcpy(welcome + at + sizeof tlv, text, tlv.length);
  return at + sizeof tlv + padded;
}

static int send_welcome(struct launcher *l) {
  struct orch_welcome w = {.version = ORCH_VERSION,
                           .launcher_pid = l->table->launcher_pid,
                           .launcher_start = l->table->launcher_start,
                           .capabilities = l->capabilities,
                           .generation = l->generation_number,
                           .shims = l->shims,
                           .max_shims = l->options.max_shims,
                           .journal_size = l->table->journal_size,
                           .journal_oldest = l->keeper.oldest,
                           .previous = l->previous,
                           .tail = shared_load(l->table->journal_tail),
                           .synced = l->keeper.synced};
  memcpy(w.boot_id, l->table->boot_id, sizeof w.boot_id);
  size_t at = sizeof(struct orch_header);
  memcpy(welcome + at, &w, sizeof w);
  at += sizeof w;
  at = add_text(at, ORCH_W_RUN_DIR, l->run_path);
  at = add_text(at, ORCH_W_JOURNAL_DIR, l->journal_path);
  at = add_text(at, ORCH_W_SEGMENTS_DIR, l->segments_path);
  if (l->cgroup >= 0) at = add_text(at, ORCH_W_CGROUP, l->cgroup_path);
  for (uint32_t n = 0; n < l->note_count; n++) at = add_text(at, ORCH_W_NOTE, l->notes[n]);
  struct orch_header header = header_for(ORCH_WELCOME, l->welcome_seq, at);
  memcpy(welcome, &header, sizeof header);
  return send_to(l->agent, welcome, at, -1);
}

static int send_small(struct launcher *l, uint16_t type, uint64_t seq, const void *body, size_t length, int passed) {
  char bytes[512];
  struct orch_header header = header_for(type, seq, sizeof header + length);
  memcpy(bytes, &header, sizeof header);
  if (length > 0) memcpy(bytes + sizeof header, body, length);
  return send_to(l->agent, bytes, header.length, passed);
}

static int send_shim(struct launcher *l, uint32_t slot) {
  const struct orch_slot *entry = table_slot(l->table, slot);
  struct orch_shim_info info = {.slot = slot,
                                .pid = (uint32_t)l->places[slot].pid,
                                .start = entry->shim_start,
                                .last_seq = shared_load(entry->last_seq),
                                .uid = entry->uid,
                                .state = shared_load(entry->state)};
  return send_small(l, ORCH_SHIM, 0, &info, sizeof info, l->places[slot].agent_end);
}

static int send_shims(struct launcher *l) {
  for (uint32_t n = 0; n < l->shims; n++) {
    struct place *place = &l->places[n];
    if (!place->tell_shim) continue;
    int error = send_shim(l, n);
    if (error != 0) return error;
    place->tell_shim = false;
    place->tell_dead = false; /* SHIM says how it is now */
  }
  return 0;
}

static int send_deaths(struct launcher *l) {
  for (uint32_t n = 0; n < l->shims; n++) {
    struct place *place = &l->places[n];
    if (!place->tell_dead) continue;
    int error = send_small(l, ORCH_SHIM_DEAD, 0, &place->dead, sizeof place->dead, -1);
    if (error != 0) return error;
    place->tell_dead = false;
  }
  return 0;
}

static int send_kept(struct launcher *l) {
  for (uint32_t n = 0; n < l->kept.used; n++) {
    struct kept *k = &l->kept.each[n];
    if (k->fd < 0 || !k->tell) continue;
    struct orch_keep keep = {.kind = k->kind, .length = (uint32_t)strlen(k->name)};
    char body[sizeof keep + ORCH_KEPT_NAME_MAX];
    memcpy(body, &keep, sizeof keep);
    memcpy(body + sizeof keep, k->name, keep.length);
    int error = send_small(l, ORCH_KEPT, l->kept_seq, body, sizeof keep + keep.length, k->fd);
    if (error != 0) return error;
    k->tell = false;
  }
  int error = send_small(l, ORCH_KEPT_ALL, l->kept_seq, NULL, 0, -1);
  if (error == 0) l->tell_kept = false;
  return error;
}

static struct orch_synced synced_now(const struct launcher *l) {
  return (struct orch_synced){
      .synced = l->keeper.synced, .oldest = l->keeper.oldest, .outstanding = l->keeper.outstanding, .error = l->sync_error};
}

static int flush(struct launcher *l) {
  int error = 0;
  if (l->reply_length > 0) {
    error = send_to(l->agent, l->reply, l->reply_length, -1);
    if (error != 0) return error;
    l->reply_length = 0;
  }
  if (!l->greeted) return 0;
  if (l->tell_welcome) {
    error = send_welcome(l);
    if (error != 0) return error;
    l->tell_welcome = false;
  }
  error = send_shims(l);
  if (error == 0 && l->tell_ready && (error = send_small(l, ORCH_READY, l->welcome_seq, NULL, 0, -1)) == 0) l->tell_ready = false;
  if (error == 0 && l->tell_kept) error = send_kept(l);
  if (error == 0 && l->tell_grown && (error = send_small(l, ORCH_GROWN, l->grown_seq, &l->grown, sizeof l->grown, -1)) == 0)
    l->tell_grown = false;
  if (error == 0) error = send_deaths(l);
  if (error == 0 && l->tell_synced) {
    struct orch_synced synced = synced_now(l);
    error = send_small(l, ORCH_SYNCED, 0, &synced, sizeof synced, -1);
    if (error == 0) l->tell_synced = false;
  }
  return error;
}

bool agent_blocked(const struct launcher *l) {
  if (l->agent < 0) return false;
  if (l->reply_length > 0) return true;
  if (!l->greeted) return false;
  if (l->tell_welcome || l->tell_ready || l->tell_grown || l->tell_synced || l->tell_kept) return true;
  for (uint32_t n = 0; n < l->shims; n++)
    if (l->places[n].tell_shim || l->places[n].tell_dead) return true;
  return false;
}

/* ---- receiving ---- */

static void turn_away(int peer, uint32_t code, const char *text) {
  char bytes[256];
  struct orch_refused refused = refusal(code, text);
  struct orch_header header = header_for(ORCH_REFUSED, 0, sizeof header + sizeof refused + refused.text_length);
  memcpy(bytes, &header, sizeof header);
  memcpy(bytes + sizeof header, &refused, sizeof refused);
  memcpy(bytes + sizeof header + sizeof refused, text, refused.text_length);
  int error = send_to(peer, bytes, header.length, -1);
  if (error != 0) complain("turned a peer away without telling it: %e", error);
  close(peer);
}

static bool agent_lives(const struct launcher *l) {
  struct pollfd p = {.fd = l->agent};
  return l->agent >= 0 && (poll(&p, 1, 0) <= 0 || (p.revents & POLLHUP) == 0);
}

static void greet(struct launcher *l, const struct orch_header *header, const char *body, size_t length) {
  struct orch_hello hello;
  if (length != sizeof hello) {
    refuse(l, header->seq, ORCH_REFUSED_MALFORMED, "HELLO has a wrong length");
    return;
  }
  memcpy(&hello, body, sizeof hello);
  if (hello.version_min > ORCH_VERSION || hello.version_max < ORCH_VERSION) {
    refuse(l, header->seq, ORCH_REFUSED_VERSION, "this launcher speaks protocol version 1 only");
    return;
  }
  l->greeted = l->tell_welcome = l->tell_ready = true;
  l->welcome_seq = header->seq;
  for (uint32_t n = 0; n < l->shims; n++) {
    l->places[n].tell_shim = true;
    l->places[n].tell_dead = false;
  }
}

static void grow(struct launcher *l, const struct orch_header *header, const char *body, size_t length) {
  struct orch_grow wanted;
  int error = 0;
  if (length != sizeof wanted) {
    refuse(l, header->seq, ORCH_REFUSED_MALFORMED, "GROW has a wrong length");
    return;
  }
  memcpy(&wanted, body, sizeof wanted);
  if (l->table->retiring != 0) {
    refuse(l, header->seq, ORCH_REFUSED_RETIRING, "the launcher is shutting down");
    return;
  }
  l->grown.added = places_grow(l, wanted.count, &error);
  l->grown.error = (uint32_t)error;
  l->grown_seq = header->seq;
  l->tell_grown = true;
}

static void ack(struct launcher *l, const struct orch_header *header, const char *body, size_t length) {
  struct orch_ack head;
  struct orch_uid uids[ORCH_ACK_MAX];
  if (length >= sizeof head) memcpy(&head, body, sizeof head);
  if (length < sizeof head || head.count > ORCH_ACK_MAX || length != sizeof head + head.count * sizeof uids[0]) {
    refuse(l, header->seq, ORCH_REFUSED_MALFORMED, "ACK has a wrong length or more than 56 uids");
    return;
  }
  memcpy(uids, body + sizeof head, head.count * sizeof uids[0]);
  struct orch_acked acked = {.count = head.count};
  int error = keeper_ack(&l->keeper, uids, head.count, &acked.position);
  if (error == ENOSPC && keeper_advance(&l->keeper) == 0) error = keeper_ack(&l->keeper, uids, head.count, &acked.position);
  acked.error = (uint32_t)error;
  reply(l, ORCH_ACKED, header->seq, &acked, sizeof acked, NULL);
  if (l->sync_at == 0) l->sync_at = boottime_now();
}

/* KEEP and UNKEEP; nothing is answered but what is wrong. */
static void keep(struct launcher *l, const struct orch_header *header, const char *body, size_t length, int passed) {
  struct orch_keep wanted;
  const char *name = body + sizeof wanted;
  bool add = header->type == ORCH_KEEP;
  if (length >= sizeof wanted) memcpy(&wanted, body, sizeof wanted);
  if (length < sizeof wanted || length != sizeof wanted + wanted.length || wanted.length == 0 || wanted.length >= ORCH_KEPT_NAME_MAX ||
      memchr(name, 0, wanted.length) != NULL || wanted.kind > ORCH_KEEP_QUEUE || (add && passed < 0)) {
    refuse(l, header->seq, ORCH_REFUSED_MALFORMED, "KEEP or UNKEEP has a wrong length, kind or name, or no fd");
    return;
  }
  if (!add) {
    kept_remove(&l->kept, name, wanted.length);
    return;
  }
  int error = kept_add(&l->kept, name, wanted.length, wanted.kind, passed);
  if (error == 0) return;
  complain("cannot keep a descriptor for the agent: %e", error);
  refuse(l, header->seq, ORCH_REFUSED_LIMIT, "no more descriptors can be kept");
}

static void obey(struct launcher *l, size_t length, int passed) {
  const struct orch_header *header = (const struct orch_header *)(const void *)message;
  const char *body = message + sizeof *header;
  const char *wrong = check_header(header, length);
  if (wrong == NULL && header->type != ORCH_HELLO && !l->greeted) wrong = "the first message must be HELLO";
  if (wrong != NULL) {
    refuse(l, 0, ORCH_REFUSED_MALFORMED, wrong);
    agent_flush(l);
    hang_up(l);
    return;
  }
  size_t body_length = length - sizeof *header;
  switch (header->type) {
    case ORCH_HELLO: greet(l, header, body, body_length); break;
    case ORCH_GROW: grow(l, header, body, body_length); break;
    case ORCH_ACK: ack(l, header, body, body_length); break;
    case ORCH_KEEP:
    case ORCH_UNKEEP: keep(l, header, body, body_length, passed); break;
    case ORCH_KEPT_GET:
      kept_tell_all(&l->kept);
      l->tell_kept = true;
      l->kept_seq = header->seq;
      break;
    case ORCH_PING: {
      struct orch_refused pong = {0};
      reply(l, ORCH_PONG, header->seq, &pong, sizeof pong, NULL);
      break;
    }
    case ORCH_SYNC: {
      launcher_sync(l, boottime_now());
      struct orch_synced synced = synced_now(l);
      reply(l, ORCH_SYNCED, header->seq, &synced, sizeof synced, NULL);
      break;
    }
    case ORCH_SHUTDOWN: places_retire(l); break;
    default: refuse(l, header->seq, ORCH_REFUSED_MALFORMED, "the launcher does not know this type of message"); break;
  }
}

/* Of the fds that came with a message the first; the others are closed. -1: none came. */
static int first_fd(struct msghdr *head) {
  int first = -1;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c != NULL; c = CMSG_NXTHDR(head, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    for (size_t n = 0; n < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); n++) {
      int fd;
      memcpy(&fd, CMSG_DATA(c) + n * sizeof fd, sizeof fd);
      if (first < 0) first = fd;
      else close(fd);
    }
  }
  return first;
}

/* One message; false: there is no other now. */
static bool receive(struct launcher *l) {
  _Alignas(8) char control[CMSG_SPACE(sizeof(int) * 4)];
  struct iovec part = {message, sizeof message};
  struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  ssize_t n = recvmsg(l->agent, &head, MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
  /* ECONNRESET comes once, when it died and had not read all; what it sent is still to be read. */
  if (n < 0 && (errno == EINTR || errno == ECONNRESET)) return true;
  if (n < 0 && errno == EAGAIN) return false;
  if (n <= 0) {
    hang_up(l);
    return false;
  }
  int passed = first_fd(&head);
  if ((size_t)n > sizeof message) refuse(l, 0, ORCH_REFUSED_LIMIT, "a message is longer than 65536 bytes");
  else obey(l, (size_t)n, passed);
  if (passed >= 0) close(passed);
  return true;
}

/* The agent is gone: what it sent before is obeyed, such as KEEP, and not answered. */
static void bury(struct launcher *l) {
  l->gone = true;
  while (l->agent >= 0 && receive(l)) l->reply_length = 0;
  hang_up(l);
}

void agent_flush(struct launcher *l) {
  if (l->agent < 0 || l->gone) return;
  int error = flush(l);
  if (error != 0 && error != EAGAIN) bury(l);
}

void agent_receive(struct launcher *l) {
  receive(l);
  agent_flush(l);
}

void agent_accept(struct launcher *l) {
  int peer = accept4(l->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (peer < 0) return;
  struct ucred who;
  socklen_t size = sizeof who;
  if (getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 || (who.uid != 0 && who.uid != geteuid())) {
    turn_away(peer, ORCH_REFUSED_PEER, "only root and the launcher's own user may connect");
    return;
  }
  if (agent_lives(l)) {
    turn_away(peer, ORCH_REFUSED_BUSY, "another agent is connected to this launcher; end it first");
    return;
  }
  bury(l);
  l->agent = peer;
}

/* A shim's socket: requests in, answers and events out. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base.h"
#include "shim.h"

static _Alignas(4096) char message[ORCH_MESSAGE_MAX];

/* Not from within a request. */
void shim_trim_message(void) { (void)!madvise(message, sizeof message, MADV_DONTNEED); }

static bool send_bytes(struct shim *shim, const struct iovec *parts, size_t count) {
  struct msghdr head = {.msg_iov = (struct iovec *)parts, .msg_iovlen = count};
  for (;;) {
    if (sendmsg(shim->socket, &head, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
    if (errno == EINTR) continue;
    /* EAGAIN, ENOBUFS: later. Anything else means that nobody will ever read it: the journal has what matters. */
    return errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM;
  }
}

void shim_send(struct shim *shim, uint16_t type, uint64_t seq, const void *first, size_t first_length, const void *second, size_t second_length,
               bool keep) {
  if (shim->socket < 0 && !keep) return;
  struct orch_header header = {.magic = ORCH_MAGIC,
                               .version = ORCH_VERSION,
                               .type = type,
                               .length = (uint32_t)(sizeof header + first_length + second_length),
                               .seq = seq,
                               .slot = shim->number};
  struct iovec parts[3] = {{&header, sizeof header}, {(void *)first, first_length}, {(void *)second, second_length}};
  if (shim->socket >= 0 && shim->pending_length == 0 && send_bytes(shim, parts, 3)) return;
  if (!keep || header.length > sizeof shim->pending) return;
  char *at = shim->pending;
  for (int n = 0; n < 3; n++) {
    if (parts[n].iov_len > 0) memcpy(at, parts[n].iov_base, parts[n].iov_len);
    at += parts[n].iov_len;
  }
  shim->pending_length = header.length;
}

void shim_send_pending(struct shim *shim) {
  struct iovec part = {shim->pending, shim->pending_length};
  if (shim->socket >= 0 && send_bytes(shim, &part, 1)) shim->pending_length = 0;
}

void shim_refuse(struct shim *shim, uint64_t seq, uint32_t code, int error, const char *text) {
  struct orch_refused refused = {.code = code,
                                 .error = (uint32_t)error,
                                 .last_seq = shim->slot->last_seq,
                                 .uid = shim->slot->uid,
                                 .state = shim->slot->state,
                                 .text_length = (uint32_t)strlen(text)};
  shim_send(shim, code == 0 ? ORCH_PONG : ORCH_REFUSED, seq, &refused, sizeof refused, text, refused.text_length, false);
}

static void wake(struct shim *shim) {
  uint64_t one = 1;
  /* The counter cannot overflow; a failure would only delay the sync to the launcher's next look. */
  ssize_t written = write(shim->wake, &one, sizeof one);
  (void)written;
}

void shim_wake_launcher(struct shim *shim) {
  if (shim->life < 0 || __atomic_exchange_n(&shim->table->wanted, 1, __ATOMIC_SEQ_CST) != 0) return;
  wake(shim);
}

/* Never held back by a wake before: what that one led to may have been the last look, with no lease seen yet. */
void shim_announce_lease(struct shim *shim) {
  if (shim->life >= 0) wake(shim);
}

static void dispatch(struct shim *shim, size_t length, const int *fds, uint32_t fd_count) {
  const struct orch_header *header = (const struct orch_header *)(const void *)message;
  const char *wrong = check_header(header, length);
  if (wrong != NULL) {
    shim_refuse(shim, 0, ORCH_REFUSED_MALFORMED, 0, wrong);
    return;
  }
  const char *body = message + sizeof *header;
  size_t body_length = length - sizeof *header;
  switch (header->type) {
    case ORCH_PING: shim_refuse(shim, header->seq, 0, 0, ""); break;
    case ORCH_EXEC:
    case ORCH_START: shim_start(shim, header, body, body_length, fds, fd_count); break;
    case ORCH_SIGNAL:
    case ORCH_KILL:
    case ORCH_FREEZE:
    case ORCH_THAW:
    case ORCH_SET_DEADLINE:
    case ORCH_SET_LEASE:
    case ORCH_STOP:
    case ORCH_EXTEND_STOP: shim_request(shim, header, body, body_length); break;
    case ORCH_EXEC_SIGNAL:
    case ORCH_INPUT_GET:
    case ORCH_INPUT_END: shim_exec_request(shim, header, body, body_length); break;
    default: shim_refuse(shim, header->seq, ORCH_REFUSED_MALFORMED, 0, "a shim does not know this type of message"); break;
  }
}

static uint32_t received_fds(struct msghdr *head, int fds[ORCH_PASSED_FDS_MAX]) {
  uint32_t count = 0;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c != NULL; c = CMSG_NXTHDR(head, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    size_t have = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t n = 0; n < have; n++) {
      int fd;
      memcpy(&fd, CMSG_DATA(c) + n * sizeof fd, sizeof fd);
      if (count < ORCH_PASSED_FDS_MAX) fds[count++] = fd;
      else close(fd);
    }
  }
  return count;
}

static void agent_gone(struct shim *shim) {
  close(shim->socket);
  shim->socket = -1;
  if (shim->life < 0) shim_orphan_listen(shim);
}

void shim_receive(struct shim *shim) {
  _Alignas(8) char control[CMSG_SPACE(sizeof(int) * ORCH_PASSED_FDS_MAX)];
  int fds[ORCH_PASSED_FDS_MAX];
  struct iovec part = {message, sizeof message};
  struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  ssize_t n = recvmsg(shim->socket, &head, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    agent_gone(shim);
    return;
  }
  uint32_t fd_count = received_fds(&head, fds);
  if ((head.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) shim_refuse(shim, 0, ORCH_REFUSED_LIMIT, 0, "a message is longer than 65536 bytes or has more than 24 fds");
  else dispatch(shim, (size_t)n, fds, fd_count);
  for (uint32_t f = 0; f < fd_count; f++) close(fds[f]);
}

/* ---- orphans: launcher and agent are gone, a later agent finds the shim by its path ---- */

void shim_orphan_listen(struct shim *shim) {
  if (shim->listener >= 0) return;
  char name[24];
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  text_format(name, sizeof name, "%u.sock", shim->number);
  /* By way of /proc: the directory's path may be longer than an address can be. */
  text_format(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%u/%s", (uint32_t)shim->generation, name);
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    complain("shim %u: no socket: %e", shim->number, errno);
    return;
  }
  if (unlinkat(shim->generation, name, 0) != 0 && errno != ENOENT) complain("shim %u: cannot remove an old %s: %e", shim->number, name, errno);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || fchmodat(shim->generation, name, 0600, 0) != 0 || listen(fd, 4) != 0) {
    complain("shim %u: cannot listen on %s: %e", shim->number, name, errno);
    close(fd);
    return;
  }
  shim->listener = fd;
}

void shim_orphan_accept(struct shim *shim) {
  int fd = accept4(shim->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  struct ucred peer;
  socklen_t size = sizeof peer;
  bool allowed = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == 0 || peer.uid == geteuid());
  if (!allowed || shim->socket >= 0) {
    close(fd);
    return;
  }
  shim->socket = fd;
}

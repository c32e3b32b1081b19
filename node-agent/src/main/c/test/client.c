#define _GNU_SOURCE
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void die(const char *format, ...) {
  va_list list;
  va_start(list, format);
  fflush(stdout);
  fprintf(stderr, "failed: ");
  vfprintf(stderr, format, list);
  fprintf(stderr, "\n");
  va_end(list);
  exit(1);
}

uint64_t nanos_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_BOOTTIME, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void client_launch(struct client *c, const char *binary, const char *run, const char *cgroup, const char *const *extra) {
  const char *argv[32] = {binary, "--run-dir", run};
  int n = 3, ready[2];
  memset(c, 0, sizeof *c);
  c->launcher = -1;
  snprintf(c->run, sizeof c->run, "%s", run);
  if (cgroup != NULL) {
    snprintf(c->cgroup, sizeof c->cgroup, "%s", cgroup);
    argv[n++] = "--cgroup";
    argv[n++] = cgroup;
  }
  for (; extra != NULL && *extra != NULL && n < 31; extra++) argv[n++] = *extra;
  if (pipe2(ready, O_CLOEXEC) != 0) die("pipe: %s", strerror(errno));
  c->launcher_pid = fork();
  if (c->launcher_pid < 0) die("fork: %s", strerror(errno));
  if (c->launcher_pid == 0) {
    dup2(ready[1], 1);
    if (getenv("ORCH_TEST_VERBOSE") == NULL) {
      char log[600];
      snprintf(log, sizeof log, "%s.log", run);
      int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
      if (fd >= 0) dup2(fd, 2);
    }
    execv(binary, (char *const *)argv);
    fprintf(stderr, "cannot run %s: %s\n", binary, strerror(errno));
    _exit(127);
  }
  close(ready[1]);
  char word[8] = "";
  struct pollfd p = {.fd = ready[0], .events = POLLIN};
  if (poll(&p, 1, PATIENCE) != 1 || read(ready[0], word, 6) != 6 || strcmp(word, "ready\n") != 0) die("the launcher did not become ready; see %s.log", run);
  close(ready[0]);
}

static void read_welcome(struct client *c, const struct message *m) {
  memcpy(&c->welcome, m->body, sizeof c->welcome);
  c->cgroup[0] = '\0';
  c->notes[0] = '\0';
  for (size_t at = sizeof c->welcome; at + sizeof(struct orch_tlv) <= m->length;) {
    struct orch_tlv tlv;
    memcpy(&tlv, m->body + at, sizeof tlv);
    at += sizeof tlv;
    char *target = tlv.tag == ORCH_W_RUN_DIR        ? c->generation
                   : tlv.tag == ORCH_W_JOURNAL_DIR  ? c->journal
                   : tlv.tag == ORCH_W_SEGMENTS_DIR ? c->segments
                   : tlv.tag == ORCH_W_CGROUP       ? c->cgroup
                                                    : NULL;
    if (target != NULL) {
      memcpy(target, m->body + at, tlv.length);
      target[tlv.length] = '\0';
    } else if (tlv.tag == ORCH_W_NOTE) {
      size_t have = strlen(c->notes);
      snprintf(c->notes + have, sizeof c->notes - have, "%.*s\n", (int)tlv.length, m->body + at);
    }
    at += (tlv.length + 7) & ~7u;
  }
}

static bool next_with_fd(int fd, struct message *m, int millis, int *passed) {
  struct pollfd p = {.fd = fd, .events = POLLIN};
  static char buffer[CLIENT_MESSAGE_MAX];
  char control[CMSG_SPACE(sizeof(int))];
  struct iovec part = {buffer, sizeof buffer};
  struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  *passed = -1;
  if (poll(&p, 1, millis) != 1) return false;
  ssize_t n = recvmsg(fd, &head, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  /* Of a peer that closed before it read what we sent; what it sent comes after. */
  if (n < 0 && errno == ECONNRESET) n = recvmsg(fd, &head, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (n <= 0) return false;
  struct cmsghdr *cm = CMSG_FIRSTHDR(&head);
  if (cm != NULL && cm->cmsg_type == SCM_RIGHTS) memcpy(passed, CMSG_DATA(cm), sizeof *passed);
  if ((size_t)n < sizeof m->header) die("a message of %zd bytes", n);
  memcpy(&m->header, buffer, sizeof m->header);
  if (m->header.magic != ORCH_MAGIC || m->header.length != (size_t)n) die("a message with a wrong header");
  m->length = (size_t)n - sizeof m->header;
  memcpy(m->body, buffer + sizeof m->header, m->length);
  return true;
}

static void take_shim(struct client *c, const struct message *m, int fd) {
  struct orch_shim_info info;
  memcpy(&info, m->body, sizeof info);
  if (fd < 0 || info.slot >= CLIENT_SHIMS_MAX) die("SHIM without a socket");
  if (info.slot >= c->shims) c->shims = info.slot + 1;
  if (c->shim[info.slot] > 0) close(c->shim[info.slot]);
  c->shim[info.slot] = fd;
  c->shim_pid[info.slot] = info.pid;
  c->seq[info.slot] = info.last_seq;
}

static void take_kept(struct client *c, const struct message *m, int fd) {
  memcpy(&c->kept_head, m->body, sizeof c->kept_head);
  uint32_t length = c->kept_head.length;
  if (fd < 0 || m->length != sizeof c->kept_head + length || length >= sizeof c->kept_name) die("KEPT without an fd or with a wrong name");
  memcpy(c->kept_name, m->body + sizeof c->kept_head, length);
  c->kept_name[length] = '\0';
  if (c->kept_fd > 0) close(c->kept_fd);
  c->kept_fd = fd;
  c->kept++;
}

void client_kept(struct client *c) {
  static struct message m;
  client_send(c, c->launcher, ORCH_KEPT_GET, 99, 0, NULL, 0);
  if (c->kept_fd > 0) close(c->kept_fd);
  c->kept = 0;
  c->kept_fd = 0;
  for (;;) {
    int passed;
    if (!next_with_fd(c->launcher, &m, PATIENCE, &passed)) die("the launcher says nothing to KEPT_GET");
    if (m.header.type == ORCH_KEPT && m.header.seq == 99) take_kept(c, &m, passed);
    if (m.header.type == ORCH_KEPT_ALL && m.header.seq == 99) return;
  }
}

bool client_connect(struct client *c, uint32_t *refused) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  static struct message m;
  snprintf(address.sun_path, sizeof address.sun_path, "%.80s/launcher.sock", c->run);
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) die("cannot connect to %s: %s", address.sun_path, strerror(errno));
  struct orch_hello hello = {1, 1};
  if (refused != NULL) {
    /* It may be turned away before it could say anything. */
    struct pollfd p = {.fd = fd, .events = POLLIN};
    (void)!poll(&p, 1, 100);
  }
  struct orch_header header = {.magic = ORCH_MAGIC, .version = 1, .type = ORCH_HELLO, .length = sizeof header + sizeof hello, .seq = 1, .slot = ORCH_NO_SLOT};
  struct iovec parts[2] = {{&header, sizeof header}, {&hello, sizeof hello}};
  struct msghdr head = {.msg_iov = parts, .msg_iovlen = 2};
  ssize_t sent = sendmsg(fd, &head, MSG_NOSIGNAL);
  (void)sent; /* refused connections are closed already */
  c->launcher = fd;
  for (;;) {
    int passed;
    if (!next_with_fd(fd, &m, PATIENCE, &passed)) die("the launcher says nothing to HELLO");
    if (m.header.type == ORCH_REFUSED) {
      struct orch_refused r;
      memcpy(&r, m.body, sizeof r);
      if (refused == NULL) die("refused: %.*s", (int)r.text_length, m.body + sizeof r);
      *refused = r.code;
      client_disconnect(c);
      return false;
    }
    if (m.header.type == ORCH_WELCOME) read_welcome(c, &m);
    if (m.header.type == ORCH_SHIM) take_shim(c, &m, passed);
    if (m.header.type == ORCH_READY) return true;
  }
}

void client_disconnect(struct client *c) {
  if (c->launcher >= 0) close(c->launcher);
  c->launcher = -1;
  for (uint32_t n = 0; n < c->shims; n++) {
    if (c->shim[n] > 0) close(c->shim[n]);
    c->shim[n] = 0;
  }
}

int client_end(struct client *c) {
  int status;
  client_disconnect(c);
  if (c->launcher_pid == 0) return 0;
  kill(c->launcher_pid, SIGTERM);
  for (int n = 0; n < PATIENCE / 10; n++) {
    pid_t got = waitpid(c->launcher_pid, &status, WNOHANG);
    if (got == c->launcher_pid) {
      c->launcher_pid = 0;
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    usleep(10000);
  }
  die("the launcher does not end after SIGTERM");
}

void client_send_fds(int fd, uint16_t type, uint64_t seq, const void *body, size_t length, const int *fds, size_t count) {
  struct orch_header header = {.magic = ORCH_MAGIC, .version = 1, .type = type, .length = (uint32_t)(sizeof header + length), .seq = seq, .slot = ORCH_NO_SLOT};
  struct iovec parts[2] = {{&header, sizeof header}, {(void *)body, length}};
  char control[CMSG_SPACE(sizeof(int) * ORCH_PASSED_FDS_MAX)];
  struct msghdr head = {.msg_iov = parts, .msg_iovlen = 2};
  if (count > 0) {
    memset(control, 0, sizeof control);
    head.msg_control = control;
    head.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    struct cmsghdr *c = CMSG_FIRSTHDR(&head);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
  }
  if (sendmsg(fd, &head, MSG_NOSIGNAL) < 0) die("cannot send message %u: %s", type, strerror(errno));
}

void client_send(struct client *c, int fd, uint16_t type, uint64_t seq, uint32_t flags, const void *body, size_t length) {
  (void)c;
  struct orch_header header = {
      .magic = ORCH_MAGIC, .version = 1, .type = type, .length = (uint32_t)(sizeof header + length), .flags = flags, .seq = seq, .slot = ORCH_NO_SLOT};
  struct iovec parts[2] = {{&header, sizeof header}, {(void *)body, length}};
  struct msghdr head = {.msg_iov = parts, .msg_iovlen = 2};
  if (sendmsg(fd, &head, MSG_NOSIGNAL) < 0) die("cannot send message %u: %s", type, strerror(errno));
}

bool client_next(int fd, struct message *m, int millis) {
  int passed;
  bool got = next_with_fd(fd, m, millis, &passed);
  if (passed >= 0) close(passed);
  return got;
}

void client_await(int fd, uint16_t type, struct message *m) {
  uint64_t end = nanos_now() + PATIENCE * UINT64_C(1000000);
  for (;;) {
    uint64_t now = nanos_now();
    if (now >= end || !client_next(fd, m, (int)((end - now) / 1000000u) + 1)) die("message %u did not come in %d ms", type, PATIENCE);
    if (m->header.type == type) return;
    if (m->header.type == ORCH_REFUSED && type != ORCH_REFUSED) {
      struct orch_refused r;
      memcpy(&r, m->body, sizeof r);
      die("refused (%u) instead of message %u: %.*s", r.code, type, (int)r.text_length, m->body + sizeof r);
    }
    if (m->header.type == ORCH_START_FAILED && (type == ORCH_STARTED || type == ORCH_EXITED)) {
      struct orch_start_failed f = failed_of(m);
      die("start failed at stage %u: %s (index %u)", f.stage, strerror((int)f.error), f.index);
    }
  }
}

void client_await_synced(struct client *c, uint64_t position) {
  static struct message m;
  while (c->synced < position) {
    client_await(c->launcher, ORCH_SYNCED, &m);
    struct orch_synced s;
    memcpy(&s, m.body, sizeof s);
    if (s.error != 0) die("sync: %s", strerror((int)s.error));
    c->synced = s.synced;
  }
}

struct orch_uid client_uid(uint64_t sequence) { return (struct orch_uid){1, 2, sequence}; }

void start_begin(struct start *s, const struct client *c, uint64_t sequence) {
  memset(s, 0, sizeof *s);
  s->fixed.uid = client_uid(sequence);
  memcpy(s->fixed.boot_id, c->welcome.boot_id, sizeof s->fixed.boot_id);
  s->fixed.flags = ORCH_S_SETSID;
  s->fixed.grace = 5000000000u;
}

void start_tlv(struct start *s, uint16_t tag, const void *value, size_t length) {
  struct orch_tlv tlv = {.tag = tag, .length = (uint32_t)length};
  size_t padded = (length + 7) & ~(size_t)7;
  if (s->length + sizeof tlv + padded > s->room) {
    s->room = (s->length + sizeof tlv + padded) * 2;
    s->tlvs = realloc(s->tlvs, s->room);
    if (s->tlvs == NULL) die("no memory");
  }
  memcpy(s->tlvs + s->length, &tlv, sizeof tlv);
  memset(s->tlvs + s->length + sizeof tlv, 0, padded);
  if (length > 0) memcpy(s->tlvs + s->length + sizeof tlv, value, length);
  s->length += sizeof tlv + padded;
  s->fixed.tlv_count++;
}

void start_text(struct start *s, uint16_t tag, const char *text) { start_tlv(s, tag, text, strlen(text) + 1); }

void start_strings(struct start *s, uint16_t tag, const char *const *strings) {
  size_t length = 0, room = 1;
  for (const char *const *p = strings; *p != NULL; p++) room += strlen(*p) + 1;
  char *value = malloc(room);
  if (value == NULL) die("no memory");
  for (const char *const *p = strings; *p != NULL; p++) {
    memcpy(value + length, *p, strlen(*p) + 1);
    length += strlen(*p) + 1;
  }
  start_tlv(s, tag, value, length);
  free(value);
}

void start_limit(struct start *s, const char *file, const char *value) {
  char both[256];
  size_t length = (size_t)snprintf(both, sizeof both, "%s", file) + 1;
  length += (size_t)snprintf(both + length, sizeof both - length, "%s", value) + 1;
  start_tlv(s, ORCH_T_LIMIT, both, length);
}

uint64_t start_send(struct start *s, struct client *c, uint32_t shim) {
  uint64_t seq = ++c->seq[shim];
  size_t total = sizeof s->fixed + s->length;
  const size_t most = ORCH_MESSAGE_MAX - sizeof(struct orch_header);
  char *body = malloc(total);
  if (body == NULL) die("no memory");
  memcpy(body, &s->fixed, sizeof s->fixed);
  if (s->length > 0) memcpy(body + sizeof s->fixed, s->tlvs, s->length);
  for (size_t at = 0; at < total;) {
    size_t n = total - at < most ? total - at : most;
    client_send(c, c->shim[shim], ORCH_START, seq, at + n < total ? ORCH_MORE : 0, body + at, n);
    at += n;
  }
  free(body);
  return seq;
}

void start_free(struct start *s) {
  free(s->tlvs);
  memset(s, 0, sizeof *s);
}

uint64_t position_of_event(const struct message *m) {
  uint64_t position;
  memcpy(&position, m->body, sizeof position);
  return position;
}

struct orch_exit exit_of(const struct message *m) {
  struct orch_exit e;
  memcpy(&e, m->body + sizeof(struct orch_event), sizeof e);
  return e;
}

struct orch_started started_of(const struct message *m) {
  struct orch_started e;
  memcpy(&e, m->body + sizeof(struct orch_event), sizeof e);
  return e;
}

struct orch_start_failed failed_of(const struct message *m) {
  struct orch_start_failed e;
  memcpy(&e, m->body + sizeof(struct orch_event), sizeof e);
  return e;
}

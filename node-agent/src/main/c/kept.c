#define _GNU_SOURCE
#include "kept.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base.h"

enum {
  MESSAGE_ROOM = 8192,
  QUEUE_DEFAULT = 10,
  EVENTS = 64,
  /* What a datagram takes of its sender's SO_SNDBUF (212,992 bytes unless it was changed) until it is read, at most. */
  WEIGHT_A_MESSAGE = 1024,
  WEIGHT_A_BYTE = 2,
  WEIGHT_NEARLY_FULL = 96 * 1024,
  WEIGHT_FULL = 192 * 1024,
};

int kept_init(struct kept_set *set) {
  size_t size = ORCH_KEPT_MAX * sizeof *set->each;
  set->arrivals = epoll_create1(EPOLL_CLOEXEC);
  if (set->arrivals < 0) return errno;
  set->each = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (set->each == MAP_FAILED) return errno;
  return madvise(set->each, size, MADV_DONTFORK) == 0 ? 0 : errno;
}

static struct kept *find(const struct kept_set *set, const char *name, size_t length) {
  for (uint32_t n = 0; n < set->used; n++) {
    struct kept *k = &set->each[n];
    if (k->fd >= 0 && strlen(k->name) == length && memcmp(k->name, name, length) == 0) return k;
  }
  return NULL;
}

/* Taken out of epoll first: it watches open files, and others hold duplicates of this one. */
static void drop(struct kept_set *set, struct kept *k) {
  if (k->kind != ORCH_KEEP_PLAIN && epoll_ctl(set->arrivals, EPOLL_CTL_DEL, k->fd, NULL) != 0) complain("a queue is watched for ever: %e", errno);
  close(k->fd);
  k->fd = -1;
  while (set->used > 0 && set->each[set->used - 1].fd < 0) set->used--;
}

int kept_add(struct kept_set *set, const char *name, size_t length, uint32_t kind, int fd) {
  kept_remove(set, name, length);
  uint32_t n = 0;
  while (n < set->used && set->each[n].fd >= 0) n++;
  if (n >= set->room) return ENOSPC;
  int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (own < 0) return errno;
  struct epoll_event arrival = {.events = EPOLLIN | EPOLLET, .data.u32 = n};
  if (kind != ORCH_KEEP_PLAIN && epoll_ctl(set->arrivals, EPOLL_CTL_ADD, own, &arrival) != 0) {
    int error = errno;
    close(own);
    return error;
  }
  struct kept *k = &set->each[n];
  *k = (struct kept){.fd = own, .kind = kind};
  memcpy(k->name, name, length);
  if (n == set->used) set->used++;
  return 0;
}

void kept_remove(struct kept_set *set, const char *name, size_t length) {
  struct kept *k = find(set, name, length);
  if (k != NULL) drop(set, k);
}

void kept_tell_all(struct kept_set *set) {
  for (uint32_t n = 0; n < set->used; n++) set->each[n].tell = set->each[n].fd >= 0;
}

/* Of the network namespace: a socket in which more than so many datagrams wait is full. */
static uint64_t queue_length(void) {
  char text[24];
  const char *at = text;
  uint64_t value;
  if (read_file(AT_FDCWD, "/proc/sys/net/unix/max_dgram_qlen", text, sizeof text) <= 0) return QUEUE_DEFAULT;
  return parse_number(&at, &value) && value > 0 ? value : QUEUE_DEFAULT;
}

/* Whether so many datagrams, or so heavy ones, wait in it; nothing is taken out. */
static bool holds(int fd, uint64_t count, uint64_t weight) {
  char message[MESSAGE_ROOM];
  int from = 0, nowhere = -1;
  uint64_t seen = 0, weighed = 0;
  if (setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &from, sizeof from) != 0) return false;
  while (seen < count && weighed < weight) {
    ssize_t length = recv(fd, message, sizeof message, MSG_PEEK | MSG_DONTWAIT);
    if (length < 0) break;
    seen++;
    weighed += WEIGHT_A_MESSAGE + WEIGHT_A_BYTE * (uint64_t)length;
  }
  if (setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &nowhere, sizeof nowhere) != 0) complain("cannot set back a socket that is kept: %e", errno);
  return seen >= count || weighed >= weight;
}

/*
 * A queue that is nearly full takes no more (sending fails with EPIPE), and keeps what waits in it. Only if it was full before this one
 * looked it is closed: that alone wakes those who are held up already.
 */
static void look(struct kept_set *set, struct kept *k, uint64_t length) {
  if (!holds(k->fd, (length * 3 + 3) / 4, WEIGHT_NEARLY_FULL)) return;
  if (shutdown(k->fd, SHUT_RD) != 0) complain("cannot shut a queue that is nearly full: %e", errno);
  k->kind = ORCH_KEEP_SHUT;
  bool full = holds(k->fd, length + 1, WEIGHT_FULL);
  complain("no agent reads %s, which is %s: sending to it fails from now on", k->name, full ? "full and let go" : "nearly full and shut");
  if (full) drop(set, k);
}

void kept_look(struct kept_set *set) {
  struct epoll_event events[EVENTS];
  int count = epoll_wait(set->arrivals, events, EVENTS, 0);
  uint64_t length = count > 0 ? queue_length() : 0;
  for (int n = 0; n < count; n++) {
    struct kept *k = &set->each[events[n].data.u32];
    if (k->fd >= 0 && k->kind == ORCH_KEEP_QUEUE) look(set, k, length);
  }
}

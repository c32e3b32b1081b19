/* Descriptors that the launcher keeps for its agents, so that they outlive the agent that made them. */
#ifndef ORCH_KEPT_H
#define ORCH_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol_kept.h"

struct kept {
  int fd;        /* -1: free */
  uint32_t kind; /* of struct orch_keep */
  bool tell;     /* KEPT is to be sent */
  char name[ORCH_KEPT_NAME_MAX];
};

struct kept_set {
  struct kept *each;
  uint32_t room; /* places that may be used */
  uint32_t used; /* no place beyond this one is */
  int arrivals;  /* epoll instance, readable when something came into a queue since the last look */
};

/* Makes room for `set->room`. 0 or an errno. */
int kept_init(struct kept_set *set);

/* Keeps a duplicate of the fd under a name that fits; what had that name goes. 0 or an errno. */
int kept_add(struct kept_set *set, const char *name, size_t length, uint32_t kind, int fd);

void kept_remove(struct kept_set *set, const char *name, size_t length);

/* All are to be told. */
void kept_tell_all(struct kept_set *set);

/* While no agent reads: sees to it that nobody who sends to a queue is held up until one does. */
void kept_look(struct kept_set *set);

#endif

/* The shim table: one mapped file that launcher and shims share and the agent may read. */
#ifndef ORCH_TABLE_H
#define ORCH_TABLE_H

#include <stdbool.h>
#include <sys/types.h>

#include "protocol.h"

static inline struct orch_slot *table_slot(struct orch_table *table, uint32_t slot) {
  return (struct orch_slot *)(table + 1) + slot;
}

static inline bool uid_is_zero(const struct orch_uid *uid) {
  return uid->incarnation == 0 && uid->epoch == 0 && uid->sequence == 0;
}

static inline bool uid_equal(const struct orch_uid *a, const struct orch_uid *b) {
  return a->incarnation == b->incarnation && a->epoch == b->epoch && a->sequence == b->sequence;
}

/* Every store that another process may act upon goes through these. */
/* In `retiring`. */
enum { ORCH_SUCCEEDED = 2 };

#define shared_load(field) __atomic_load_n(&(field), __ATOMIC_SEQ_CST)
#define shared_store(field, value) __atomic_store_n(&(field), (value), __ATOMIC_SEQ_CST)

#endif

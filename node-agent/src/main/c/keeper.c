#define _GNU_SOURCE
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base.h"

enum { UIDS = 65536, BLOCK = 65536 };

static char *block; /* BLOCK bytes, of the launcher alone: not copied into shims */

/* ---- the set of outstanding attempts ---- */

static uint32_t home(const struct orch_uid *uid) {
  uint64_t h = uid->sequence * UINT64_C(0x9E3779B97F4A7C15) ^ ((uint64_t)uid->incarnation << 32 | uid->epoch) * UINT64_C(0xC2B2AE3D27D4EB4F);
  return (uint32_t)(h >> 40) % UIDS;
}

static uint32_t find(const struct keeper *keeper, const struct orch_uid *uid) {
  uint32_t n = home(uid);
  while (!uid_is_zero(&keeper->uids[n]) && !uid_equal(&keeper->uids[n], uid)) n = (n + 1) % UIDS;
  return n;
}

static bool is_outstanding(const struct keeper *keeper, const struct orch_uid *uid) {
  return !uid_is_zero(uid) && !uid_is_zero(&keeper->uids[find(keeper, uid)]);
}

static void add(struct keeper *keeper, const struct orch_uid *uid) {
  if (uid_is_zero(uid) || is_outstanding(keeper, uid)) return;
  if (keeper->outstanding == KEEPER_OUTSTANDING_MAX) {
    if (!keeper->overflow) complain("more than %u attempts are not acked: the journal keeps all its segments", (uint32_t)KEEPER_OUTSTANDING_MAX);
    keeper->overflow = true;
    return;
  }
  keeper->uids[find(keeper, uid)] = *uid;
  keeper->outstanding++;
}

static void take(struct keeper *keeper, const struct orch_uid *uid) {
  if (!is_outstanding(keeper, uid)) return;
  uint32_t hole = find(keeper, uid);
  for (uint32_t n = (hole + 1) % UIDS; !uid_is_zero(&keeper->uids[n]); n = (n + 1) % UIDS) {
    uint32_t from = home(&keeper->uids[n]);
    if ((n - from + UIDS) % UIDS >= (n - hole + UIDS) % UIDS) {
      keeper->uids[hole] = keeper->uids[n];
      hole = n;
    }
  }
  memset(&keeper->uids[hole], 0, sizeof keeper->uids[hole]);
  keeper->outstanding--;
}

/* ---- reading records ---- */

/* What a record says and about whom; CARRY is looked through. NULL payload: of no interest. */
struct content {
  uint16_t type;
  uint16_t version;
  uint32_t length;
  uint64_t position;
  uint64_t realtime;
  const char *payload;
};

static struct content content_of(const struct orch_record *record) {
  struct content c = {record->type, record->version, record->length - (uint32_t)sizeof *record, record->position, record->realtime,
                      (const char *)(record + 1)};
  if (record->type == ORCH_J_CARRY) {
    struct orch_carry carry;
    if (c.length < sizeof carry) return (struct content){0};
    memcpy(&carry, c.payload, sizeof carry);
    if (carry.length > c.length - sizeof carry) return (struct content){0};
    c = (struct content){carry.type, carry.version, carry.length, carry.position, carry.realtime, c.payload + sizeof carry};
  }
  bool has_uid = c.type >= ORCH_J_CLAIM && c.type <= ORCH_J_EXIT;
  if (has_uid && c.length < sizeof(struct orch_uid)) c.payload = NULL;
  if (!has_uid && c.type != ORCH_J_ACK) c.payload = NULL;
  return c;
}

static struct orch_uid uid_of(const struct content *c) {
  struct orch_uid uid;
  memcpy(&uid, c->payload, sizeof uid); /* the first field of all of them */
  return uid;
}

typedef int (*record_visitor)(struct keeper *keeper, const struct content *content);

/* Goes through the bytes [from, to) of an open segment. */
static int visit(struct keeper *keeper, int fd, uint32_t number, uint32_t from, uint32_t to, record_visitor each) {
  while (from < to) {
    uint32_t wanted = to - from < BLOCK ? to - from : BLOCK;
    ssize_t n = pread(fd, block, wanted, from);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    uint32_t have = (uint32_t)n & ~(uint32_t)(ORCH_RECORD_ALIGN - 1);
    if (have == 0) return 0; /* shorter than it should be: torn when it was made */
    uint32_t at = 0;
    while (at < have) {
      if (at + ORCH_RECORD_MAX > have && from + have < to && at > 0) break; /* it may go on in the next block */
      const struct orch_record *record = (const struct orch_record *)(const void *)(block + at);
      if (!journal_valid(record, have - at, position_of(number, from + at))) {
        at += ORCH_RECORD_ALIGN;
        continue;
      }
      struct content c = content_of(record);
      at += record_padded(record->length);
      if (c.payload == NULL) continue;
      int error = each(keeper, &c);
      if (error != 0) return error;
    }
    from += at;
  }
  return 0;
}

static int learn(struct keeper *keeper, const struct content *c) {
  if (c->type == ORCH_J_CLAIM) {
    struct orch_uid uid = uid_of(c);
    add(keeper, &uid);
  } else if (c->type == ORCH_J_ACK) {
    struct orch_ack ack;
    if (c->length < sizeof ack) return 0;
    memcpy(&ack, c->payload, sizeof ack);
    uint32_t room = (c->length - (uint32_t)sizeof ack) / (uint32_t)sizeof(struct orch_uid);
    for (uint32_t n = 0; n < ack.count && n < room; n++) {
      struct orch_uid uid;
      memcpy(&uid, c->payload + sizeof ack + n * sizeof uid, sizeof uid);
      take(keeper, &uid);
    }
  }
  return 0;
}

static int open_number(const struct keeper *keeper, uint32_t number) {
  char path[JOURNAL_PATH_MAX];
  journal_path(number, path);
  return openat(keeper->journal.directory, path, O_RDWR | O_CLOEXEC);
}

static int visit_whole(struct keeper *keeper, uint32_t number, record_visitor each) {
  int fd = open_number(keeper, number);
  if (fd < 0) return errno == ENOENT ? 0 : errno;
  struct stat status;
  int error = fstat(fd, &status) == 0 ? 0 : errno;
  uint32_t size = error == 0 && status.st_size < INT32_MAX ? (uint32_t)status.st_size : 0;
  if (error == 0) error = visit(keeper, fd, number, 0, size & ~(uint32_t)(ORCH_RECORD_ALIGN - 1), each);
  close(fd);
  return error;
}

/* ---- start ---- */

struct numbers {
  uint32_t lowest;
  uint32_t highest;
  bool any;
};

static int collect(void *context, const char *name) {
  struct numbers *found = context;
  uint32_t number = 0;
  int digits = 0;
  for (; digits < 8; digits++) {
    char c = name[digits];
    uint32_t d = c >= '0' && c <= '9' ? (uint32_t)(c - '0') : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10) : 16;
    if (d == 16) return 0;
    number = number << 4 | d;
  }
  if (strcmp(name + 8, ".journal") != 0) return 0;
  if (!found->any || number < found->lowest) found->lowest = number;
  if (!found->any || number > found->highest) found->highest = number;
  found->any = true;
  return 0;
}

static void *launcher_memory(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return NULL;
  if (madvise(memory, size, MADV_DONTFORK) != 0) return NULL;
  return memory;
}

int keeper_open(struct keeper *keeper, struct orch_table *table, int directory) {
  *keeper = (struct keeper){.journal = {.table = table, .slot = NULL, .directory = directory, .fd = -1}};
  block = launcher_memory(BLOCK);
  keeper->uids = launcher_memory(UIDS * sizeof *keeper->uids);
  if (block == NULL || keeper->uids == NULL) return ENOMEM;
  struct numbers found = {0};
  int error = list_directory(directory, collect, &found);
  if (error != 0) return error;
  for (uint32_t n = found.lowest; found.any && n <= found.highest && error == 0; n++) error = visit_whole(keeper, n, learn);
  if (error != 0) return error;
  keeper->first_own = found.any ? found.highest + 1 : 1;
  keeper->oldest = found.any ? found.lowest : 1;
  error = journal_make(directory, keeper->first_own, table);
  if (error != 0) return error;
  keeper->synced = keeper->written = position_of(keeper->first_own, JOURNAL_HEAD);
  table->journal_ready = keeper->first_own;
  table->journal_tail = table->journal_synced = keeper->synced;
  table->journal_oldest = keeper->oldest;
  return 0;
}

/* ---- syncing ---- */

/* What lies before this is written for good: a record being written is marked in its shim's slot. The tail is read first. */
static uint64_t settled(const struct keeper *keeper) {
  struct orch_table *table = keeper->journal.table;
  uint64_t limit = shared_load(table->journal_tail);
  for (uint32_t n = 0; n < keeper->used; n++) {
    uint64_t begun = shared_load(table_slot(table, n)->appending);
    if (begun != 0 && begun < limit) limit = begun;
  }
  return limit;
}

/* After a failed sync the kernel may take the pages for clean: writing them again makes it try them again. */
static int write_again(int fd, uint32_t from, uint32_t to) {
  while (from < to) {
    uint32_t wanted = to - from < BLOCK ? to - from : BLOCK;
    ssize_t n = pread(fd, block, wanted, from);
    if (n <= 0) return n < 0 ? errno : EIO;
    ssize_t m = pwrite(fd, block, (size_t)n, from);
    if (m != n) return m < 0 ? errno : EIO;
    from += (uint32_t)n;
  }
  return 0;
}

/* Syncs and learns from the bytes [from, to) of one segment. */
static int sync_segment(struct keeper *keeper, uint32_t number, uint32_t from, uint32_t to) {
  int fd = keeper->journal.fd;
  bool own = fd < 0 || keeper->journal.number != number;
  if (own) fd = open_number(keeper, number);
  if (fd < 0) return errno;
  int error = keeper->rewrite ? write_again(fd, from, to) : 0;
  if (error == 0 && fdatasync(fd) != 0) error = errno;
  if (error == 0) error = visit(keeper, fd, number, from, to, learn);
  if (own) close(fd);
  return error;
}

bool keeper_dirty(const struct keeper *keeper) { return shared_load(keeper->journal.table->journal_tail) != keeper->synced; }

int keeper_sync(struct keeper *keeper) {
  struct orch_table *table = keeper->journal.table;
  uint64_t limit = settled(keeper);
  int error = 0;
  while (error == 0 && keeper->synced < limit) {
    uint32_t number = position_number(keeper->synced);
    bool last = number == position_number(limit);
    uint64_t next = last ? limit : position_of(number + 1, 0);
    error = sync_segment(keeper, number, position_offset(keeper->synced), last ? position_offset(limit) : table->journal_size);
    if (error == 0) keeper->synced = next;
  }
  keeper->rewrite = error != 0;
  keeper->written = limit;
  shared_store(table->journal_synced, keeper->synced);
  return error;
}

/* ---- rotation ---- */

int keeper_advance(struct keeper *keeper) {
  struct orch_table *table = keeper->journal.table;
  uint64_t tail = shared_load(table->journal_tail);
  if (position_offset(tail) < table->journal_size / 2 || table->journal_ready > position_number(tail)) return 0;
  int error = journal_make(keeper->journal.directory, table->journal_ready + 1, table);
  if (error == 0) shared_store(table->journal_ready, table->journal_ready + 1);
  return error;
}

static int carry(struct keeper *keeper, const struct content *c) {
  if (c->type == ORCH_J_ACK) return 0;
  struct orch_uid uid = uid_of(c);
  if (!is_outstanding(keeper, &uid)) return 0;
  struct orch_carry head = {.position = c->position, .realtime = c->realtime, .type = c->type, .version = c->version, .length = c->length};
  char payload[ORCH_RECORD_MAX]; /* the append opens no block, but keep the source clear of it */
  if (c->length > sizeof payload) return EFBIG;
  memcpy(payload, c->payload, c->length);
  return journal_append(&keeper->journal, ORCH_J_CARRY, JOURNAL_BEGIN, &head, sizeof head, payload, c->length, &keeper->carried_end);
}

static int give_up_oldest(struct keeper *keeper) {
  int error = 0;
  if (keeper->outstanding > 0 && keeper->carried != keeper->oldest) {
    error = visit_whole(keeper, keeper->oldest, carry);
    if (error != 0) return error;
    keeper->carried = keeper->oldest;
  }
  error = keeper_sync(keeper);
  if (error != 0) return error;
  if (keeper->outstanding > 0 && keeper->synced < keeper->carried_end) return EAGAIN; /* a carried record is not durable yet */
  char path[JOURNAL_PATH_MAX];
  journal_path(keeper->oldest, path);
  if (unlinkat(keeper->journal.directory, path, 0) != 0 && errno != ENOENT) return errno;
  keeper->oldest++;
  shared_store(keeper->journal.table->journal_oldest, keeper->oldest);
  return 0;
}

/* Counts anew from the segments, once acks may have made room. */
static int recount(struct keeper *keeper) {
  memset(keeper->uids, 0, UIDS * sizeof *keeper->uids);
  keeper->outstanding = 0;
  keeper->overflow = false;
  int error = 0;
  uint32_t last = position_number(keeper->synced);
  for (uint32_t n = keeper->oldest; n < last && error == 0; n++) error = visit_whole(keeper, n, learn);
  int fd = error == 0 ? open_number(keeper, last) : -1;
  if (fd < 0) return error != 0 ? error : errno;
  error = visit(keeper, fd, last, 0, position_offset(keeper->synced), learn);
  close(fd);
  return error;
}

int keeper_trim(struct keeper *keeper) {
  int error = 0;
  if (keeper->overflow && keeper->outstanding < KEEPER_OUTSTANDING_MAX / 2) error = recount(keeper);
  while (error == 0 && !keeper->overflow && keeper->oldest < position_number(keeper->synced)) {
    if (keeper->previous && keeper->oldest < keeper->first_own) break; /* they still append there */
    uint32_t kept = position_number(keeper->synced) - keeper->oldest + 1;
    bool worth = keeper->outstanding == 0 || (kept > KEEPER_SEGMENTS_KEPT && keeper->outstanding <= KEEPER_CARRY_MAX);
    if (!worth) break;
    error = give_up_oldest(keeper);
  }
  return error == EAGAIN ? 0 : error;
}

int keeper_ack(struct keeper *keeper, const struct orch_uid *uids, uint32_t count, uint64_t *end) {
  struct orch_ack head = {.count = count};
  return journal_append(&keeper->journal, ORCH_J_ACK, JOURNAL_BEGIN, &head, sizeof head, uids, count * sizeof *uids, end);
}

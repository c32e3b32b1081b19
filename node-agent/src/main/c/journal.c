#define _GNU_SOURCE
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base.h"
#include "crc32c.h"

void journal_path(uint32_t number, char path[JOURNAL_PATH_MAX]) { text_format(path, JOURNAL_PATH_MAX, "%x.journal", number); }

uint32_t journal_seal(char buffer[ORCH_RECORD_MAX], uint16_t type, uint32_t payload, uint64_t position) {
  uint32_t length = (uint32_t)sizeof(struct orch_record) + payload;
  uint32_t padded = record_padded(length);
  struct orch_record head = {
      .magic = ORCH_RECORD_MAGIC, .length = length, .type = type, .version = ORCH_VERSION, .position = position, .realtime = realtime_now()};
  memset(buffer + length, 0, padded - length);
  memcpy(buffer, &head, sizeof head);
  head.crc = crc32c(0, buffer + 8, length - 8);
  memcpy(buffer + offsetof(struct orch_record, crc), &head.crc, sizeof head.crc);
  return padded;
}

bool journal_valid(const struct orch_record *record, uint32_t available, uint64_t position) {
  if (record->magic != ORCH_RECORD_MAGIC || record->position != position) return false;
  if (record->length < sizeof *record || record->length > ORCH_RECORD_MAX || record->length > available) return false;
  return crc32c(0, (const char *)record + 8, record->length - 8) == record->crc;
}

static int open_segment(struct journal *journal, uint32_t number) {
  if (journal->fd >= 0 && journal->number == number) return 0;
  char path[JOURNAL_PATH_MAX];
  journal_path(number, path);
  int fd = openat(journal->directory, path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return errno;
  if (journal->fd >= 0) close(journal->fd);
  journal->fd = fd;
  journal->number = number;
  return 0;
}

static void mark(struct journal *journal, uint64_t position) {
  if (journal->slot != NULL) shared_store(journal->slot->appending, position);
}

/* Takes `length` bytes of the newest segment. The mark is set before, so that a sync never passes a record still being written. */
static int reserve(struct journal *journal, uint32_t length, enum journal_room room, uint64_t *position) {
  struct orch_table *table = journal->table;
  uint32_t kept = room == JOURNAL_END ? 0 : table->slots * JOURNAL_ROOM_A_SHIM;
  uint64_t tail = shared_load(table->journal_tail);
  for (;;) {
    uint64_t begin = tail;
    if ((uint64_t)position_offset(tail) + length + kept > table->journal_size) {
      if (shared_load(table->journal_ready) <= position_number(tail)) {
        mark(journal, 0);
        return ENOSPC;
      }
      begin = position_of(position_number(tail) + 1, JOURNAL_HEAD);
    }
    mark(journal, begin);
    /* Marked first, looked then: a later launcher says first that it has begun, and waits for the marks then. */
    if (room == JOURNAL_BEGIN && shared_load(table->retiring) == ORCH_SUCCEEDED) {
      mark(journal, 0);
      return ECANCELED;
    }
    if (__atomic_compare_exchange_n(&table->journal_tail, &tail, begin + length, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
      *position = begin;
      return 0;
    }
  }
}

static int write_at(int fd, const char *buffer, size_t length, off_t offset) {
  while (length > 0) {
    ssize_t n = pwrite(fd, buffer, length, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) return EIO;
    buffer += n;
    length -= (size_t)n;
    offset += n;
  }
  return 0;
}

int journal_append(struct journal *journal, uint16_t type, enum journal_room room, const void *first, size_t first_length,
                   const void *second, size_t second_length, uint64_t *end) {
  _Alignas(8) char buffer[ORCH_RECORD_MAX];
  if (sizeof(struct orch_record) + first_length + second_length > sizeof buffer) return EFBIG;
  memcpy(buffer + sizeof(struct orch_record), first, first_length);
  if (second_length > 0) memcpy(buffer + sizeof(struct orch_record) + first_length, second, second_length);
  uint32_t payload = (uint32_t)(first_length + second_length);
  uint64_t position;
  int error = reserve(journal, record_padded((uint32_t)sizeof(struct orch_record) + payload), room, &position);
  if (error != 0) return error;
  uint32_t padded = journal_seal(buffer, type, payload, position);
  error = open_segment(journal, position_number(position));
  if (error == 0) error = write_at(journal->fd, buffer, padded, position_offset(position));
  mark(journal, 0);
  if (error == 0) *end = position + padded;
  return error;
}

int journal_sync(struct journal *journal) {
  if (journal->fd < 0) return 0;
  return fdatasync(journal->fd) == 0 ? 0 : errno;
}

static int fill_with_zeros(int fd, uint32_t size) {
  static const char zeros[65536];
  for (uint32_t at = 0; at < size;) {
    uint32_t n = size - at < sizeof zeros ? size - at : (uint32_t)sizeof zeros;
    int error = write_at(fd, zeros, n, at);
    if (error != 0) return error;
    at += n;
  }
  return 0;
}

static int prepare(int fd, uint32_t number, const struct orch_table *table) {
  int error = posix_fallocate(fd, 0, table->journal_size);
  if (error == EOPNOTSUPP || error == EINVAL) error = fill_with_zeros(fd, table->journal_size);
  if (error != 0) return error;
  _Alignas(8) char buffer[ORCH_RECORD_MAX];
  struct orch_segment_start start = {.number = number,
                                     .generation = table->generation,
                                     .size = table->journal_size,
                                     .launcher_pid = table->launcher_pid,
                                     .launcher_start = table->launcher_start};
  memcpy(start.boot_id, table->boot_id, sizeof start.boot_id);
  memcpy(buffer + sizeof(struct orch_record), &start, sizeof start);
  uint32_t padded = journal_seal(buffer, ORCH_J_SEGMENT, sizeof start, position_of(number, 0));
  error = write_at(fd, buffer, padded, 0);
  if (error != 0) return error;
  return fsync(fd) == 0 ? 0 : errno;
}

int journal_make(int directory, uint32_t number, const struct orch_table *table) {
  char path[JOURNAL_PATH_MAX];
  journal_path(number, path);
  int fd = openat(directory, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  int error = prepare(fd, number, table);
  if (close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && fsync(directory) != 0) error = errno;
  if (error != 0) unlinkat(directory, path, 0); /* best effort: what is left is passed over by readers */
  return error;
}

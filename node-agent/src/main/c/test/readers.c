#define _GNU_SOURCE
#include "readers.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../crc32c.h"

static char *read_all(const char *path, size_t *length) {
  struct stat status;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NULL;
  if (fstat(fd, &status) != 0) {
    close(fd);
    return NULL;
  }
  char *bytes = malloc((size_t)status.st_size + 1);
  size_t at = 0;
  while (bytes != NULL && at < (size_t)status.st_size) {
    ssize_t n = read(fd, bytes + at, (size_t)status.st_size - at);
    if (n <= 0) break;
    at += (size_t)n;
  }
  close(fd);
  *length = at;
  return bytes;
}

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static int is_segment(const struct dirent *entry) {
  size_t length = strlen(entry->d_name);
  return length == 16 && strcmp(entry->d_name + 8, ".journal") == 0;
}

static uint32_t read_segment(const char *bytes, size_t size, uint32_t number, record_reader each, void *context) {
  uint32_t count = 0;
  for (size_t at = 0; at + sizeof(struct orch_record) <= size;) {
    struct orch_record r;
    memcpy(&r, bytes + at, sizeof r);
    bool whole = r.magic == ORCH_RECORD_MAGIC && r.length >= sizeof r && r.length <= ORCH_RECORD_MAX && at + r.length <= size &&
                 r.position == ((uint64_t)number << 32 | at) && crc32c_portable(0, bytes + at + 8, r.length - 8) == r.crc;
    if (!whole) {
      at += ORCH_RECORD_ALIGN;
      continue;
    }
    const char *payload = bytes + at + sizeof r;
    uint32_t length = r.length - (uint32_t)sizeof r;
    if (r.type == ORCH_J_CARRY) {
      struct orch_carry c;
      memcpy(&c, payload, sizeof c);
      each(context, c.type, payload + sizeof c, c.length, true);
    } else {
      each(context, r.type, payload, length, false);
    }
    count++;
    at += (r.length + ORCH_RECORD_ALIGN - 1) / ORCH_RECORD_ALIGN * ORCH_RECORD_ALIGN;
  }
  return count;
}

uint32_t read_journal(const char *directory, record_reader each, void *context, uint32_t *segments) {
  struct dirent **names;
  uint32_t count = 0;
  int n = scandir(directory, &names, is_segment, by_name);
  crc32c_init();
  *segments = n > 0 ? (uint32_t)n : 0;
  for (int i = 0; i < n; i++) {
    char path[1024];
    size_t size;
    snprintf(path, sizeof path, "%s/%s", directory, names[i]->d_name);
    char *bytes = read_all(path, &size);
    if (bytes != NULL) count += read_segment(bytes, size, (uint32_t)strtoul(names[i]->d_name, NULL, 16), each, context);
    free(bytes);
    free(names[i]);
  }
  if (n >= 0) free(names);
  return count;
}

struct wanted {
  uint16_t type;
  uint64_t sequence;
  void *payload;
  size_t size;
  uint32_t count;
};

static void match(void *context, uint16_t type, const char *payload, uint32_t length, bool carried) {
  struct wanted *w = context;
  struct orch_uid uid;
  (void)carried;
  if (type != w->type || length < sizeof uid) return;
  memcpy(&uid, payload, sizeof uid);
  if (uid.sequence != w->sequence) return;
  if (w->count++ == 0 && w->payload != NULL) memcpy(w->payload, payload, length < w->size ? length : w->size);
}

uint32_t journal_count(const char *directory, uint16_t type, uint64_t sequence, void *payload, size_t size) {
  struct wanted w = {type, sequence, payload, size, 0};
  uint32_t segments;
  read_journal(directory, match, &w, &segments);
  return w.count;
}

static void append(char **bytes, size_t *length, const char *more, size_t n) {
  /* Room grows by doubling: at each power of two that the length passes. */
  size_t room = 1;
  while (room < *length) room *= 2;
  if (*bytes == NULL || *length + n > room) {
    while (room < *length + n) room *= 2;
    *bytes = realloc(*bytes, room);
    if (*bytes == NULL) abort();
  }
  memcpy(*bytes + *length, more, n);
  *length += n;
}

static void read_frames(const char *bytes, size_t size, struct log *log) {
  size_t at = sizeof(struct orch_log_head);
  while (at + sizeof(struct orch_frame) <= size) {
    struct orch_frame f;
    memcpy(&f, bytes + at, sizeof f);
    if (f.magic != ORCH_FRAME_MAGIC || f.length > ORCH_FRAME_PAYLOAD_MAX || at + sizeof f + f.length > size) break;
    const char *payload = bytes + at + sizeof f;
    if (crc32c_portable(crc32c_portable(0, &f, 16), payload, f.length) != f.crc || f.stream > 2) break;
    at += sizeof f + f.length;
    if ((f.flags & ORCH_F_LOSS) != 0) {
      struct orch_loss loss;
      memcpy(&loss, payload, sizeof loss);
      log->lost_lines += loss.lines;
      log->lost_bytes += loss.bytes;
      continue;
    }
    struct stream *s = &log->stream[f.stream];
    s->frames++;
    s->partial += (f.flags & ORCH_F_PARTIAL) != 0;
    s->no_newline += (f.flags & ORCH_F_NO_NEWLINE) != 0;
    append(&s->bytes, &s->length, payload, f.length);
    append(&log->both, &log->both_length, payload, f.length);
    if ((f.flags & (ORCH_F_PARTIAL | ORCH_F_NO_NEWLINE)) == 0) {
      append(&s->bytes, &s->length, "\n", 1);
      append(&log->both, &log->both_length, "\n", 1);
    }
  }
  if (at != size) log->torn = true;
}

void read_log(const char *directory, uint64_t sequence, struct log *log) {
  memset(log, 0, sizeof *log);
  crc32c_init();
  bool any = false;
  for (uint32_t number = 0, missing = 0; missing < 10000; number++) {
    char path[1024];
    size_t size;
    snprintf(path, sizeof path, "%s/%02x/%08x%08x%016llx.%u.seg", directory, (unsigned)(sequence & 255), 1u, 2u, (unsigned long long)sequence, number);
    char *bytes = read_all(path, &size);
    if (bytes == NULL) {
      if (any) return;
      missing++;
      continue;
    }
    struct orch_log_head head;
    memcpy(&head, bytes, sizeof head);
    if (!any) {
      log->first = number;
      log->lines_before = head.lines_before;
    }
    any = true;
    if (head.magic != ORCH_SEGMENT_MAGIC || head.number != number || head.uid.sequence != sequence) log->torn = true;
    log->segments++;
    read_frames(bytes, size, log);
    free(bytes);
  }
}

void free_log(struct log *log) {
  for (int n = 0; n < 3; n++) free(log->stream[n].bytes);
  free(log->both);
  memset(log, 0, sizeof *log);
}

#define _GNU_SOURCE
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base.h"
#include "crc32c.h"

enum {
  CHUNK = 65536,
  BATCH = 131072, /* holds at least one frame of the greatest length */
  LOG_SEGMENT_DEFAULT = 16 * 1024 * 1024,
  LOG_SEGMENT_MIN = 4096,
  SEGMENT_PATH_MAX = 64,
};

/* Touched only by tasks that print; the pages are given back at the end of each such attempt. */
static _Alignas(4096) char chunk[CHUNK];
static _Alignas(4096) char batch[BATCH];
static _Alignas(4096) char unfinished[2][ORCH_FRAME_PAYLOAD_MAX];

static uint32_t unfinished_length[2];
static bool continued[2]; /* the last frame of the stream was PARTIAL */
static uint64_t unfinished_time[2];
static uint32_t batch_length;
static uint64_t batch_lines;
static uint64_t batch_bytes;
static bool touched;

/* ---- files ---- */

static void segment_path(const struct output *output, uint32_t number, char path[SEGMENT_PATH_MAX]) {
  const struct orch_uid *uid = &output->slot->uid;
  char directory[20];
  text_format(directory, sizeof directory, "%X", uid->sequence & 255);
  text_format(path, SEGMENT_PATH_MAX, "%s/%x%x%X.%u.seg", directory + 14, uid->incarnation, uid->epoch, uid->sequence, number);
}

static int make_segment(struct output *output, uint32_t number) {
  char path[SEGMENT_PATH_MAX];
  segment_path(output, number, path);
  int fd = openat(output->directory, path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 && errno == ENOENT) {
    char directory[3] = {path[0], path[1], '\0'};
    if (mkdirat(output->directory, directory, 0700) != 0 && errno != EEXIST) return -errno;
    fd = openat(output->directory, path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  }
  return fd >= 0 ? fd : -errno;
}

/* All or nothing: a torn end is cut off again, so that the file is whole frames. 0 or an errno. */
static int write_whole(int fd, const char *bytes, size_t length, uint64_t offset) {
  size_t done = 0;
  while (done < length) {
    ssize_t n = pwrite(fd, bytes + done, length - done, (off_t)(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      int error = n < 0 ? errno : EIO;
      /* If even this fails, the reader stops at the bad frame until it is overwritten. */
      if (done > 0) (void)!ftruncate(fd, (off_t)offset);
      return error;
    }
    done += (size_t)n;
  }
  return 0;
}

static bool read_head(const struct output *output, uint32_t number, struct orch_log_head *head) {
  char path[SEGMENT_PATH_MAX];
  segment_path(output, number, path);
  int fd = openat(output->directory, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t n = pread(fd, head, sizeof *head, 0);
  close(fd);
  return n == (ssize_t)sizeof *head && head->magic == ORCH_SEGMENT_MAGIC;
}

/* Removes the oldest segment kept and counts what goes with it. */
static void remove_oldest(struct output *output) {
  struct orch_slot *slot = output->slot;
  struct orch_log_head gone, next;
  char path[SEGMENT_PATH_MAX];
  bool counted = read_head(output, slot->log_first, &gone) && read_head(output, slot->log_first + 1, &next);
  segment_path(output, slot->log_first, path);
  if (unlinkat(output->directory, path, 0) != 0 && errno != ENOENT) slot->log_error = (uint32_t)errno;
  slot->log_first++;
  if (!counted) return;
  slot->lost_lines += next.lines_before - gone.lines_before;
  slot->lost_bytes += next.bytes_before - gone.bytes_before;
  slot->exit_flags |= ORCH_E_LOG_LOSS;
}

static int next_segment(struct output *output) {
  struct orch_slot *slot = output->slot;
  uint32_t number = slot->log_segments;
  int fd = make_segment(output, number);
  if (fd < 0) return -fd;
  struct orch_log_head head = {.magic = ORCH_SEGMENT_MAGIC,
                               .version = ORCH_VERSION,
                               .uid = slot->uid,
                               .number = number,
                               .realtime = realtime_now(),
                               .lines_before = slot->log_lines,
                               .bytes_before = slot->log_bytes};
  int error = write_whole(fd, (const char *)&head, sizeof head, 0);
  if (error != 0) {
    close(fd);
    char path[SEGMENT_PATH_MAX];
    segment_path(output, number, path);
    unlinkat(output->directory, path, 0); /* an empty one that stays is overwritten at the next try */
    return error;
  }
  if (output->segment >= 0) close(output->segment);
  output->segment = fd;
  slot->log_offset = sizeof head;
  slot->log_segments = number + 1;
  if (slot->log_total == 0 || (slot->start_flags & ORCH_S_DROP_NEW) != 0) return 0;
  while (slot->log_first + 1 < slot->log_segments &&
         (uint64_t)(slot->log_segments - slot->log_first) * slot->log_segment > slot->log_total)
    remove_oldest(output);
  return 0;
}

/* ---- frames ---- */

static void lose(struct output *output, uint64_t lines, uint64_t bytes, uint32_t cause, int error) {
  output->lost_lines += lines;
  output->lost_bytes += bytes;
  output->lost_cause = cause;
  output->lost_error = (uint32_t)error;
  output->slot->lost_lines += lines;
  output->slot->lost_bytes += bytes;
  output->slot->exit_flags |= ORCH_E_LOG_LOSS;
  if (error != 0) output->slot->log_error = (uint32_t)error;
}

static uint32_t put_frame(char *at, uint8_t stream, uint8_t flags, uint64_t time, const void *payload, uint32_t length) {
  struct orch_frame frame = {.magic = ORCH_FRAME_MAGIC, .stream = stream, .flags = flags, .length = length, .realtime = time};
  frame.crc = crc32c(crc32c(0, &frame, 16), payload, length);
  memcpy(at, &frame, sizeof frame);
  memcpy(at + sizeof frame, payload, length);
  return (uint32_t)sizeof frame + length;
}

/* Tells what was lost, once writing works. 0 or an errno. */
static int tell_loss(struct output *output) {
  if (output->lost_bytes == 0 && output->lost_lines == 0) return 0;
  struct orch_loss loss = {output->lost_lines, output->lost_bytes, output->lost_cause, output->lost_error};
  char frame[sizeof(struct orch_frame) + sizeof loss];
  uint32_t length = put_frame(frame, 0, ORCH_F_LOSS, realtime_now(), &loss, sizeof loss);
  int error = write_whole(output->segment, frame, length, output->slot->log_offset);
  if (error != 0) return error;
  output->slot->log_offset += length;
  output->lost_lines = output->lost_bytes = 0;
  output->lost_cause = output->lost_error = 0;
  return 0;
}

static bool over_total(const struct orch_slot *slot) {
  if (slot->log_total == 0 || (slot->start_flags & ORCH_S_DROP_NEW) == 0) return false;
  return slot->log_bytes + batch_bytes > slot->log_total;
}

/* Writes the frames gathered; what cannot be written is counted as lost. */
static void write_batch(struct output *output) {
  struct orch_slot *slot = output->slot;
  if (batch_length == 0) return;
  int error = 0;
  bool limit = over_total(slot);
  if (!limit) {
    if (output->segment < 0 || slot->log_offset + batch_length > slot->log_segment + sizeof(struct orch_log_head)) {
      /* A batch alone may be longer than a small segment: then it has one for itself. */
      if (output->segment < 0 || slot->log_offset > sizeof(struct orch_log_head)) error = next_segment(output);
    }
    if (error == 0) error = tell_loss(output);
    if (error == 0) error = write_whole(output->segment, batch, batch_length, slot->log_offset);
  }
  if (limit || error != 0) {
    lose(output, batch_lines, batch_bytes, limit ? 1 : 2, error);
  } else {
    slot->log_offset += batch_length;
    slot->log_lines += batch_lines;
    slot->log_bytes += batch_bytes;
  }
  batch_length = 0;
  batch_lines = batch_bytes = 0;
}

static uint32_t batch_limit(const struct orch_slot *slot) {
  return slot->log_segment < BATCH ? (uint32_t)slot->log_segment : BATCH;
}

static void add_frame(struct output *output, int stream, uint8_t flags, uint64_t time, const char *payload, uint32_t length) {
  uint32_t whole = (uint32_t)sizeof(struct orch_frame) + length;
  if (batch_length > 0 && batch_length + whole > batch_limit(output->slot)) write_batch(output);
  batch_length += put_frame(batch + batch_length, (uint8_t)(stream + 1), flags, time, payload, length);
  batch_bytes += length;
  if ((flags & ORCH_F_PARTIAL) == 0) batch_lines++;
  continued[stream] = (flags & ORCH_F_PARTIAL) != 0;
}

static void end_unfinished(struct output *output, int stream, uint8_t flags) {
  add_frame(output, stream, flags, unfinished_time[stream], unfinished[stream], unfinished_length[stream]);
  unfinished_length[stream] = 0;
}

/* Keeps the beginning of a line whose end was not read yet. */
static void keep(struct output *output, int stream, uint64_t time, const char *bytes, uint32_t length) {
  uint32_t limit = output->slot->line_max;
  while (length > 0) {
    if (unfinished_length[stream] == limit) end_unfinished(output, stream, ORCH_F_PARTIAL);
    uint32_t room = limit - unfinished_length[stream];
    uint32_t n = length < room ? length : room;
    if (unfinished_length[stream] == 0) unfinished_time[stream] = time;
    memcpy(unfinished[stream] + unfinished_length[stream], bytes, n);
    unfinished_length[stream] += n;
    bytes += n;
    length -= n;
  }
}

static void split(struct output *output, int stream, uint64_t time, const char *bytes, uint32_t length) {
  const char *end = bytes + length;
  while (bytes < end) {
    const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
    uint32_t n = (uint32_t)((newline != NULL ? newline : end) - bytes);
    if (newline != NULL && unfinished_length[stream] == 0 && n <= output->slot->line_max) {
      add_frame(output, stream, 0, time, bytes, n);
    } else {
      keep(output, stream, time, bytes, n);
      if (newline != NULL) end_unfinished(output, stream, 0);
    }
    bytes += n + (newline != NULL ? 1 : 0);
  }
}

/* ---- reading ---- */

bool output_read(struct output *output, int stream) {
  bool terminal = stream == 0 && output->terminal >= 0;
  ssize_t n = read(terminal ? output->terminal : output->reader[stream], chunk, CHUNK);
  if (n <= 0) return n < 0 && errno == EINTR;
  touched = true;
  if (stream == 0) output->slot->out_bytes += (uint64_t)n;
  else output->slot->err_bytes += (uint64_t)n;
  split(output, stream, realtime_now(), chunk, (uint32_t)n);
  write_batch(output);
  if (unfinished_length[0] == 0 && unfinished_length[1] == 0) output->unflushed = 0;
  else if (output->unflushed == 0) output->unflushed = boottime_now();
  return true;
}

void output_flush(struct output *output) {
  for (int stream = 0; stream < 2; stream++)
    if (unfinished_length[stream] > 0) end_unfinished(output, stream, ORCH_F_PARTIAL);
  write_batch(output);
  output->unflushed = 0;
}

static void forget(struct output *output) {
  if (output->segment >= 0) close(output->segment);
  output->segment = -1;
  output->unflushed = 0;
  output->lost_lines = output->lost_bytes = 0;
  output->lost_cause = output->lost_error = 0;
  unfinished_length[0] = unfinished_length[1] = 0;
  continued[0] = continued[1] = false;
  batch_length = 0;
  batch_lines = batch_bytes = 0;
  if (!touched) return;
  (void)!madvise(chunk, sizeof chunk, MADV_DONTNEED);
  (void)!madvise(batch, sizeof batch, MADV_DONTNEED);
  (void)!madvise(unfinished, sizeof unfinished, MADV_DONTNEED);
  touched = false;
}

void output_end(struct output *output) {
  while (output_read(output, 0)) continue;
  while (output_read(output, 1)) continue;
  if (!touched && output->slot->log_segments == 0) return;
  for (int stream = 0; stream < 2; stream++)
    if (unfinished_length[stream] > 0 || continued[stream]) end_unfinished(output, stream, ORCH_F_NO_NEWLINE);
  write_batch(output);
  if (output->segment >= 0) (void)!tell_loss(output); /* the exit record has the counts in any case */
  forget(output);
}

/* ---- attempts ---- */

void output_begin(struct output *output, uint64_t log_segment, uint64_t log_total, uint32_t line_max) {
  struct orch_slot *slot = output->slot;
  if (log_segment == 0) log_segment = LOG_SEGMENT_DEFAULT;
  if (log_total != 0 && (slot->start_flags & ORCH_S_DROP_NEW) == 0 && log_segment > log_total / 2) log_segment = log_total / 2;
  if (log_segment < LOG_SEGMENT_MIN) log_segment = LOG_SEGMENT_MIN;
  if (line_max == 0 || line_max > ORCH_FRAME_PAYLOAD_MAX) line_max = ORCH_FRAME_PAYLOAD_MAX;
  slot->log_segment = log_segment;
  slot->log_total = log_total;
  slot->line_max = line_max;
  slot->log_offset = slot->log_lines = slot->log_bytes = 0;
  slot->log_segments = slot->log_first = slot->log_error = 0;
  slot->out_bytes = slot->err_bytes = slot->lost_bytes = slot->lost_lines = 0;
  if (output->segment >= 0 || touched) forget(output);
}

void output_resume(struct output *output) {
  struct orch_slot *slot = output->slot;
  if (slot->log_segments == 0) return;
  char path[SEGMENT_PATH_MAX];
  segment_path(output, slot->log_segments - 1, path);
  output->segment = openat(output->directory, path, O_RDWR | O_CLOEXEC);
  if (output->segment < 0) {
    slot->log_error = (uint32_t)errno; /* the next write makes a new segment */
    return;
  }
  if (ftruncate(output->segment, (off_t)slot->log_offset) != 0) slot->log_error = (uint32_t)errno;
  touched = true;
}

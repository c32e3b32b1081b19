/*
 * Drives LLVMFuzzerTestOneInput without clang: a seeded mutator that knows what a START looks like, and a corpus of the inputs that reached
 * code which no earlier one did (gcc's -fsanitize-coverage=trace-pc calls __sanitizer_cov_trace_pc at each edge of parse.c).
 * The same seed does the same again. An input that ends the program is left in a file, which `fuzz FILE` tries alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern unsigned long long fuzz_taken;
void __sanitizer_cov_trace_pc(void);

enum { INPUT_MAX = 65536, CORPUS_MAX = 4096, EDGES = 65536 };

struct input {
  uint8_t *bytes;
  size_t length;
};

static struct input corpus[CORPUS_MAX];
static unsigned corpus_count;
static uint8_t edges[EDGES]; /* ever reached */
static unsigned fresh;       /* edges that the input now running was the first to reach */
static unsigned reached;
static uint8_t now[INPUT_MAX];
static size_t now_length;
static uint64_t state;
static int crash_file = -1;

/* Relative to the program, which lies elsewhere at each run. */
__attribute__((no_sanitize("address", "undefined"))) void __sanitizer_cov_trace_pc(void) {
  uintptr_t at = (uintptr_t)__builtin_return_address(0) - (uintptr_t)&__sanitizer_cov_trace_pc;
  static uintptr_t last;
  uint32_t edge = (uint32_t)((at ^ last >> 1) * UINT64_C(0x9E3779B97F4A7C15) >> 48);
  last = at;
  if (edges[edge] != 0) return;
  edges[edge] = 1;
  fresh++;
}

static uint32_t below(uint32_t bound) {
  state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return bound == 0 ? 0 : (uint32_t)(state >> 33) % bound;
}

/* By system calls alone: the heap may be what is broken. */
static void on_crash(int number) {
  if (crash_file >= 0) (void)!write(crash_file, now, now_length);
  static const char text[] = "the input is in fuzz-crash\n";
  (void)!write(STDERR_FILENO, text, sizeof text - 1);
  signal(number, SIG_DFL);
  raise(number);
}

static void keep(void) {
  if (corpus_count == CORPUS_MAX) return;
  struct input *kept = &corpus[corpus_count];
  kept->bytes = malloc(now_length > 0 ? now_length : 1);
  if (kept->bytes == NULL) return;
  memcpy(kept->bytes, now, now_length);
  kept->length = now_length;
  corpus_count++;
}

static void try_now(void) {
  fresh = 0;
  (void)LLVMFuzzerTestOneInput(now, now_length);
  if (fresh > 0) {
    reached += fresh;
    keep();
  }
}

/* ---- a START put together ---- */

static void add(const void *bytes, size_t length) {
  if (length > INPUT_MAX - now_length) length = INPUT_MAX - now_length;
  if (length > 0) memcpy(now + now_length, bytes, length);
  now_length += length;
}

static void add_tlv(uint16_t tag, const void *value, size_t length) {
  static const uint8_t zeros[8];
  struct orch_tlv tlv = {.tag = tag, .length = (uint32_t)length};
  add(&tlv, sizeof tlv);
  add(value, length);
  add(zeros, -length & 7);
}

/* A value that the tag would have, sometimes a little off. */
static void add_likely(uint16_t tag) {
  static const char words[] = "/bin/sh\0-c\0a=b\0PATH=/x:/y\0memory.max\0" "42\0../x\0t-1\0ctl-1\0/\0.\0\0";
  static const uint8_t rule[] = {1, 0, 0, 0, 0, 0, 0, 0, '/', 'e', 't', 'c', 0};
  static const char limit[] = "pids.max\0" "7";
  uint8_t numbers[96];
  for (size_t n = 0; n < sizeof numbers; n++) numbers[n] = n % 4 == 0 ? (uint8_t)below(70) : 0;
  switch (tag) {
    case ORCH_T_LIMIT: add_tlv(tag, limit, sizeof limit); return;
    case ORCH_T_RLIMIT: add_tlv(tag, numbers, 24); return;
    case ORCH_T_GROUPS: add_tlv(tag, numbers, 4 * below(24)); return;
    case ORCH_T_SECCOMP: add_tlv(tag, numbers, 8 * below(12)); return;
    case ORCH_T_FDS: add_tlv(tag, numbers, 4 * below(18)); return;
    case ORCH_T_PATH_RULE: add_tlv(tag, rule, sizeof rule); return;
    default: {
      size_t from = below(sizeof words - 1);
      size_t length = tag == ORCH_T_ARGV || tag == ORCH_T_ENV || tag == ORCH_T_PRE_STOP ? below((uint32_t)(sizeof words - from)) + 1 : strlen(words + from) + 1;
      add_tlv(tag, words + from, length);
      return;
    }
  }
}

static void make_start(void) {
  struct orch_start fixed = {.uid = {1, 2, 3}, .tlv_count = 1 + below(8)};
  if (below(3) == 0) fixed.flags = (UINT64_C(1) << below(20)) | (UINT64_C(1) << below(20));
  now_length = 0;
  add(&fixed, sizeof fixed);
  add_tlv(ORCH_T_ARGV, "/bin/sh\0-c", 11);
  for (uint32_t n = 1; n < fixed.tlv_count; n++) add_likely((uint16_t)(1 + below(18)));
}

/* ---- changes ---- */

static const uint32_t edges_of_numbers[] = {0, 1, 7, 8, 23, 24, 63, 64, 127, 255, 4096, 65535, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF8, 0xFFFFFFFF};

static void change_bytes(void) {
  if (now_length == 0) return;
  uint32_t at = below((uint32_t)now_length);
  switch (below(4)) {
    case 0: now[at] ^= (uint8_t)(1u << below(8)); break;
    case 1: now[at] = (uint8_t)below(256); break;
    case 2: now[at] = 0; break;
    default: {
      uint32_t value = edges_of_numbers[below(sizeof edges_of_numbers / sizeof edges_of_numbers[0])];
      at &= ~3u;
      size_t length = now_length - at < 4 ? now_length - at : 4;
      memcpy(now + at, &value, length);
    }
  }
}

static void cut_or_repeat(void) {
  if (now_length < 2) return;
  uint32_t from = below((uint32_t)now_length), length = 1 + below((uint32_t)(now_length - from));
  if (below(2) == 0) length = (length + 7) & ~7u;
  if (from + length > now_length) length = (uint32_t)now_length - from;
  switch (below(3)) {
    case 0: now_length = from; break;
    case 1:
      memmove(now + from, now + from + length, now_length - from - length);
      now_length -= length;
      break;
    default:
      if (now_length + length > INPUT_MAX) return;
      memmove(now + from + length, now + from, now_length - from);
      now_length += length;
  }
}

static void graft(void) {
  const struct input *other = &corpus[below(corpus_count)];
  uint32_t keep_length = below((uint32_t)now_length + 1), from = below((uint32_t)other->length + 1);
  now_length = keep_length;
  add(other->bytes + from, other->length - from);
}

static void one_more_tlv(void) {
  uint32_t count;
  if (now_length < sizeof(struct orch_start)) return;
  memcpy(&count, now + offsetof(struct orch_start, tlv_count), sizeof count);
  count++;
  memcpy(now + offsetof(struct orch_start, tlv_count), &count, sizeof count);
  add_likely((uint16_t)(1 + below(18)));
}

static void next_input(void) {
  if (corpus_count == 0 || below(8) == 0) {
    make_start();
  } else {
    const struct input *from = &corpus[below(corpus_count)];
    now_length = 0;
    add(from->bytes, from->length);
  }
  for (uint32_t changes = below(6); changes > 0; changes--) {
    switch (below(6)) {
      case 0: cut_or_repeat(); break;
      case 1: if (corpus_count > 0) graft(); break;
      case 2: one_more_tlv(); break;
      default: change_bytes(); break;
    }
  }
}

/* ---- running ---- */

static int try_file(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd >= 0 ? read(fd, now, sizeof now) : -1;
  if (n < 0) {
    fprintf(stderr, "cannot read %s: %s\n", path, strerror(errno));
    return 1;
  }
  close(fd);
  now_length = (size_t)n;
  try_now();
  printf("%s was %s\n", path, fuzz_taken != 0 ? "taken" : "refused");
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 2) return try_file(argv[1]);
  if (argc != 4) {
    fprintf(stderr, "usage: fuzz SEED ROUNDS SECONDS | fuzz FILE\n");
    return 2;
  }
  unsigned long long seed = strtoull(argv[1], NULL, 10), rounds = strtoull(argv[2], NULL, 10), done = 0;
  time_t until = time(NULL) + atoi(argv[3]);
  state = seed;
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("fuzzing START with seed %llu, at most %llu rounds and %s s\n", seed, rounds, argv[3]);
  crash_file = open("fuzz-crash", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  static const int fatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
  for (size_t n = 0; n < sizeof fatal / sizeof fatal[0]; n++) signal(fatal[n], on_crash);
  for (; done < rounds && (done % 1024 != 0 || time(NULL) < until); done++) {
    next_input();
    try_now();
  }
  if (crash_file >= 0) {
    close(crash_file);
    unlink("fuzz-crash");
  }
  printf("%llu inputs, %llu of them taken, %u edges reached, %u inputs kept\n", done, fuzz_taken, reached, corpus_count);
  if (done >= 10000 && (fuzz_taken == 0 || reached < 100)) {
    fprintf(stderr, "the fuzzer does not get into the parser\n");
    return 1;
  }
  return 0;
}

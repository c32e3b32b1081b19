/* unit_test DOCUMENT [FUZZ_SEED [FUZZ_ROUNDS]]: parser, journal, output and layouts, without any other process. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base.h"
#include "../cgroup.h"
#include "../crc32c.h"
#include "../keeper.h"
#include "../output.h"
#include "../parse.h"
#include "client.h"
#include "layout_test.h"
#include "readers.h"

#define expect(condition)                                                          \
  do {                                                                             \
    if (!(condition)) die("%s:%d: not so: %s", __FILE__, __LINE__, #condition);    \
  } while (0)

static char directory[64];

static int fresh_directory(const char *name) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  expect(mkdir(path, 0700) == 0);
  int fd = open(path, O_RDONLY | O_DIRECTORY);
  expect(fd >= 0);
  return fd;
}

/* ---- small things ---- */

static void crc32c_is_that_of_the_standard(void) {
  crc32c_init();
  expect(crc32c(0, "123456789", 9) == 0xE3069283u);
  expect(crc32c_portable(0, "123456789", 9) == 0xE3069283u);
  char bytes[1000];
  for (int n = 0; n < 1000; n++) bytes[n] = (char)(n * 7);
  for (size_t n = 0; n < sizeof bytes; n += 13) expect(crc32c(0, bytes, n) == crc32c_portable(0, bytes, n));
  expect(crc32c(crc32c(0, bytes, 500), bytes + 500, 500) == crc32c(0, bytes, 1000));
}

static void text_is_formatted_and_never_overflows(void) {
  char t[64];
  expect(text_format(t, sizeof t, "%s %u %l %x %X", "a", 4294967295u, UINT64_MAX, 0xABu, UINT64_C(0xABCDEF)) < sizeof t);
  expect(strcmp(t, "a 4294967295 18446744073709551615 000000ab 0000000000abcdef") == 0);
  memset(t, 'x', sizeof t);
  expect(text_format(t, 5, "%s", "abcdefgh") == 5 && strcmp(t, "abcd") == 0 && t[5] == 'x');
}

static void keyed_values_are_found_by_their_whole_key(void) {
  uint64_t v = 0;
  expect(flat_value("oom 1\noom_kill 22\n", "oom_kill", &v) && v == 22);
  expect(flat_value("oom_kill 5\noom 1\n", "oom", &v) && v == 1);
  expect(!flat_value("oom_kill 5\n", "oom", &v));
  expect(!flat_value("", "oom", &v));
}

static void numbers_that_overflow_are_refused(void) {
  uint64_t v;
  const char *at = "18446744073709551616";
  expect(!parse_number(&at, &v));
  at = "18446744073709551615x";
  expect(parse_number(&at, &v) && v == UINT64_MAX && *at == 'x');
  at = "-1";
  expect(!parse_number(&at, &v));
}

/* ---- START ---- */

static struct request request;

static struct parse_error parse(struct start *s) {
  size_t length = sizeof s->fixed + s->length;
  char *body = malloc(length);
  expect(body != NULL);
  memcpy(body, &s->fixed, sizeof s->fixed);
  if (s->length > 0) memcpy(body + sizeof s->fixed, s->tlvs, s->length);
  struct parse_error e = parse_start(body, length, &request);
  static char *kept;
  free(kept);
  kept = body; /* the request points into it */
  return e;
}

static struct start good_start(void) {
  static const struct client nobody;
  struct start s;
  start_begin(&s, &nobody, 7);
  start_strings(&s, ORCH_T_ARGV, (const char *[]){"/bin/echo", "", "two words", NULL});
  return s;
}

static void a_whole_start_is_read(void) {
  struct start s = good_start();
  uint32_t groups[2] = {5, 6};
  uint64_t rlimit[3] = {7, 1024, UINT64_MAX};
  start_strings(&s, ORCH_T_ENV, (const char *[]){"A=1", "PATH=/x:/y", NULL});
  start_text(&s, ORCH_T_CWD, "/tmp");
  start_text(&s, ORCH_T_NAME, "web/3@2");
  start_tlv(&s, ORCH_T_GROUPS, groups, sizeof groups);
  start_tlv(&s, ORCH_T_RLIMIT, rlimit, sizeof rlimit);
  start_limit(&s, "pids.max", "5");
  start_limit(&s, "memory.max", "max");
  expect(parse(&s).code == 0);
  expect(request.argc == 3 && strcmp(request.argv[2], "two words") == 0 && request.argv[1][0] == '\0' && request.argv[3] == NULL);
  expect(request.envc == 2 && strcmp(request.path, "/x:/y") == 0);
  expect(strcmp(request.cwd, "/tmp") == 0 && strcmp(request.name, "web/3@2") == 0);
  expect(request.group_count == 2 && request.groups[1] == 6);
  expect(request.rlimits == 1 && request.rlimit[0].resource == 7 && request.rlimit[0].hard == UINT64_MAX);
  expect(request.limits == 2 && strcmp(request.limit[0].file, "pids.max") == 0 && strcmp(request.limit[1].value, "max") == 0 && request.limit[1].length == 3);
  expect(strcmp(request.leaf, "t-00000001000000020000000000000007") == 0);
  start_free(&s);
}

static void refused_with(uint32_t code, uint16_t tag, const void *value, size_t length) {
  struct start s = good_start();
  start_tlv(&s, tag, value, length);
  expect(parse(&s).code == code);
  start_free(&s);
}

static void what_cannot_be_obeyed_whole_is_refused(void) {
  refused_with(ORCH_REFUSED_MALFORMED, 99, "x", 1);
  refused_with(ORCH_REFUSED_MALFORMED, ORCH_T_CWD, "no end", 6);
  refused_with(ORCH_REFUSED_MALFORMED, ORCH_T_CWD, "a\0b", 4);
  refused_with(ORCH_REFUSED_MALFORMED, ORCH_T_CWD, "", 1);
  refused_with(ORCH_REFUSED_MALFORMED, ORCH_T_LEAF, "../x", 5);
  refused_with(ORCH_REFUSED_MALFORMED, ORCH_T_LEAF, "ctl-00000001", 13);
  refused_with(ORCH_REFUSED_MALFORMED, ORCH_T_LIMIT, "../../x\0001", 10);
  refused_with(ORCH_REFUSED_MALFORMED, ORCH_T_LIMIT, "pids.max", 9);
  refused_with(ORCH_REFUSED_MALFORMED, ORCH_T_RLIMIT, "12345678", 8);
  refused_with(ORCH_REFUSED_MALFORMED, ORCH_T_GROUPS, "123", 3);
  refused_with(ORCH_REFUSED_MALFORMED, ORCH_T_SECCOMP, "1234567", 7);
  refused_with(ORCH_REFUSED_MALFORMED, ORCH_T_FDS, "\100\0\0\0", 4);
  refused_with(ORCH_REFUSED_MALFORMED, ORCH_T_FDS, "\3\0\0\0\3\0\0\0", 8);
  refused_with(ORCH_REFUSED_MALFORMED, ORCH_T_ARGV, "x", 2); /* a second time */
  struct start s = good_start();
  s.fixed.flags |= UINT64_C(1) << 62;
  expect(parse(&s).code == ORCH_REFUSED_MALFORMED);
  s.fixed.flags = 0;
  s.fixed.tlv_count++;
  expect(parse(&s).code == ORCH_REFUSED_MALFORMED);
  s.fixed.tlv_count = 0;
  expect(parse(&s).code == ORCH_REFUSED_MALFORMED); /* bytes behind the last TLV */
  start_free(&s);
}

static void too_much_is_refused_as_a_limit(void) {
  struct start s = good_start();
  char *many = malloc(2 * 9000);
  expect(many != NULL);
  for (int n = 0; n < 9000; n++) memcpy(many + 2 * n, "x", 2);
  start_tlv(&s, ORCH_T_ENV, many, 2 * 9000);
  expect(parse(&s).code == ORCH_REFUSED_LIMIT);
  free(many);
  start_free(&s);
  s = good_start();
  for (int n = 0; n < 257; n++) start_limit(&s, "pids.max", "5");
  expect(parse(&s).code == ORCH_REFUSED_LIMIT);
  start_free(&s);
}

static uint64_t random_state;

static uint32_t random_below(uint32_t bound) {
  random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(random_state >> 33) % bound;
}

/* The body is exactly as long as it is said to be, so that ASan sees a read behind it. */
static void the_parser_survives(uint64_t seed, unsigned rounds) {
  struct start s = good_start();
  start_strings(&s, ORCH_T_ENV, (const char *[]){"A=1", "PATH=/x:/y", NULL});
  start_limit(&s, "pids.max", "5");
  start_text(&s, ORCH_T_CWD, "/tmp");
  start_tlv(&s, ORCH_T_FDS, "\3\0\0\0", 4);
  size_t whole = sizeof s.fixed + s.length;
  unsigned accepted = 0;
  random_state = seed;
  for (unsigned n = 0; n < rounds; n++) {
    size_t length = random_below(4) == 0 ? random_below((uint32_t)whole + 1) : whole;
    char *body = malloc(length + 1);
    expect(body != NULL);
    memcpy(body, &s.fixed, length < sizeof s.fixed ? length : sizeof s.fixed);
    if (length > sizeof s.fixed) memcpy(body + sizeof s.fixed, s.tlvs, length - sizeof s.fixed);
    body = realloc(body, length > 0 ? length : 1);
    for (uint32_t changes = random_below(4); changes > 0 && length > 0; changes--) {
      /* mostly behind the fixed part, where lengths and tags are */
      uint32_t at = random_below(3) == 0 || length <= sizeof s.fixed ? random_below((uint32_t)length)
                                                                     : (uint32_t)sizeof s.fixed + random_below((uint32_t)(length - sizeof s.fixed));
      body[at] = random_below(3) == 0 ? (char)0xFF : (char)random_below(256);
    }
    struct parse_error e = parse_start(body, length, &request);
    if (e.code == 0) {
      accepted++;
      expect(request.argc > 0 && request.argv[request.argc] == NULL && memchr(request.leaf, '/', strlen(request.leaf)) == NULL);
    } else {
      expect(e.text != NULL);
    }
    free(body);
  }
  expect(accepted > 0 && accepted < rounds);
  start_free(&s);
}

/* ---- the journal ---- */

static struct orch_table *new_table(uint32_t slots, uint32_t size) {
  struct orch_table *table = mmap(NULL, sizeof *table + slots * sizeof(struct orch_slot), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  expect(table != MAP_FAILED);
  table->slots = slots;
  table->journal_size = size;
  table->generation = 1;
  return table;
}

static struct journal shim_journal(struct orch_table *table, int fd) {
  return (struct journal){.table = table, .slot = table_slot(table, 0), .directory = fd, .fd = -1};
}

static void append_end(struct journal *j, uint16_t type, uint64_t sequence) {
  struct orch_exit e = {.uid = client_uid(sequence), .exit_status = (int32_t)sequence};
  struct orch_claim c = {.uid = client_uid(sequence)};
  uint64_t end;
  int error = type == ORCH_J_CLAIM ? journal_append(j, type, JOURNAL_BEGIN, &c, sizeof c, NULL, 0, &end)
                                   : journal_append(j, type, JOURNAL_END, &e, sizeof e, NULL, 0, &end);
  expect(error == 0);
}

static void a_torn_record_and_a_hole_hide_nothing_else(void) {
  char path[128];
  struct keeper keeper;
  struct orch_table *table = new_table(2, 65536);
  int fd = fresh_directory("torn");
  snprintf(path, sizeof path, "%s/torn", directory);
  expect(keeper_open(&keeper, table, fd) == 0);
  struct journal j = shim_journal(table, fd);
  append_end(&j, ORCH_J_CLAIM, 1);
  uint64_t second = shared_load(table->journal_tail);
  append_end(&j, ORCH_J_CLAIM, 2);
  __atomic_fetch_add(&table->journal_tail, 512, __ATOMIC_SEQ_CST); /* a writer that died between reservation and write */
  append_end(&j, ORCH_J_EXIT, 1);
  expect(pwrite(j.fd, "torn", 4, position_offset(second) + 60) == 4);
  expect(journal_count(path, ORCH_J_CLAIM, 1, NULL, 0) == 1);
  expect(journal_count(path, ORCH_J_CLAIM, 2, NULL, 0) == 0);
  struct orch_exit e;
  expect(journal_count(path, ORCH_J_EXIT, 1, &e, sizeof e) == 1 && e.exit_status == 1);
  expect(ftruncate(j.fd, position_offset(shared_load(table->journal_tail)) - 100) == 0);
  expect(journal_count(path, ORCH_J_EXIT, 1, NULL, 0) == 0 && journal_count(path, ORCH_J_CLAIM, 1, NULL, 0) == 1);
}

static void synced_stops_before_a_record_being_written(void) {
  struct keeper keeper;
  struct orch_table *table = new_table(2, 65536);
  int fd = fresh_directory("pending");
  expect(keeper_open(&keeper, table, fd) == 0);
  keeper.used = 2;
  struct journal j = shim_journal(table, fd);
  append_end(&j, ORCH_J_CLAIM, 1);
  uint64_t pending = shared_load(table->journal_tail);
  table_slot(table, 1)->appending = pending;
  __atomic_fetch_add(&table->journal_tail, 512, __ATOMIC_SEQ_CST);
  append_end(&j, ORCH_J_EXIT, 1);
  expect(keeper_sync(&keeper) == 0 && keeper.synced == pending && keeper.outstanding == 1);
  table_slot(table, 1)->appending = 0; /* that shim died */
  expect(keeper_sync(&keeper) == 0 && keeper.synced == shared_load(table->journal_tail));
}

static void old_segments_go_and_what_is_not_acked_is_carried(void) {
  char path[128];
  struct keeper keeper;
  struct orch_table *table = new_table(2, 65536);
  int fd = fresh_directory("carry");
  snprintf(path, sizeof path, "%s/carry", directory);
  expect(keeper_open(&keeper, table, fd) == 0);
  keeper.used = 2;
  struct journal j = shim_journal(table, fd);
  append_end(&j, ORCH_J_CLAIM, 1); /* lives on */
  append_end(&j, ORCH_J_CLAIM, 2);
  append_end(&j, ORCH_J_EXIT, 2); /* ended, not acked */
  for (uint64_t n = 10; n < 3000; n++) {
    struct orch_uid uid = client_uid(n);
    uint64_t end;
    append_end(&j, ORCH_J_CLAIM, n);
    append_end(&j, ORCH_J_EXIT, n);
    if (n % 8 == 0) expect(keeper_sync(&keeper) == 0 && keeper_advance(&keeper) == 0);
    expect(keeper_ack(&keeper, &uid, 1, &end) == 0);
    if (n % 8 == 0) expect(keeper_trim(&keeper) == 0);
  }
  expect(keeper_sync(&keeper) == 0 && keeper_trim(&keeper) == 0);
  expect(keeper.outstanding == 2 && keeper.oldest > 10);
  expect(position_number(keeper.synced) - keeper.oldest < KEEPER_SEGMENTS_KEPT + 1);
  expect(journal_count(path, ORCH_J_CLAIM, 1, NULL, 0) >= 1 && journal_count(path, ORCH_J_EXIT, 1, NULL, 0) == 0);
  struct orch_exit e;
  expect(journal_count(path, ORCH_J_EXIT, 2, &e, sizeof e) >= 1 && e.exit_status == 2);
  struct orch_uid both[2] = {client_uid(1), client_uid(2)};
  uint64_t end;
  expect(keeper_ack(&keeper, both, 2, &end) == 0 && keeper_sync(&keeper) == 0 && keeper_trim(&keeper) == 0);
  expect(keeper.outstanding == 0 && keeper.oldest == position_number(keeper.synced));
  struct keeper again;
  struct orch_table *later = new_table(2, 65536);
  expect(keeper_open(&again, later, fd) == 0 && again.outstanding == 0 && again.first_own > position_number(keeper.synced));
}

static void a_full_journal_refuses_claims_and_takes_ends(void) {
  struct keeper keeper;
  struct orch_table *table = new_table(2, 65536);
  int fd = fresh_directory("full");
  expect(keeper_open(&keeper, table, fd) == 0);
  struct journal j = shim_journal(table, fd);
  struct orch_claim claim = {.uid = client_uid(1)};
  uint64_t end;
  int error = 0;
  for (int n = 0; n < 1000 && error == 0; n++) error = journal_append(&j, ORCH_J_CLAIM, JOURNAL_BEGIN, &claim, sizeof claim, NULL, 0, &end);
  expect(error == ENOSPC && table_slot(table, 0)->appending == 0);
  append_end(&j, ORCH_J_EXIT, 1);
  append_end(&j, ORCH_J_EXIT, 2);
}

static void after_a_successor_has_begun_nothing_is_claimed_and_ends_are_still_written(void) {
  struct keeper keeper;
  struct orch_table *table = new_table(2, 65536);
  int fd = fresh_directory("succeeded");
  expect(keeper_open(&keeper, table, fd) == 0);
  struct journal j = shim_journal(table, fd);
  append_end(&j, ORCH_J_CLAIM, 1);
  shared_store(table->retiring, ORCH_SUCCEEDED);
  struct orch_claim claim = {.uid = client_uid(2)};
  uint64_t end, before = table->journal_tail;
  expect(journal_append(&j, ORCH_J_CLAIM, JOURNAL_BEGIN, &claim, sizeof claim, NULL, 0, &end) == ECANCELED);
  expect(table->journal_tail == before && table_slot(table, 0)->appending == 0);
  append_end(&j, ORCH_J_EXIT, 1);
}

static void an_outstanding_attempt_survives_many_others(void) {
  struct keeper keeper;
  struct orch_table *table = new_table(2, 1 << 20);
  int fd = fresh_directory("many");
  expect(keeper_open(&keeper, table, fd) == 0);
  struct journal j = shim_journal(table, fd);
  for (uint64_t n = 1; n <= 2000; n++) append_end(&j, ORCH_J_CLAIM, n * 65536); /* the same home for many */
  expect(keeper_sync(&keeper) == 0 && keeper.outstanding == 2000);
  for (uint64_t n = 1; n <= 2000; n += 2) {
    struct orch_uid uid = client_uid(n * 65536);
    uint64_t end;
    expect(keeper_ack(&keeper, &uid, 1, &end) == 0 && keeper_ack(&keeper, &uid, 1, &end) == 0);
  }
  expect(keeper_sync(&keeper) == 0 && keeper.outstanding == 1000);
}

/* ---- output ---- */

struct pipes {
  int write_end[2];
  struct output output;
  struct orch_slot slot;
};

static void open_output(struct pipes *p, const char *name, uint64_t sequence) {
  memset(p, 0, sizeof *p);
  p->slot.uid = client_uid(sequence);
  p->output = (struct output){.slot = &p->slot, .directory = fresh_directory(name), .segment = -1, .terminal = -1};
  for (int n = 0; n < 2; n++) {
    int ends[2];
    expect(pipe2(ends, O_NONBLOCK) == 0);
    p->output.reader[n] = ends[0];
    p->write_end[n] = ends[1];
  }
}

static void print(struct pipes *p, int stream, const char *text, size_t length) {
  while (length > 0) {
    ssize_t n = write(p->write_end[stream], text, length);
    if (n > 0) {
      text += n;
      length -= (size_t)n;
    }
    output_read(&p->output, stream);
  }
}

static void log_of(struct log *log, const char *name, uint64_t sequence) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  read_log(path, sequence, log);
}

static void lines_are_framed_and_an_unfinished_one_goes_on(void) {
  struct pipes p;
  struct log log;
  open_output(&p, "lines", 3);
  output_begin(&p.output, 0, 0, 0);
  print(&p, 0, "one\n\nthr", 8);
  expect(p.output.unflushed != 0);
  output_flush(&p.output);
  print(&p, 0, "ee\nend", 6);
  print(&p, 1, "error\n", 6);
  output_end(&p.output);
  log_of(&log, "lines", 3);
  expect(!log.torn && log.stream[1].length == 14 && memcmp(log.stream[1].bytes, "one\n\nthree\nend", 14) == 0);
  expect(log.stream[1].partial == 1 && log.stream[1].no_newline == 1 && log.stream[2].no_newline == 0);
  expect(p.slot.out_bytes == 14 && p.slot.err_bytes == 6 && p.slot.log_lines == 5);
  free_log(&log);
}

static void a_stream_that_ends_right_after_a_partial_frame_is_flagged(void) {
  struct pipes p;
  struct log log;
  open_output(&p, "prompt", 4);
  output_begin(&p.output, 0, 0, 0);
  print(&p, 0, "name? ", 6);
  output_flush(&p.output);
  output_end(&p.output);
  log_of(&log, "prompt", 4);
  expect(log.stream[1].no_newline == 1 && log.stream[1].length == 6 && !log.torn);
  free_log(&log);
}

static void nothing_printed_makes_no_file(void) {
  struct pipes p;
  struct log log;
  open_output(&p, "silent", 5);
  output_begin(&p.output, 0, 0, 0);
  output_end(&p.output);
  log_of(&log, "silent", 5);
  expect(log.segments == 0 && p.slot.log_segments == 0);
}

static void the_oldest_segments_go_and_are_counted(void) {
  struct pipes p;
  struct log log;
  char line[101];
  open_output(&p, "rotate", 6);
  output_begin(&p.output, 8192, 32768, 0);
  memset(line, 'x', 100);
  line[99] = '\n';
  for (int n = 0; n < 5000; n++) print(&p, 0, line, 100);
  output_end(&p.output);
  log_of(&log, "rotate", 6);
  expect(!log.torn && log.first > 0 && log.segments <= 4 && log.segments >= 3);
  expect(log.lines_before == p.slot.lost_lines && log.lines_before + log.stream[1].frames == 5000);
  expect((p.slot.exit_flags & ORCH_E_LOG_LOSS) != 0);
  free_log(&log);
}

static void with_drop_new_the_beginning_stays_and_the_rest_is_counted(void) {
  struct pipes p;
  struct log log;
  char line[101];
  open_output(&p, "drop", 7);
  p.slot.start_flags = ORCH_S_DROP_NEW;
  output_begin(&p.output, 8192, 20000, 0);
  memset(line, 'x', 100);
  line[99] = '\n';
  for (int n = 0; n < 1000; n++) print(&p, 0, line, 100);
  output_end(&p.output);
  log_of(&log, "drop", 7);
  expect(!log.torn && log.first == 0 && log.stream[1].frames + p.slot.lost_lines == 1000 && log.lost_lines == p.slot.lost_lines);
  expect(log.stream[1].frames > 150 && log.stream[1].frames <= 203);
  free_log(&log);
}

static void a_replacement_cuts_off_a_half_written_frame(void) {
  struct pipes p;
  struct log log;
  open_output(&p, "resume", 8);
  output_begin(&p.output, 0, 0, 0);
  print(&p, 0, "before\n", 7);
  expect(pwrite(p.output.segment, "half a frame", 12, (off_t)p.slot.log_offset) == 12);
  close(p.output.segment);
  p.output.segment = -1;
  output_resume(&p.output);
  print(&p, 0, "after\n", 6);
  output_end(&p.output);
  log_of(&log, "resume", 8);
  expect(!log.torn && log.stream[1].length == 13 && memcmp(log.stream[1].bytes, "before\nafter\n", 13) == 0);
  free_log(&log);
}

/* ---- ---- */

static void remove_all(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", directory);
  if (system(command) != 0) fprintf(stderr, "cannot remove %s\n", directory);
}

#define run(test)                      \
  do {                                 \
    test();                            \
    printf("ok %s\n", #test);          \
    count++;                           \
  } while (0)

int main(int argc, char **argv) {
  unsigned count = 0;
  uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 20260101;
  unsigned rounds = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 200000;
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc < 2) die("usage: unit_test DOCUMENT [FUZZ_SEED [FUZZ_ROUNDS]]");
  snprintf(directory, sizeof directory, "/tmp/orch-unit-test-%d", (int)getpid());
  expect(mkdir(directory, 0700) == 0);
  atexit(remove_all);
  run(crc32c_is_that_of_the_standard);
  run(text_is_formatted_and_never_overflows);
  run(keyed_values_are_found_by_their_whole_key);
  run(numbers_that_overflow_are_refused);
  run(a_whole_start_is_read);
  run(what_cannot_be_obeyed_whole_is_refused);
  run(too_much_is_refused_as_a_limit);
  printf("fuzzing START with seed %llu, %u rounds\n", (unsigned long long)seed, rounds);
  the_parser_survives(seed, rounds);
  run(a_torn_record_and_a_hole_hide_nothing_else);
  run(synced_stops_before_a_record_being_written);
  run(old_segments_go_and_what_is_not_acked_is_carried);
  run(a_full_journal_refuses_claims_and_takes_ends);
  run(after_a_successor_has_begun_nothing_is_claimed_and_ends_are_still_written);
  run(an_outstanding_attempt_survives_many_others);
  run(lines_are_framed_and_an_unfinished_one_goes_on);
  run(a_stream_that_ends_right_after_a_partial_frame_is_flagged);
  run(nothing_printed_makes_no_file);
  run(the_oldest_segments_go_and_are_counted);
  run(with_drop_new_the_beginning_stays_and_the_rest_is_counted);
  run(a_replacement_cuts_off_a_half_written_frame);
  const char *headers[] = {"protocol.h", "protocol_kept.h", "protocol_files.h"};
  unsigned tables = 0;
  for (size_t n = 0; n < sizeof headers / sizeof headers[0]; n++) tables += layout_test(headers[n], argv[1]);
  printf("ok %u tables of the document agree with the headers\n", tables);
  printf("%u tests passed\n", count + 2);
  return 0;
}

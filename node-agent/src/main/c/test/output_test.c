/* What a task writes is kept, byte for byte. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vocabulary.h"

static void output_is_kept_with_its_missing_newline(void) {
  uint64_t sequence;
  run_shell(0, "echo one; echo error >&2; printf end", &sequence);
  expect(printed(sequence, 1, "one\nend") && printed(sequence, 2, "error\n"));
  struct log log = output_of(sequence);
  expect(log.stream[1].no_newline == 1 && log.stream[2].no_newline == 0);
  free_log(&log);
}

static void three_megabytes_of_binary_output_are_byte_for_byte(void) {
  char path[512], script[600];
  uint64_t sequence;
  path_of(path, "random");
  snprintf(script, sizeof script, "head -c 3000001 /dev/urandom | tee %s", path);
  struct orch_exit e = run_shell(0, script, &sequence);
  struct log log = output_of(sequence);
  FILE *f = fopen(path, "r");
  char *bytes = malloc(4000000);
  expect(f != NULL && bytes != NULL && fread(bytes, 1, 4000000, f) == 3000001);
  fclose(f);
  expect(e.out_bytes == 3000001 && log.stream[1].length == 3000001 && memcmp(bytes, log.stream[1].bytes, 3000001) == 0 && !log.torn);
  free(bytes);
  free_log(&log);
}

static void one_stream_has_the_true_order(void) {
  uint64_t sequence;
  struct start s = shell("for i in 1 2 3 4 5; do echo o$i; echo e$i >&2; done", &sequence);
  s.fixed.flags |= ORCH_S_STDERR_STDOUT;
  start_send(&s, &agent, 0);
  start_free(&s);
  ended(0);
  expect(printed(sequence, 1, "o1\ne1\no2\ne2\no3\ne3\no4\ne4\no5\ne5\n"));
}

static void a_line_of_twenty_megabytes_is_cut_and_whole(void) {
  uint64_t sequence;
  run_shell(0, "head -c 20000000 /dev/zero | tr '\\0' x; echo", &sequence);
  struct log log = output_of(sequence);
  expect(log.stream[1].length == 20000001 && log.stream[1].partial > 300 && log.stream[1].bytes[20000000] == '\n');
  free_log(&log);
}

static void a_hundred_thousand_lines_are_all_there(void) {
  uint64_t sequence;
  run_shell(0, "seq 1 100000", &sequence);
  struct log log = output_of(sequence);
  /* A line whose writer was held up in its middle comes in two frames. */
  expect(log.stream[1].frames - log.stream[1].partial == 100000 && log.lost_lines == 0);
  free_log(&log);
}

static void a_task_may_close_its_output_and_open_it_by_name(void) {
  char go[512];
  uint64_t sequence;
  struct start s = shell_until(go, "exec >&- 2>&-; ", "exit 4", &sequence);
  start_send(&s, &agent, 0);
  start_free(&s);
  started(0);
  touch(go);
  expect(ended(0).exit_status == 4);
  run_shell(0, "echo named > /dev/stdout; echo error > /dev/stderr", &sequence);
  expect(printed(sequence, 1, "named\n") && printed(sequence, 2, "error\n"));
}

static void a_non_blocking_pipe_does_not_stay_so_for_the_next(void) {
  uint64_t sequence;
  run_shell(0, "python3 -c 'import os; os.set_blocking(1, False)' 2>/dev/null || perl -e 'use Fcntl; fcntl(STDOUT, F_SETFL, O_NONBLOCK)'", NULL);
  run_shell(0, "grep flags /proc/self/fdinfo/1", &sequence);
  struct log log = output_of(sequence);
  unsigned flags = 0;
  expect(log.stream[1].length > 0 && sscanf(log.stream[1].bytes, "flags: %o", &flags) == 1 && (flags & O_NONBLOCK) == 0);
  free_log(&log);
}

static void stdin_and_stdout_may_be_paths(void) {
  char in[512], out[512];
  uint64_t sequence;
  path_of(in, "in");
  path_of(out, "out");
  FILE *f = fopen(in, "w");
  expect(f != NULL && fputs("from a file\n", f) > 0 && fclose(f) == 0);
  struct start s = shell("cat; echo again", &sequence);
  start_text(&s, ORCH_T_STDIN, in);
  start_text(&s, ORCH_T_STDOUT, out);
  start_send(&s, &agent, 0);
  start_free(&s);
  ended(0);
  char text[64] = "";
  f = fopen(out, "r");
  expect(f != NULL && fread(text, 1, sizeof text - 1, f) == 18 && strcmp(text, "from a file\nagain\n") == 0);
  fclose(f);
  expect(printed(sequence, 1, ""));
}

void output_tests(void) {
  run(output_is_kept_with_its_missing_newline);
  run(three_megabytes_of_binary_output_are_byte_for_byte);
  run(one_stream_has_the_true_order);
  run(a_line_of_twenty_megabytes_is_cut_and_whole);
  run(a_hundred_thousand_lines_are_all_there);
  run(a_task_may_close_its_output_and_open_it_by_name);
  run(a_non_blocking_pipe_does_not_stay_so_for_the_next);
  run(stdin_and_stdout_may_be_paths);
}

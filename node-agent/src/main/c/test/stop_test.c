/* Stops, also those that are drawn out, frozen tasks and signals. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vocabulary.h"

enum { EXITED = CLD_EXITED, KILLED = CLD_KILLED };

/* ---- stopping ---- */

static void a_stop_is_a_signal_and_the_real_status(void) {
  uint64_t sequence = begin_at_term("exit 7", NULL);
  expect(stop(0, sequence, SIGTERM, ORCH_MODE_GROUP, AMPLE).error == 0);
  struct orch_exit e = ended(0);
  expect(e.si_code == EXITED && e.exit_status == 7 && (e.flags & ORCH_E_STOPPED) != 0 && (e.flags & ORCH_E_GRACE_OVER) == 0);
  expect(e.stop_signal == SIGTERM);
}

static void what_ignores_the_signal_is_killed_after_the_grace(void) {
  uint64_t sequence = begin_at_term("", NULL);
  uint64_t from = nanos_now();
  stop(0, sequence, SIGTERM, ORCH_MODE_GROUP, 200);
  struct orch_exit e = ended(0);
  uint64_t took = (nanos_now() - from) / 1000000;
  expect(e.si_code == KILLED && e.exit_status == SIGKILL && (e.flags & ORCH_E_GRACE_OVER) != 0 && e.stop_signal == SIGKILL);
  expect(took >= 190 && leaves() == 0);
}

static void a_second_stop_can_only_bring_the_kill_forward(void) {
  uint64_t sequence = begin_at_term("", NULL);
  hold_shim(0);
  ask_to_stop(0, sequence, SIGTERM, ORCH_MODE_GROUP, AMPLE);
  ask_to_stop(0, sequence, SIGTERM, ORCH_MODE_GROUP, 100);
  ask_to_stop(0, sequence, SIGTERM, ORCH_MODE_GROUP, AMPLE);
  let_shim_go(0);
  expect(ended(0).exit_status == SIGKILL);
}

/* ---- stops that are drawn out ---- */

struct slow {
  uint64_t sequence;
  long pid;
  char done[512]; /* made, it exits with 7; SIGTERM it passes over */
};

/* Its START has no grace. */
static struct slow begin_slow_to_stop(void) {
  struct slow slow;
  char up[512], script[2048];
  path_of(slow.done, "done");
  path_of(up, "up");
  snprintf(script, sizeof script, "trap '' TERM; echo $$ > %s; until [ -e %s ]; do sleep 0.01; done; exit 7", up, slow.done);
  struct start s = shell(script, &slow.sequence);
  s.fixed.grace = 0;
  start_send(&s, &agent, 0);
  start_free(&s);
  slow.pid = number_in(up);
  return slow;
}

static uint64_t ask_for_more(struct slow slow, uint64_t by_millis, uint64_t most_millis) {
  struct orch_extend_stop body = {client_uid(slow.sequence), by_millis * MILLI, most_millis * MILLI};
  return ask(0, ORCH_EXTEND_STOP, &body, sizeof body);
}

static struct orch_done extend_stop(struct slow slow, uint64_t by_millis, uint64_t most_millis) { return answer(0, ask_for_more(slow, by_millis, most_millis)); }

/* The shim comes to it before the grace is over. */
static void stop_and_draw_out(struct slow slow, uint64_t grace_millis, uint64_t most_millis) {
  hold_shim(0);
  uint64_t stopping = ask_to_stop(0, slow.sequence, SIGTERM, ORCH_MODE_GROUP, grace_millis), more = ask_for_more(slow, AMPLE, most_millis);
  let_shim_go(0);
  expect(answer(0, stopping).error == 0);
  expect(answer(0, more).error == 0);
}

static void a_stop_that_is_drawn_out_kills_later_and_says_so(void) {
  struct slow slow = begin_slow_to_stop();
  expect(extend_stop(slow, AMPLE, AMPLE).error == ESRCH); /* no stop runs */
  stop_and_draw_out(slow, 300, AMPLE);
  expect(extend_stop(slow, 1, AMPLE).error == 0); /* less than it has brings nothing forward */
  kill_shim(0);                                              /* its replacement keeps to it */
  usleep(600000);
  expect(alive(slow.pid));
  touch(slow.done);
  struct orch_exit e = ended(0);
  expect(e.si_code == EXITED && e.exit_status == 7);
  expect((e.flags & (ORCH_E_STOPPED | ORCH_E_EXTENDED | ORCH_E_GRACE_OVER)) == (ORCH_E_STOPPED | ORCH_E_EXTENDED));
}

static void a_stop_is_drawn_out_no_further_than_it_may_be(void) {
  struct slow slow = begin_slow_to_stop();
  uint64_t from = nanos_now();
  stop_and_draw_out(slow, 100, 600);
  struct orch_exit e = ended(0);
  expect(e.exit_status == SIGKILL && (e.flags & ORCH_E_GRACE_OVER) != 0);
  expect(nanos_now() - from >= 600000000u);
}

static void a_stop_that_is_drawn_out_ends_by_a_grace_that_is_said(void) {
  struct slow slow = begin_slow_to_stop();
  stop_and_draw_out(slow, 100, AMPLE);
  struct orch_stop again = {client_uid(slow.sequence), 0, 0, ORCH_GRACE_OF_START}; /* of an agent that was restarted */
  expect(request(0, ORCH_STOP, &again, sizeof again).error == 0);
  usleep(200000);
  expect(alive(slow.pid));
  stop(0, slow.sequence, SIGTERM, ORCH_MODE_GROUP, 100);
  expect(ended(0).exit_status == SIGKILL);
}

static void the_stop_of_a_time_limit_is_not_drawn_out(void) {
  struct slow slow = begin_slow_to_stop();
  stop_and_draw_out(slow, 100, AMPLE);
  struct orch_set_deadline set = {client_uid(slow.sequence), nanos_now()};
  expect(request(0, ORCH_SET_DEADLINE, &set, sizeof set).error == 0);
  struct orch_exit e = ended(0);
  expect(e.exit_status == SIGKILL && (e.flags & ORCH_E_DEADLINE) != 0);
}

/* ---- stopped and frozen tasks ---- */

static void a_stopped_or_frozen_task_stops_in_time(void) {
  long pid;
  uint64_t sequence = begin_at_term("exit 5", &pid);
  expect(kill((pid_t)pid, SIGSTOP) == 0);
  stop(0, sequence, SIGTERM, ORCH_MODE_GROUP, AMPLE);
  expect(ended(0).exit_status == 5);
  sequence = begin_at_term("exit 6", &pid);
  expect(about(0, ORCH_FREEZE, sequence).error == 0);
  stop(0, sequence, SIGTERM, ORCH_MODE_GROUP, AMPLE);
  expect(ended(0).exit_status == 6);
  char path[512];
  path_of(path, "up");
  sequence = begin_with_files(0, "echo $$ > %s; sleep 1000%s", path, "", 0);
  number_in(path);
  about(0, ORCH_FREEZE, sequence);
  about(0, ORCH_KILL, sequence);
  expect(ended(0).exit_status == SIGKILL && leaves() == 0);
}

static void frozen_means_frozen_and_thaw_goes_on(void) {
  char path[512];
  struct stat before, after;
  path_of(path, "beat");
  uint64_t sequence = begin_with_files(0, "while :; do echo 1 >> %s; sleep 0.005; done%s", path, "", 0);
  number_in(path);
  expect(about(0, ORCH_FREEZE, sequence).error == 0);
  bool stands = false; /* at its next moment outside the kernel it does */
  for (int n = 0; n < PATIENCE / 100 && !stands; n++) {
    expect(stat(path, &before) == 0);
    usleep(100000);
    expect(stat(path, &after) == 0);
    stands = after.st_size == before.st_size;
  }
  expect(stands);
  expect(about(0, ORCH_THAW, sequence).error == 0);
  await(stat(path, &after) == 0 && after.st_size > before.st_size);
  about(0, ORCH_KILL, sequence);
  ended(0);
}

static void a_signal_reaches_the_leader_or_all(void) {
  char up[512], child[512];
  path_of(up, "up");
  path_of(child, "child");
  uint64_t sequence = begin_with_files(
      0, "sh -c 'trap \"echo child; exit\" USR1; echo $$ > %s; while :; do sleep 0.01; done' & trap 'echo leader' USR1; echo $$ > %s; wait; wait; wait; exit 0", child,
      up, 0);
  number_in(up);
  number_in(child);
  struct orch_signal s = {client_uid(sequence), SIGUSR1, ORCH_MODE_PROCESS};
  struct orch_done done = request(0, ORCH_SIGNAL, &s, sizeof s);
  expect(done.error == 0 && done.count == 1);
  await_printed(sequence, "leader\n");
  /* sleep has no handler: it dies by USR1, the shells say who they are */
  s.mode = ORCH_MODE_GROUP;
  done = request(0, ORCH_SIGNAL, &s, sizeof s);
  expect(done.error == 0 && done.count >= 2);
  ended(0);
  struct log log = output_of(sequence);
  expect(log.stream[1].length == 20 && memmem(log.stream[1].bytes, 20, "child", 5) != NULL);
  free_log(&log);
}

void stop_tests(void) {
  run(a_stop_is_a_signal_and_the_real_status);
  run(what_ignores_the_signal_is_killed_after_the_grace);
  run(a_second_stop_can_only_bring_the_kill_forward);
  run(a_stop_that_is_drawn_out_kills_later_and_says_so);
  run(a_stop_is_drawn_out_no_further_than_it_may_be);
  run(a_stop_that_is_drawn_out_ends_by_a_grace_that_is_said);
  run(the_stop_of_a_time_limit_is_not_drawn_out);
  run(a_stopped_or_frozen_task_stops_in_time);
  run(frozen_means_frozen_and_thaw_goes_on);
  run(a_signal_reaches_the_leader_or_all);
}

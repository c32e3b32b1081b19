/* The pre-stop command, PID namespaces, path rules, and the ways of a kernel that lacks what ours has. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vocabulary.h"

static struct start shell_with_pre_stop(const char *script, const char *pre_stop, uint64_t *sequence) {
  struct start s = shell(script, sequence);
  start_strings(&s, ORCH_T_PRE_STOP, (const char *[]){"/bin/sh", "-c", pre_stop, NULL});
  s.fixed.flags |= ORCH_S_PRE_STOP;
  return s;
}

/* Its traps are set then. */
static void await_up(uint64_t sequence) { await_printed(sequence, "up\n"); }

static uint64_t begin_with_pre_stop(uint32_t shim, const char *script, const char *pre_stop) {
  uint64_t sequence;
  struct start s = shell_with_pre_stop(script, pre_stop, &sequence);
  start_send(&s, &agent, shim);
  start_free(&s);
  started(shim);
  if (strstr(script, "echo up") != NULL) await_up(sequence);
  return sequence;
}

/* ---- the pre-stop command ---- */

static const char said_by_term[] = "trap 'echo term; exit 3' TERM; echo up; while :; do sleep 0.01; done";

static void the_pre_stop_command_runs_before_the_signal(void) {
  uint64_t sequence = begin_with_pre_stop(0, said_by_term, "echo pre; sleep 0.1; echo post");
  expect(stop(0, sequence, SIGTERM, ORCH_MODE_GROUP, AMPLE).error == 0);
  struct orch_exit e = ended(0);
  expect(e.si_code == CLD_EXITED && e.exit_status == 3);
  expect((e.flags & ORCH_E_PRE_STOP) != 0 && (e.flags & (ORCH_E_PRE_STOP_FAILED | ORCH_E_GRACE_OVER | ORCH_E_DESCENDANTS)) == 0);
  expect(printed(sequence, 1, "up\npre\npost\nterm\n") && leaves() == 0);
}

static void a_task_that_is_never_stopped_runs_no_pre_stop_command(void) {
  uint64_t sequence;
  struct start s = shell_with_pre_stop("echo done", "echo pre", &sequence);
  start_send(&s, &agent, 0);
  start_free(&s);
  struct orch_exit e = ended(0);
  expect(e.exit_status == 0 && (e.flags & ORCH_E_PRE_STOP) == 0 && printed(sequence, 1, "done\n"));
}

static void the_pre_stop_command_counts_inside_the_grace(void) {
  static const enum { GROUP = ORCH_MODE_GROUP, MIXED = ORCH_MODE_MIXED, PROCESS = ORCH_MODE_PROCESS } modes[] = {GROUP, MIXED, PROCESS};
  for (int n = 0; n < 3; n++) {
    char path[512], pre_stop[1300];
    path_of(path, "pre-stop-pid");
    snprintf(pre_stop, sizeof pre_stop, "echo $$ > %s; exec sleep 60", path);
    uint64_t sequence = begin_with_pre_stop(0, said_by_term, pre_stop);
    uint64_t from = nanos_now();
    stop(0, sequence, SIGTERM, modes[n], 300);
    struct orch_exit e = ended(0);
    expect(nanos_now() - from >= 290000000u && e.si_code == CLD_KILLED && e.exit_status == SIGKILL);
    expect((e.flags & ORCH_E_GRACE_OVER) != 0 && (e.flags & ORCH_E_PRE_STOP_FAILED) != 0);
    await_gone(number_in(path));
    expect(leaves() == 0);
  }
}

static void a_pre_stop_command_that_fails_is_told_and_the_signal_follows(void) {
  uint64_t sequence = begin_with_pre_stop(0, said_by_term, "exit 9");
  stop(0, sequence, SIGTERM, ORCH_MODE_MIXED, AMPLE);
  struct orch_exit e = ended(0);
  expect(e.exit_status == 3 && (e.flags & ORCH_E_PRE_STOP_FAILED) != 0);
  struct start s = shell(said_by_term, &sequence);
  start_strings(&s, ORCH_T_PRE_STOP, (const char *[]){"/nowhere/drain", NULL});
  s.fixed.flags |= ORCH_S_PRE_STOP;
  start_send(&s, &agent, 0);
  start_free(&s);
  await_up(sequence);
  stop(0, sequence, SIGTERM, ORCH_MODE_GROUP, AMPLE);
  e = ended(0);
  expect(e.exit_status == 3 && (e.flags & ORCH_E_PRE_STOP_FAILED) != 0 && printed(sequence, 1, "up\nterm\n"));
}

static void a_leader_that_ends_by_its_pre_stop_command_has_its_own_status(void) {
  char path[512], script[600], pre_stop[1300];
  path_of(path, "leader");
  snprintf(script, sizeof script, "echo $$ > %s; exec sleep 60", path);
  snprintf(pre_stop, sizeof pre_stop, "kill -USR1 $(cat %s); sleep 0.2; echo drained", path);
  uint64_t sequence = begin_with_pre_stop(0, script, pre_stop);
  number_in(path);
  stop(0, sequence, SIGTERM, ORCH_MODE_MIXED, AMPLE);
  struct orch_exit e = ended(0);
  expect(e.si_code == CLD_KILLED && e.exit_status == SIGUSR1 && (e.flags & ORCH_E_PRE_STOP_FAILED) == 0);
  expect(printed(sequence, 1, "drained\n") && leaves() == 0);
}

static void what_a_pre_stop_command_leaves_behind_dies(void) {
  char path[512], pre_stop[1300];
  path_of(path, "left");
  snprintf(pre_stop, sizeof pre_stop, "setsid sh -c 'echo $$ > %s; exec sleep 60' & while ! [ -s %s ]; do sleep 0.01; done", path, path);
  uint64_t sequence = begin_with_pre_stop(0, said_by_term, pre_stop);
  stop(0, sequence, SIGTERM, ORCH_MODE_GROUP, AMPLE);
  expect(ended(0).exit_status == 3);
  await_gone(number_in(path));
  expect(leaves() == 0);
}

static void a_kill_and_a_stop_without_grace_go_without_it(void) {
  uint64_t sequence = begin_with_pre_stop(0, said_by_term, "sleep 60");
  about(0, ORCH_KILL, sequence);
  expect((ended(0).flags & ORCH_E_PRE_STOP) == 0);
  sequence = begin_with_pre_stop(0, said_by_term, "sleep 60");
  stop(0, sequence, SIGTERM, ORCH_MODE_GROUP, 0);
  struct orch_exit e = ended(0);
  expect((e.flags & ORCH_E_PRE_STOP) == 0 && (e.flags & ORCH_E_STOPPED) != 0);
}

static void a_second_stop_ends_the_pre_stop_command_early(void) {
  uint64_t sequence = begin_with_pre_stop(0, said_by_term, "sleep 60");
  stop(0, sequence, SIGTERM, ORCH_MODE_GROUP, AMPLE);
  stop(0, sequence, SIGTERM, ORCH_MODE_GROUP, 100);
  struct orch_exit e = ended(0);
  expect(e.exit_status == SIGKILL && leaves() == 0);
}

static void a_frozen_task_is_thawed_for_its_pre_stop_command(void) {
  uint64_t sequence = begin_with_pre_stop(0, said_by_term, "echo pre");
  expect(about(0, ORCH_FREEZE, sequence).error == 0);
  stop(0, sequence, SIGTERM, ORCH_MODE_GROUP, AMPLE);
  expect(ended(0).exit_status == 3);
}

/* By the deadline as well, which needs no agent; the file of the request is gone afterwards. */
static void a_deadline_runs_the_pre_stop_command_too(void) {
  uint64_t sequence;
  struct start s = shell_with_pre_stop(said_by_term, "echo pre", &sequence);
  s.fixed.grace = AMPLE * MILLI;
  start_send(&s, &agent, 0);
  start_free(&s);
  await_up(sequence);
  struct orch_set_deadline set = {client_uid(sequence), nanos_now()};
  expect(request(0, ORCH_SET_DEADLINE, &set, sizeof set).error == 0);
  struct orch_exit e = ended(0);
  expect(e.exit_status == 3 && (e.flags & ORCH_E_DEADLINE) != 0 && (e.flags & ORCH_E_PRE_STOP) != 0);
  expect(printed(sequence, 1, "up\npre\nterm\n"));
  char path[700];
  ping(0); /* it is free by then */
  snprintf(path, sizeof path, "%s/0.request", agent.generation);
  expect(access(path, F_OK) != 0);
}

static void a_shim_that_dies_during_a_pre_stop_command_is_followed_by_the_signal(void) {
  char path[512], pre_stop[1300];
  path_of(path, "pre-stop-pid");
  snprintf(pre_stop, sizeof pre_stop, "echo $$ > %s; exec sleep 2", path);
  uint64_t sequence = begin_with_pre_stop(0, said_by_term, pre_stop);
  stop(0, sequence, SIGTERM, ORCH_MODE_GROUP, AMPLE);
  number_in(path);
  kill_shim(0);
  struct orch_exit e = ended(0);
  expect(e.si_code == CLD_EXITED && e.exit_status == 3 && (e.flags & ORCH_E_ADOPTED) != 0 && leaves() == 0);
  await_gone(number_in(path));
}

/* ---- what outlives SIGKILL ---- */

static bool write_text(const char *directory, const char *file, const char *text) {
  char path[700];
  snprintf(path, sizeof path, "%s/%s", directory, file);
  FILE *f = fopen(path, "w");
  if (f == NULL) return false;
  bool written = fputs(text, f) >= 0;
  return fclose(f) == 0 && written;
}

/* A process frozen by the old freezer does not end by SIGKILL until it is thawed: as one in the kernel's state D. */
static void what_outlives_the_kill_is_told_as_stuck_and_holds_its_shim(void) {
  char freezer[128], pid[24];
  snprintf(freezer, sizeof freezer, "/sys/fs/cgroup/freezer/orch-test-%d", (int)getpid());
  if (mkdir(freezer, 0755) != 0) {
    printf("SKIPPED what_outlives_the_kill_is_told_as_stuck_and_holds_its_shim: no freezer of cgroup v1 to be had here\n");
    return;
  }
  uint64_t sequence;
  struct start s = shell("exec sleep 1000", &sequence);
  start_send(&s, &agent, 0);
  start_free(&s);
  struct orch_started task = started(0);
  snprintf(pid, sizeof pid, "%u", task.pid);
  expect(write_text(freezer, "cgroup.procs", pid) && write_text(freezer, "freezer.state", "FROZEN"));
  about(0, ORCH_KILL, sequence);
  struct message message;
  struct orch_stopping stuck;
  client_await(agent.shim[0], ORCH_STUCK, &message);
  memcpy(&stuck, message.body, sizeof stuck);
  expect(stuck.processes == 1 && stuck.first_pid == task.pid && leaves() == 1);
  s = shell("true", &sequence);
  start_send(&s, &agent, 0);
  start_free(&s);
  expect(refused_code(0) == ORCH_REFUSED_BUSY);
  expect(write_text(freezer, "freezer.state", "THAWED"));
  struct orch_exit e = ended(0);
  expect(e.si_code == CLD_KILLED && e.exit_status == SIGKILL && (e.flags & ORCH_E_STUCK) != 0 && leaves() == 0);
  expect(rmdir(freezer) == 0);
}

/* ---- a PID namespace ---- */

static uint64_t begin_inside(uint32_t shim, const char *script) {
  uint64_t sequence;
  struct start s = shell(script, &sequence);
  s.fixed.flags |= ORCH_S_PID_NAMESPACE;
  start_send(&s, &agent, shim);
  start_free(&s);
  return sequence;
}

static void a_task_in_its_own_pid_namespace_sees_only_itself(void) {
  uint64_t sequence = begin_inside(0, "echo $$; readlink /proc/self | grep -c .; for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/comm; done; exit 42");
  struct orch_exit e = ended(0);
  expect(e.si_code == CLD_EXITED && e.exit_status == 42);
  /* tr is there too while it runs */
  struct log log = output_of(sequence);
  expect(log.stream[1].length > 10 && memcmp(log.stream[1].bytes, "2\n1\norch-init\nsh\n", 16) == 0);
  free_log(&log);
}

static void how_a_leader_in_a_namespace_ended_is_told_truly(void) {
  begin_inside(0, "kill -KILL $$");
  struct orch_exit e = ended(0);
  expect(e.si_code == CLD_KILLED && e.exit_status == SIGKILL);
  begin_inside(0, "sleep 0.1; kill -SEGV $$");
  e = ended(0);
  expect((e.si_code == CLD_KILLED || e.si_code == CLD_DUMPED) && e.exit_status == SIGSEGV);
  begin_inside(0, "exit 137");
  e = ended(0);
  expect(e.si_code == CLD_EXITED && e.exit_status == 137);
}

static void what_cannot_start_in_a_namespace_says_why(void) {
  uint64_t sequence;
  struct start s = shell("", &sequence);
  s.length = 0;
  s.fixed.tlv_count = 0;
  s.fixed.flags |= ORCH_S_PID_NAMESPACE;
  start_strings(&s, ORCH_T_ARGV, (const char *[]){"/nowhere/program", NULL});
  struct orch_start_failed f = refused_start(&s, 0);
  expect(f.stage == ORCH_STAGE_EXEC && f.error == ENOENT && leaves() == 0);
}

static void orphans_of_a_namespace_are_reaped_and_die_with_the_leader(void) {
  char path[512], script[1200];
  path_of(path, "daemon");
  snprintf(script, sizeof script,
           "for i in 1 2 3; do (sleep 0.02 &) ; done; (setsid sh -c 'sleep 60 & wait' &); sleep 0.3;"
           " while grep -q '^State:.Z' /proc/[0-9]*/status; do sleep 0.01; done; echo $$ > %s; exit 5", path);
  begin_inside(0, script);
  uint32_t init = started(0).pid;
  number_in(path);
  struct orch_exit e = ended(0);
  expect(e.exit_status == 5);
  await_gone((long)init);
  expect(leaves() == 0);
}

/* Once: the group's signal is not for the init, which would hand it on. */
static void the_init_forwards_signals_and_a_group_gets_each_once(void) {
  static const uint32_t modes[] = {ORCH_MODE_GROUP, ORCH_MODE_PROCESS};
  for (int n = 0; n < 2; n++) {
    uint64_t sequence = begin_inside(0, "n=0; trap 'echo hup' HUP; trap 'echo term; exit 4' TERM; echo up; while :; do sleep 0.01; done");
    started(0);
    await_up(sequence);
    struct orch_signal hup = {client_uid(sequence), SIGHUP, modes[n]};
    expect(request(0, ORCH_SIGNAL, &hup, sizeof hup).error == 0);
    await_printed(sequence, "up\nhup\n");
    stop(0, sequence, SIGTERM, modes[n], AMPLE);
    struct orch_exit e = ended(0);
    expect(e.si_code == CLD_EXITED && e.exit_status == 4 && printed(sequence, 1, "up\nhup\nterm\n"));
  }
}

static void a_dead_shims_namespace_tells_its_true_end(void) {
  uint64_t sequence = begin_inside(0, "trap 'kill -USR2 $$' TERM; echo up; while :; do sleep 0.01; done");
  started(0);
  await_up(sequence);
  kill_shim(0);
  stop(0, sequence, SIGTERM, ORCH_MODE_MIXED, AMPLE);
  struct orch_exit e = ended(0);
  expect(e.si_code == CLD_KILLED && e.exit_status == SIGUSR2 && (e.flags & ORCH_E_ADOPTED) != 0);
}

static void a_namespace_ends_by_its_grace(void) {
  uint64_t sequence = begin_inside(0, "trap '' TERM; echo up; while :; do sleep 0.01; done");
  await_up(sequence);
  stop(0, sequence, SIGTERM, ORCH_MODE_GROUP, 200);
  struct orch_exit e = ended(0);
  expect(e.si_code == CLD_KILLED && e.exit_status == SIGKILL && (e.flags & ORCH_E_GRACE_OVER) != 0 && leaves() == 0);
}

/* ---- path rules ---- */

static void path_rule(struct start *s, uint32_t access_, const char *path) {
  char value[600];
  uint32_t head[2] = {access_, 0};
  memcpy(value, head, sizeof head);
  snprintf(value + sizeof head, sizeof value - sizeof head, "%s", path);
  start_tlv(s, ORCH_T_PATH_RULE, value, sizeof head + strlen(path) + 1);
}

static struct start shell_with_rules(const char *script, uint64_t *sequence) {
  static const char *const readable[] = {"/bin", "/lib", "/usr", "/etc", NULL};
  struct start s = shell(script, sequence);
  s.fixed.flags |= ORCH_S_NO_NEW_PRIVS;
  for (int n = 0; readable[n] != NULL; n++) path_rule(&s, 1, readable[n]);
  if (access("/lib64", F_OK) == 0) path_rule(&s, 1, "/lib64");
  path_rule(&s, 2, "/dev/null");
  return s;
}

static void paths_without_a_rule_are_closed(void) {
  char open_[512], closed[512], script[2600];
  uint64_t sequence;
  path_of(open_, "open");
  path_of(closed, "closed");
  mkdir(open_, 0777);
  snprintf(script, sizeof script, "cat /etc/hostname > /dev/null && echo read; echo x > %s/made && cat %s/made; (echo x > %s) 2> /dev/null || echo closed;"
           " (echo x > /etc/orch-never-made) 2> /dev/null || echo read-only", open_, open_, closed);
  struct start s = shell_with_rules(script, &sequence);
  path_rule(&s, 2, open_);
  start_send(&s, &agent, 0);
  start_free(&s);
  expect(ended(0).exit_status == 0);
  expect(printed(sequence, 1, "read\nx\nclosed\nread-only\n"));
  snprintf(script, sizeof script, "rm -rf %s", open_);
  expect(system(script) == 0);
}

static void a_rule_for_a_path_that_is_not_there_is_a_failure_to_start(void) {
  uint64_t sequence;
  struct start s = shell_with_rules("true", &sequence);
  path_rule(&s, 1, "/nowhere/at/all");
  uint32_t last = 0;
  for (size_t at = 0; at + 8 <= s.length;) {
    struct orch_tlv tlv;
    memcpy(&tlv, s.tlvs + at, sizeof tlv);
    if (tlv.tag == ORCH_T_PATH_RULE) last++;
    at += 8 + ((tlv.length + 7) & ~7u);
  }
  struct orch_start_failed f = refused_start(&s, 0);
  expect(f.stage == ORCH_STAGE_LANDLOCK && f.error == ENOENT && f.index == last - 1 && leaves() == 0);
}

/* ---- all ---- */

static bool has(uint64_t capability, const char *what) {
  bool there = (agent.welcome.capabilities & capability) != 0;
  if (!there) printf("SKIPPED %s: this host has none\n", what);
  return there;
}

static void of_this_launcher(void) {
  run(the_pre_stop_command_runs_before_the_signal);
  run(a_task_that_is_never_stopped_runs_no_pre_stop_command);
  run(the_pre_stop_command_counts_inside_the_grace);
  run(a_pre_stop_command_that_fails_is_told_and_the_signal_follows);
  run(a_leader_that_ends_by_its_pre_stop_command_has_its_own_status);
  run(what_a_pre_stop_command_leaves_behind_dies);
  run(a_kill_and_a_stop_without_grace_go_without_it);
  run(a_second_stop_ends_the_pre_stop_command_early);
  run(a_frozen_task_is_thawed_for_its_pre_stop_command);
  run(a_deadline_runs_the_pre_stop_command_too);
  run(a_shim_that_dies_during_a_pre_stop_command_is_followed_by_the_signal);
  if (has(ORCH_CAP_PID_NAMESPACE, "PID namespaces")) {
    run(a_task_in_its_own_pid_namespace_sees_only_itself);
    run(how_a_leader_in_a_namespace_ended_is_told_truly);
    run(what_cannot_start_in_a_namespace_says_why);
    run(orphans_of_a_namespace_are_reaped_and_die_with_the_leader);
    run(the_init_forwards_signals_and_a_group_gets_each_once);
    run(a_dead_shims_namespace_tells_its_true_end);
    run(a_namespace_ends_by_its_grace);
  }
  if (has(ORCH_CAP_LANDLOCK, "path rules")) {
    run(paths_without_a_rule_are_closed);
    run(a_rule_for_a_path_that_is_not_there_is_a_failure_to_start);
  }
}

static void an_old_kernels_ways_are_said_and_work(void) {
  expect((agent.welcome.capabilities & (ORCH_CAP_CGROUP | ORCH_CAP_JOIN)) == (ORCH_CAP_CGROUP | ORCH_CAP_JOIN));
  expect((agent.welcome.capabilities & ORCH_CAP_KILL) == 0);
  expect(strstr(agent.notes, "cannot clone into a cgroup") != NULL && strstr(agent.notes, "cgroup.kill does not work") != NULL);
  char path[512], script[700];
  uint64_t sequence;
  path_of(path, "daemon");
  snprintf(script, sizeof script, "cat /proc/self/cgroup | grep -c t-; (setsid sh -c 'echo $$ > %s; exec sleep 60' &); sleep 60", path);
  struct start s = shell(script, &sequence);
  start_send(&s, &agent, 0);
  start_free(&s);
  long daemon_ = number_in(path);
  about(0, ORCH_KILL, sequence);
  struct orch_exit e = ended(0);
  expect(e.si_code == CLD_KILLED && e.exit_status == SIGKILL && printed(sequence, 1, "1\n"));
  await_gone(daemon_);
  expect(leaves() == 0);
}

void isolation_tests(void) {
  begin_launcher(NULL);
  of_this_launcher();
  if (with_cgroups()) run(what_outlives_the_kill_is_told_as_stuck_and_holds_its_shim);
  end_launcher();
  if (!with_cgroups()) return;
  begin_launcher((const char *[]){"--without", "clone-into-cgroup", "--without", "cgroup-kill", NULL});
  run(an_old_kernels_ways_are_said_and_work);
  of_this_launcher();
  end_launcher();
}

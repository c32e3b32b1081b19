/* Descendants, time limits and leases, and deaths of shims, launchers and agents. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vocabulary.h"

enum { EXITED = CLD_EXITED, KILLED = CLD_KILLED };

static struct message message;

/* ---- descendants ---- */

static void daemons_and_session_leaders_die_with_the_leader(void) {
  char path[512];
  path_of(path, "daemon");
  uint64_t sequence = begin_with_files(0, "setsid sh -c '(setsid sh -c \"echo \\$\\$ > %s; exec sleep 1000\" &) ; exit' ; while ! [ -s %s ]; do sleep 0.01; done; exit 3", path,
                                       path, 0);
  (void)sequence;
  struct orch_exit e = ended(0);
  expect(e.si_code == EXITED && e.exit_status == 3 && (e.flags & ORCH_E_DESCENDANTS) != 0 && (e.flags & ORCH_E_KILLED_REST) != 0);
  expect(!alive(number_in(path)) && leaves() == 0);
}

static void with_wait_the_descendants_are_waited_for_and_their_output_kept(void) {
  char go[512];
  path_of(go, "go");
  uint64_t sequence = begin_with_files(0, "(until [ -e %s ]; do sleep 0.01; done; echo late%s) & exit 3", go, "", ORCH_S_WAIT);
  client_await(agent.shim[0], ORCH_LEADER_EXITED, &message);
  struct orch_exit leader = exit_of(&message);
  expect(leader.exit_status == 3 && leader.ended_boot == 0 && leader.exited_boot > 0);
  uint64_t gone_on = nanos_now();
  touch(go);
  struct orch_exit e = ended(0);
  expect(e.exit_status == 3 && e.exited_boot < gone_on && e.ended_boot > gone_on && (e.flags & ORCH_E_KILLED_REST) == 0);
  expect(printed(sequence, 1, "late\n"));
  expect(journal_count(agent.journal, ORCH_J_LEADER, sequence, NULL, 0) == 1);
}

static void the_wait_for_descendants_ends_after_its_timeout(void) {
  uint64_t sequence;
  struct start s = shell("sleep 1000 & exit 0", &sequence);
  s.fixed.flags |= ORCH_S_WAIT;
  s.fixed.drain_timeout = 100000000;
  start_send(&s, &agent, 0);
  start_free(&s);
  expect((ended(0).flags & ORCH_E_KILLED_REST) != 0 && leaves() == 0);
}

static void zombies_and_fork_storms_do_not_hold_up_a_kill(void) {
  uint64_t sequence = begin(0, "for i in 1 2 3 4 5 6 7 8; do (while :; do (sleep 0.01 &) ; done) & done; exec sleep 10000", 0);
  usleep(200000);
  about(0, ORCH_KILL, sequence);
  expect(ended(0).exit_status == SIGKILL && leaves() == 0);
}

static void a_cgroup_of_its_own_inside_the_leaf_goes_too(void) {
  char script[1024];
  uint64_t sequence;
  struct start s = shell("", &sequence);
  start_free(&s);
  snprintf(script, sizeof script, "d=%s/t-%08x%08x%016llx; mkdir $d/inner $d/inner/deep; sleep 1000 & echo $! > $d/inner/deep/cgroup.procs; exit 0", cgroup_root, 1u, 2u,
           (unsigned long long)sequence + 1);
  s = shell(script, &sequence);
  start_send(&s, &agent, 0);
  start_free(&s);
  struct orch_exit e = ended(0);
  expect((e.flags & ORCH_E_KILLED_REST) != 0 && (e.flags & ORCH_E_LEAF_LEFT) == 0 && leaves() == 0);
}

/* ---- deadlines ---- */

static void a_deadline_is_kept_without_any_agent(void) {
  uint64_t sequence;
  struct start s = shell("exec sleep 10000", &sequence);
  s.fixed.deadline = nanos_now() + 1000 * SECOND;
  s.fixed.grace = 0;
  start_send(&s, &agent, 0);
  start_free(&s);
  struct orch_started t = started(0);
  struct orch_set_deadline set = {client_uid(sequence), nanos_now() + 150000000u};
  expect(request(0, ORCH_SET_DEADLINE, &set, sizeof set).error == 0);
  client_disconnect(&agent);
  await_gone(t.pid);
  client_connect(&agent, NULL);
  struct orch_exit e = ended(0); /* it waited in the socket */
  expect(e.exit_status == SIGKILL || e.exit_status == SIGTERM);
  expect((e.flags & ORCH_E_DEADLINE) != 0 && e.exited_boot >= set.deadline);
}

static void a_deadline_that_is_moved_or_taken_away_does_not_strike(void) {
  uint64_t sequence;
  struct start s = shell("sleep 2; exit 2", &sequence);
  s.fixed.deadline = nanos_now() + 1000 * SECOND;
  start_send(&s, &agent, 0);
  start_free(&s);
  struct orch_set_deadline set = {client_uid(sequence), nanos_now() + 3 * SECOND / 2};
  request(0, ORCH_SET_DEADLINE, &set, sizeof set);
  set.deadline = 0;
  request(0, ORCH_SET_DEADLINE, &set, sizeof set);
  expect(ended(0).exit_status == 2);
}

/* ---- deaths ---- */

static void a_dead_shims_task_lives_and_its_true_status_arrives(void) {
  char path[512], go[512];
  path_of(path, "up");
  path_of(go, "go");
  uint64_t sequence = begin_with_files(0, "echo before; echo $$ > %s; while ! [ -e %s ]; do sleep 0.01; done; echo after; exit 42", path, go, 0);
  long pid = number_in(path);
  started(0);
  kill_shim(0);
  expect(alive(pid));
  ping(0); /* the same socket reaches the replacement */
  touch(go);
  struct orch_exit e = ended(0);
  expect(e.si_code == EXITED && e.exit_status == 42 && (e.flags & ORCH_E_ADOPTED) != 0 && (e.flags & ORCH_E_STATUS_UNKNOWN) == 0 && e.pid == (uint32_t)pid);
  expect(printed(sequence, 1, "before\nafter\n") && leaves() == 0);
  expect(journal_count(agent.journal, ORCH_J_EXIT, sequence, NULL, 0) == 1);
  expect(run_shell(0, "exit 1", NULL).exit_status == 1);
}

static void a_dead_shims_task_can_write_more_than_a_pipe_holds(void) {
  char go[512];
  uint64_t sequence;
  struct start s = shell_until(go, "", "seq 1 50000; exit 5", &sequence);
  start_send(&s, &agent, 1);
  start_free(&s);
  started(1);
  kill_shim(1);
  touch(go);
  expect(ended(1).exit_status == 5);
  struct log log = output_of(sequence);
  expect(log.stream[1].frames == 50000 && !log.torn);
  free_log(&log);
}

static void a_dead_shims_task_is_stopped_and_keeps_its_deadline(void) {
  long pid;
  uint64_t sequence = begin_at_term("", &pid);
  kill_shim(0);
  expect(stop(0, sequence, SIGTERM, ORCH_MODE_GROUP, 100).error == 0);
  struct orch_exit e = ended(0);
  expect(e.exit_status == SIGKILL && (e.flags & ORCH_E_ADOPTED) != 0 && (e.flags & ORCH_E_GRACE_OVER) != 0);
  struct start s = shell("exec sleep 10000", &sequence);
  s.fixed.deadline = nanos_now() + 1000 * SECOND;
  s.fixed.grace = 0;
  start_send(&s, &agent, 0);
  start_free(&s);
  started(0);
  struct orch_set_deadline set = {client_uid(sequence), nanos_now() + SECOND};
  expect(request(0, ORCH_SET_DEADLINE, &set, sizeof set).error == 0);
  kill_shim(0);
  e = ended(0);
  expect((e.flags & ORCH_E_DEADLINE) != 0 && e.si_code == KILLED && leaves() == 0);
}

/* ---- leases ---- */

/* A shell that ignores SIGTERM, its pid in a file, guarded by shim 0 under a lease that is long yet. */
static uint64_t begin_leased(uint64_t grace, long *pid) {
  char up[512];
  uint64_t sequence;
  struct start s = shell_at_term(up, "", &sequence);
  s.fixed.flags |= ORCH_S_LEASE;
  s.fixed.deadline = nanos_now() + 1000 * SECOND;
  s.fixed.grace = grace;
  start_send(&s, &agent, 0);
  start_free(&s);
  started(0);
  long its = number_in(up);
  if (pid != NULL) *pid = its;
  return sequence;
}

/* As an agent that hears from its controller: to the moment it returns. */
static uint64_t renew(uint64_t sequence, uint64_t lease) {
  struct orch_set_deadline set = {client_uid(sequence), nanos_now() + lease};
  expect(request(0, ORCH_SET_LEASE, &set, sizeof set).error == 0);
  return set.deadline;
}

static void a_lease_that_is_not_renewed_ends_the_task_and_says_so(void) {
  long pid;
  uint64_t sequence = begin_leased(SECOND / 10, &pid);
  renew(sequence, SECOND);
  uint64_t end = renew(sequence, 3 * SECOND / 2);
  client_disconnect(&agent);
  await_gone(pid);
  client_connect(&agent, NULL);
  struct orch_exit e = ended(0);
  expect((e.flags & ORCH_E_LEASE) != 0 && (e.flags & (ORCH_E_DEADLINE | ORCH_E_STOPPED)) == 0 && e.exit_status == SIGKILL);
  expect(e.exited_boot >= end + SECOND / 10 && leaves() == 0);
}

static void a_start_whose_lease_has_ended_is_refused(void) {
  uint64_t sequence;
  struct start s = shell("exit 0", &sequence);
  s.fixed.flags |= ORCH_S_LEASE;
  s.fixed.deadline = nanos_now() - 1;
  start_send(&s, &agent, 0);
  start_free(&s);
  expect(refused_code(0) == ORCH_REFUSED_LEASE);
  expect(journal_count(agent.journal, ORCH_J_CLAIM, sequence, NULL, 0) == 0);
  expect(run_shell(0, "exit 4", NULL).exit_status == 4);
}

/* As on a host that slept: the grace has passed with the lease. */
static void a_lease_that_ended_long_ago_leaves_no_grace(void) {
  uint64_t sequence = begin_leased(1000 * SECOND, NULL);
  struct orch_set_deadline set = {client_uid(sequence), nanos_now() - 1000 * SECOND};
  request(0, ORCH_SET_LEASE, &set, sizeof set);
  struct orch_exit e = ended(0);
  expect((e.flags & ORCH_E_LEASE) != 0 && e.exit_status == SIGKILL);
}

static void after_a_lease_nothing_of_the_tree_is_left(void) {
  char path[512], script[640];
  uint64_t sequence;
  path_of(path, "child");
  snprintf(script, sizeof script, "(trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$ > %s; while :; do sleep 0.01; done') & wait", path);
  struct start s = shell(script, &sequence);
  s.fixed.flags |= ORCH_S_LEASE | ORCH_S_WAIT;
  s.fixed.deadline = nanos_now() + 1000 * SECOND;
  s.fixed.grace = SECOND / 10;
  s.fixed.stop_mode = ORCH_MODE_PROCESS;
  start_send(&s, &agent, 0);
  start_free(&s);
  started(0);
  long child = number_in(path);
  renew(sequence, 0);
  struct orch_exit e = ended(0);
  expect((e.flags & ORCH_E_LEASE) != 0 && !alive(child) && leaves() == 0);
}

static void a_dead_shims_task_keeps_its_lease(void) {
  renew(begin_leased(0, NULL), SECOND);
  kill_shim(0);
  struct orch_exit e = ended(0);
  expect((e.flags & ORCH_E_LEASE) != 0 && (e.flags & ORCH_E_ADOPTED) != 0 && e.si_code == KILLED && leaves() == 0);
}

static void the_launcher_ends_a_lease_that_a_hanging_shim_does_not(void) {
  long pid;
  usleep(1000000); /* it knows of no lease, and would look no more if it were not told of this one */
  renew(begin_leased(SECOND / 10, &pid), SECOND);
  hold_shim(0);
  if (with_cgroups()) {
    await_gone(pid);
    let_shim_go(0);
  } else {
    await_replaced(0);
  }
  struct orch_exit e = ended(0);
  expect((e.flags & ORCH_E_LEASE) != 0 && e.exit_status == SIGKILL && !alive(pid) && leaves() == 0);
  expect(run_shell(0, "exit 9", NULL).exit_status == 9);
}

static void a_shim_that_dies_while_it_stops_is_replaced_by_one_that_goes_on(void) {
  uint64_t sequence = begin_at_term("", NULL);
  stop(0, sequence, SIGTERM, ORCH_MODE_GROUP, 1000);
  kill_shim(0);
  struct orch_exit e = ended(0);
  expect(e.exit_status == SIGKILL && (e.flags & ORCH_E_STOPPED) != 0 && leaves() == 0);
}

static void an_idle_shim_that_dies_is_replaced(void) {
  kill_shim(2);
  expect(run_shell(2, "exit 8", NULL).exit_status == 8);
}

/* What an attempt that may have been begun came to. */
enum outcome { NOTHING, FAILED, RAN };

static enum outcome outcome_of(uint32_t shim, uint64_t sequence) {
  static uint64_t question = 1000; /* an answer to an earlier one may still be unread */
  for (int n = 0; n < 3; n++) {
    client_send(&agent, agent.shim[shim], ORCH_PING, ++question, 0, NULL, 0);
    while (client_next(agent.shim[shim], &message, PATIENCE)) {
      if (message.header.type == ORCH_EXITED && exit_of(&message).uid.sequence == sequence) return RAN;
      if (message.header.type == ORCH_START_FAILED && failed_of(&message).uid.sequence == sequence) return FAILED;
      if (message.header.type != ORCH_PONG || message.header.seq != question) continue;
      struct orch_refused pong;
      memcpy(&pong, message.body, sizeof pong);
      if (pong.uid.sequence == sequence) continue; /* it runs: its end will come */
      return NOTHING;
    }
  }
  die("neither an end nor an answer");
}

/* SIGKILL at every moment of a start: the task ran once and its end is told, or it never ran. */
static void a_shim_killed_at_any_moment_of_a_start_starts_once_or_never(void) {
  char path[512], script[700];
  unsigned ran = 0, failed = 0, nothing = 0;
  for (int n = 0; n < 120; n++) {
    uint64_t sequence;
    struct stat status;
    path_of(path, "once");
    snprintf(script, sizeof script, "echo x >> %s; exit 11", path);
    struct start s = shell(script, &sequence);
    start_send(&s, &agent, 3);
    start_free(&s);
    if (n % 40 != 0) usleep((useconds_t)(n % 40) * 25);
    kill_shim(3);
    enum outcome o = outcome_of(3, sequence);
    ran += o == RAN;
    failed += o == FAILED;
    nothing += o == NOTHING;
    uint32_t exits = journal_count(agent.journal, ORCH_J_EXIT, sequence, NULL, 0), claims = journal_count(agent.journal, ORCH_J_CLAIM, sequence, NULL, 0);
    bool wrote = stat(path, &status) == 0;
    if (o == RAN) expect(wrote && status.st_size == 2 && exits >= 1 && claims == 1);
    if (o == FAILED) expect(!wrote && exits == 0);
    if (o == NOTHING && (wrote || claims != 0)) die("round %d: nothing was told, but wrote %d, claims %u, exits %u, failed %u", n, wrote, claims, exits, journal_count(agent.journal, ORCH_J_START_FAILED, sequence, NULL, 0));
    client_send(&agent, agent.launcher, ORCH_PING, 0, 0, NULL, 0);
    client_await(agent.launcher, ORCH_PONG, &message);
    usleep(1000);
  }
  printf("   %u ran, %u failed, %u never begun\n", ran, failed, nothing);
  expect(ran > 0 && leaves() == 0);
}

static void unread_ends_wait_for_the_next_agent(void) {
  uint64_t sequence = begin(0, "echo unseen; exit 13", 0);
  begin(1, "sleep 0.2; exit 14", 0);
  client_disconnect(&agent);
  usleep(400000);
  client_connect(&agent, NULL);
  expect(ended(0).exit_status == 13 && ended(1).exit_status == 14);
  expect(printed(sequence, 1, "unseen\n"));
}

/* ---- the launcher's death ---- */

static int connect_orphan(uint32_t slot) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%.90s/%u.sock", agent.generation, slot);
  for (int n = 0; n < PATIENCE; n++) {
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    usleep(1000);
  }
  die("no orphan listens at %s", address.sun_path);
}

static void kill_launcher(void) {
  int status;
  expect(kill(agent.launcher_pid, SIGKILL) == 0 && waitpid(agent.launcher_pid, &status, 0) == agent.launcher_pid);
  agent.launcher_pid = 0;
}

static void a_dead_launchers_shims_see_the_true_status_and_leave(void) {
  char up[512], other[512], go[512];
  path_of(up, "up");
  path_of(other, "other");
  path_of(go, "go");
  uint64_t first = begin_with_files(0, "echo $$ > %s; while ! [ -e %s ]; do sleep 0.01; done; echo done; exit 21", up, go, 0);
  uint64_t second = begin_with_files(1, "trap 'exit 22' TERM; echo $$ > %s; while :; do sleep 0.01; done%s", other, "", 0);
  number_in(up);
  number_in(other);
  kill_launcher();
  client_disconnect(&agent); /* and the agent is gone too */
  int fd = connect_orphan(1);
  struct orch_stop body = {client_uid(second), SIGTERM, ORCH_MODE_GROUP, AMPLE * MILLI};
  client_send(&agent, fd, ORCH_STOP, ++agent.seq[1], 0, &body, sizeof body);
  client_await(fd, ORCH_EXITED, &message);
  struct orch_exit e = exit_of(&message);
  expect(e.exit_status == 22 && position_of_event(&message) != 0);
  close(fd);
  static char old_journal[600], old_segments[600];
  snprintf(old_journal, sizeof old_journal, "%s", agent.journal);
  snprintf(old_segments, sizeof old_segments, "%s", agent.segments);
  begin_launcher((const char *[]){"--max-shims", "64", "--journal-size", "1048576", NULL});
  expect(agent.welcome.previous == 1 && agent.welcome.generation >= 2);
  expect(run_shell(0, "exit 23", NULL).exit_status == 23);
  touch(go);
  await(journal_count(old_journal, ORCH_J_EXIT, first, &e, sizeof e) > 0);
  expect(e.uid.sequence == first && e.exit_status == 21);
  expect(printed(first, 1, "done\n"));
  await(leaves() == 0);
}

static void launcher_and_shim_dead_the_task_lives(void) {
  char path[512];
  path_of(path, "up");
  begin_with_files(0, "echo $$ > %s; seq 1 1000; exec sleep 1000%s", path, "", 0);
  long pid = number_in(path);
  started(0);
  pid_t shim = (pid_t)agent.shim_pid[0];
  kill_launcher();
  expect(kill(shim, SIGKILL) == 0);
  await_gone(shim);
  usleep(50000);
  expect(alive(pid));
  expect(kill((pid_t)pid, SIGKILL) == 0);
  client_disconnect(&agent);
  await_gone(pid);
  while (waitpid(-1, NULL, WNOHANG) > 0) continue; /* orphans come to us, a subreaper */
  if (with_cgroups()) {
    char command[300];
    snprintf(command, sizeof command, "rmdir %s/t-*", cgroup_root);
    expect(system(command) == 0);
  }
}

void fault_tests(void) {
  const char *options[] = {"--max-shims", "64", "--journal-size", "1048576", NULL};
  begin_launcher(options);
  stop_tests();
  run(daemons_and_session_leaders_die_with_the_leader);
  run(with_wait_the_descendants_are_waited_for_and_their_output_kept);
  run(the_wait_for_descendants_ends_after_its_timeout);
  run(zombies_and_fork_storms_do_not_hold_up_a_kill);
  if (with_cgroups()) run(a_cgroup_of_its_own_inside_the_leaf_goes_too);
  run(a_deadline_is_kept_without_any_agent);
  run(a_deadline_that_is_moved_or_taken_away_does_not_strike);
  run(a_dead_shims_task_lives_and_its_true_status_arrives);
  run(a_dead_shims_task_can_write_more_than_a_pipe_holds);
  run(a_dead_shims_task_is_stopped_and_keeps_its_deadline);
  run(a_lease_that_is_not_renewed_ends_the_task_and_says_so);
  run(a_start_whose_lease_has_ended_is_refused);
  run(a_lease_that_ended_long_ago_leaves_no_grace);
  run(after_a_lease_nothing_of_the_tree_is_left);
  run(a_dead_shims_task_keeps_its_lease);
  run(the_launcher_ends_a_lease_that_a_hanging_shim_does_not);
  run(a_shim_that_dies_while_it_stops_is_replaced_by_one_that_goes_on);
  run(an_idle_shim_that_dies_is_replaced);
  run(a_shim_killed_at_any_moment_of_a_start_starts_once_or_never);
  run(unread_ends_wait_for_the_next_agent);
  run(a_dead_launchers_shims_see_the_true_status_and_leave);
  run(launcher_and_shim_dead_the_task_lives);
  begin_launcher(options); /* clears up after the dead ones */
  end_launcher();
}

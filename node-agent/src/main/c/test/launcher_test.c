/* launcher_test LAUNCHER: the launcher with real processes, once with cgroups where this machine lets us, once without. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vocabulary.h"

enum { RLIMIT_NOFILE_NUMBER = 7 };

static unsigned count;
static char cgroup_path[128];

void passed(const char *test, double millis) {
  count++;
  printf("ok %s (%s, %.0f ms)\n", test, with_cgroups() ? "cgroups" : "no cgroups", millis);
}

/* ---- how it ends ---- */

static void the_exit_code_is_the_real_one(void) {
  struct orch_exit e = run_shell(0, "exit 3", NULL);
  expect(e.si_code == CLD_EXITED && e.exit_status == 3 && e.pid > 1 && e.started_boot <= e.exited_boot && e.exited_boot <= e.ended_boot);
  expect((e.flags & ORCH_E_RUSAGE) != 0 && (e.flags & (ORCH_E_STOPPED | ORCH_E_ADOPTED | ORCH_E_DESCENDANTS)) == 0);
  e = run_shell(0, "kill -SEGV $$", NULL);
  expect((e.si_code == CLD_KILLED || e.si_code == CLD_DUMPED) && e.exit_status == SIGSEGV && e.stop_signal == 0);
}

static void an_exit_is_in_the_journal_before_it_is_told_and_becomes_durable(void) {
  static struct message m;
  uint64_t sequence;
  struct start s = shell("exit 9", &sequence);
  s.fixed.request_hash = 0xFEEDu;
  start_text(&s, ORCH_T_NAME, "web/3@2");
  start_send(&s, &agent, 1);
  start_free(&s);
  client_await(agent.shim[1], ORCH_EXITED, &m);
  struct orch_exit e;
  struct orch_claim c;
  expect(journal_count(agent.journal, ORCH_J_EXIT, sequence, &e, sizeof e) == 1 && e.exit_status == 9);
  expect(journal_count(agent.journal, ORCH_J_CLAIM, sequence, &c, sizeof c) == 1 && c.request_hash == 0xFEEDu && strcmp(c.name, "web/3@2") == 0);
  expect(memcmp(c.boot_id, agent.welcome.boot_id, 16) == 0 && c.seq == m.header.seq && c.slot == 1);
  client_await_synced(&agent, position_of_event(&m));
}

static void a_longer_task_is_told_as_started_with_its_identity(void) {
  char go[512];
  uint64_t sequence;
  struct start s = shell_until(go, "", "", &sequence);
  start_send(&s, &agent, 0);
  start_free(&s);
  struct orch_started t = started(0);
  expect(t.pid > 1 && t.pid_start > 0 && alive(t.pid));
  touch(go);
  struct orch_exit e = ended(0);
  expect(e.pid == t.pid && e.pid_start == t.pid_start && e.started_boot == t.boottime);
  expect(journal_count(agent.journal, ORCH_J_STARTED, sequence, NULL, 0) == 1);
}

/* ---- starts that fail ---- */

static struct start program(const char *path) {
  struct start s;
  start_begin(&s, &agent, next_sequence());
  start_strings(&s, ORCH_T_ARGV, (const char *[]){path, NULL});
  return s;
}

static void failed_with(struct start s, uint32_t stage, int error) {
  struct orch_start_failed f = refused_start(&s, 2);
  if (f.stage != stage || f.error != (uint32_t)error) die("stage %u, %s instead of stage %u, %s", f.stage, strerror((int)f.error), stage, strerror(error));
}

static void every_failure_before_exec_has_its_stage_and_errno(void) {
  char path[512];
  run_shell(2, "true", NULL); /* the first start opens the journal */
  ping(2);                      /* and the end of it closes the leaf once it has been told */
  unsigned files = open_files((pid_t)agent.shim_pid[2]);
  failed_with(program("/no/such/program"), ORCH_STAGE_EXEC, ENOENT);
  path_of(path, "plain");
  FILE *f = fopen(path, "w");
  expect(f != NULL && fputs("no format", f) > 0 && fclose(f) == 0);
  failed_with(program(path), ORCH_STAGE_EXEC, EACCES);
  expect(chmod(path, 0755) == 0);
  failed_with(program(path), ORCH_STAGE_EXEC, ENOEXEC);
  struct start s = program("/bin/true");
  start_text(&s, ORCH_T_CWD, "/no/such/directory");
  failed_with(s, ORCH_STAGE_CWD, ENOENT);
  s = program("/bin/true");
  start_text(&s, ORCH_T_STDIN, "/no/such/file");
  failed_with(s, ORCH_STAGE_STDIN, ENOENT);
  s = program("/bin/true");
  start_text(&s, ORCH_T_STDERR, "/no/such/directory/file");
  failed_with(s, ORCH_STAGE_STDERR, ENOENT);
  s = program("no-such-program-anywhere");
  s.fixed.flags |= ORCH_S_SEARCH_PATH;
  failed_with(s, ORCH_STAGE_EXEC, ENOENT);
  s = program("/bin/true");
  start_text(&s, ORCH_T_TASK_DIR, "/no/such/directory/task");
  failed_with(s, ORCH_STAGE_TASK_DIR, ENOENT);
  s = program("/bin/true");
  uint64_t rlimit[3] = {RLIMIT_NOFILE_NUMBER, 100, 50};
  start_tlv(&s, ORCH_T_RLIMIT, rlimit, sizeof rlimit);
  failed_with(s, ORCH_STAGE_RLIMIT, EINVAL);
  s = program("/bin/true");
  char *long_text = malloc(200000);
  expect(long_text != NULL);
  memset(long_text, 'x', 199999);
  long_text[199999] = '\0';
  start_text(&s, ORCH_T_ENV, long_text); /* longer than the kernel takes in one string */
  failed_with(s, ORCH_STAGE_EXEC, E2BIG);
  free(long_text);
  ping(2);
  expect(open_files((pid_t)agent.shim_pid[2]) == files);
  expect(leaves() == 0);
}

static void a_task_of_any_user_reads_its_own_leaf(void) {
  if (geteuid() != 0) return;
  uint64_t sequence;
  struct start s = shell("cd $(sed -n 's/cgroup2 \\([^ ]*\\) .*/\\1/p; s/^[^ ]* \\([^ ]*\\) cgroup2 .*/\\1/p' /proc/mounts | head -1)$(sed -n 's/^0:://p' /proc/self/cgroup)"
                         " && cat cgroup.events | grep populated", &sequence);
  s.fixed.flags |= ORCH_S_USER;
  s.fixed.user = s.fixed.group = 65534;
  start_send(&s, &agent, 0);
  start_free(&s);
  ended(0);
  expect(printed(sequence, 1, "populated 1\n"));
}

static void a_limit_that_cannot_be_set_is_a_failure_to_start(void) {
  struct start s = program("/bin/true");
  if (with_cgroups()) start_limit(&s, "cgroup.max.descendants", "7");
  start_limit(&s, "no.such.limit", "1");
  struct orch_start_failed f = refused_start(&s, 2);
  expect(f.stage == ORCH_STAGE_LIMIT && f.index == (with_cgroups() ? 1u : 0u) && f.error != 0);
  expect(leaves() == 0);
  if (!with_cgroups()) return;
  uint64_t sequence;
  char script[300];
  s = shell("", &sequence);
  start_free(&s);
  snprintf(script, sizeof script, "cat %s/t-%08x%08x%016llx/cgroup.max.descendants", cgroup_root, 1u, 2u, (unsigned long long)sequence + 1);
  s = shell(script, &sequence);
  start_limit(&s, "cgroup.max.descendants", "7");
  start_send(&s, &agent, 2);
  start_free(&s);
  ended(2);
  expect(printed(sequence, 1, "7\n"));
}

static bool has(uint64_t capability, const char *test) {
  if ((agent.welcome.capabilities & capability) != 0) return true;
  printf("SKIPPED %s: the controller cannot be enabled here\n", test);
  return false;
}

static void a_leader_killed_for_memory_and_a_killed_child_are_told_apart(void) {
  const char *eat = "head -c 200000000 /dev/zero | tail -c 150000000 | wc -c";
  char script[200];
  uint64_t sequence;
  snprintf(script, sizeof script, "(%s); exit 4", eat);
  struct start s = shell(script, &sequence);
  start_limit(&s, "memory.max", "20000000");
  start_limit(&s, "memory.oom.group", "0");
  start_send(&s, &agent, 0);
  start_free(&s);
  struct orch_exit e = ended(0);
  expect((e.flags & ORCH_E_MEMORY) != 0 && e.oom_kill >= 1 && e.memory_max >= 1 && e.oom_group_kill == 0);
  expect(e.si_code == CLD_EXITED && e.exit_status == 4);
  s = shell(eat, &sequence);
  start_limit(&s, "memory.max", "20000000");
  start_limit(&s, "memory.oom.group", "1");
  start_send(&s, &agent, 0);
  start_free(&s);
  e = ended(0);
  expect(e.oom_kill >= 1 && e.si_code == CLD_KILLED && e.exit_status == SIGKILL && (e.flags & ORCH_E_STOPPED) == 0);
  expect(leaves() == 0);
  e = run_shell(0, "exit 0", NULL); /* the next attempt begins with fresh counters */
  expect((e.flags & ORCH_E_MEMORY) != 0 && e.oom_kill == 0);
}

static void a_fork_bomb_is_capped_and_counted(void) {
  uint64_t sequence;
  struct start s = shell("bomb() { bomb | bomb & }; bomb; sleep 1; exit 0", &sequence);
  start_limit(&s, "pids.max", "30");
  start_send(&s, &agent, 0);
  start_free(&s);
  struct orch_exit e = ended(0);
  expect((e.flags & ORCH_E_PIDS) != 0 && e.pids_max >= 1 && leaves() == 0);
}

static void cpu_time_of_the_whole_tree_is_counted(void) {
  struct orch_exit e = run_shell(0, "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done", NULL);
  expect((e.flags & ORCH_E_CPU) != 0 && e.cpu_usage_us > 1000);
}

static void a_start_of_many_parts_is_put_together(void) {
  uint64_t sequence = next_sequence();
  struct start s;
  const char *argv[3004];
  static char words[3000][64];
  start_begin(&s, &agent, sequence);
  argv[0] = "/bin/sh";
  argv[1] = "-c";
  argv[2] = "echo $# ${2999}";
  for (int n = 0; n < 3000; n++) {
    snprintf(words[n], sizeof words[n], "a word that is some fifty characters long, number %d", n);
    argv[n + 3] = words[n];
  }
  argv[3003] = NULL;
  start_strings(&s, ORCH_T_ARGV, argv);
  expect(s.length > 2 * ORCH_MESSAGE_MAX);
  start_send(&s, &agent, 2);
  start_free(&s);
  ended(2);
  expect(printed(sequence, 1, "2999 a word that is some fifty characters long, number 2999\n"));
}

/* ---- what the task begins with ---- */

static void the_task_inherits_nothing(void) {
  uint64_t sequence;
  run_shell(0, "ls /proc/self/fd | tr '\\n' ' '", &sequence);
  expect(printed(sequence, 1, "0 1 2 3 ")); /* 3 is ls's own */
  run_shell(0, "grep -E 'SigBlk|SigIgn' /proc/self/status | tr -d '\\t\\n'", &sequence);
  expect(printed(sequence, 1, "SigBlk:0000000000000000SigIgn:0000000000000000"));
  run_shell(0, "umask; pwd; readlink /proc/self/fd/0", &sequence);
  expect(printed(sequence, 1, "0022\n/\n/dev/null\n"));
  struct start s;
  sequence = next_sequence();
  start_begin(&s, &agent, sequence);
  start_strings(&s, ORCH_T_ARGV, (const char *[]){"/usr/bin/env", NULL});
  start_strings(&s, ORCH_T_ENV, (const char *[]){"ONLY=this", NULL});
  start_send(&s, &agent, 0);
  start_free(&s);
  ended(0);
  expect(printed(sequence, 1, "ONLY=this\n"));
  char own[64], line[128] = "";
  struct log log;
  snprintf(own, sizeof own, "ulimit -n");
  FILE *f = popen(own, "r");
  expect(f != NULL && fgets(line, sizeof line, f) != NULL);
  pclose(f);
  run_shell(0, "ulimit -n", &sequence);
  log = output_of(sequence);
  expect(log.stream[1].length == strlen(line) && memcmp(log.stream[1].bytes, line, strlen(line)) == 0);
  free_log(&log);
}

static void limits_priority_and_session_are_set(void) {
  uint64_t sequence;
  struct start s = shell("ulimit -n; nice; cat /proc/self/oom_score_adj; umask; echo $$ $(cut -d' ' -f6 /proc/$$/stat)", &sequence);
  uint64_t rlimit[3] = {RLIMIT_NOFILE_NUMBER, 77, 77};
  start_tlv(&s, ORCH_T_RLIMIT, rlimit, sizeof rlimit);
  s.fixed.flags |= ORCH_S_NICE | ORCH_S_OOM_SCORE | ORCH_S_UMASK;
  s.fixed.nice = 5;
  s.fixed.oom_score_adj = 500;
  s.fixed.umask = 077;
  start_send(&s, &agent, 0);
  start_free(&s);
  struct orch_exit e = ended(0);
  char wanted[128];
  snprintf(wanted, sizeof wanted, "77\n5\n500\n0077\n%u %u\n", e.pid, e.pid);
  expect(printed(sequence, 1, wanted));
}

static void the_path_is_that_of_the_task(void) {
  char path[512], variable[600];
  uint64_t sequence = next_sequence();
  struct start s;
  path_of(path, "bin");
  expect(mkdir(path, 0755) == 0 || errno == EEXIST);
  snprintf(variable, sizeof variable, "%s/own-tool", path);
  FILE *f = fopen(variable, "w");
  expect(f != NULL && fputs("#!/bin/sh\necho mine\n", f) > 0 && fclose(f) == 0 && chmod(variable, 0755) == 0);
  snprintf(variable, sizeof variable, "PATH=/no/such:%s:/bin", path);
  start_begin(&s, &agent, sequence);
  start_strings(&s, ORCH_T_ARGV, (const char *[]){"own-tool", NULL});
  start_strings(&s, ORCH_T_ENV, (const char *[]){variable, NULL});
  s.fixed.flags |= ORCH_S_SEARCH_PATH;
  start_send(&s, &agent, 0);
  start_free(&s);
  ended(0);
  expect(printed(sequence, 1, "mine\n"));
}

static void the_user_is_changed_with_groups_and_capabilities(void) {
  if (geteuid() != 0) {
    printf("SKIPPED the_user_is_changed_with_groups_and_capabilities: needs root\n");
    return;
  }
  uint64_t sequence;
  char directory[64];
  snprintf(directory, sizeof directory, "/tmp/orch-test-dir-%d", (int)getpid());
  struct start s = shell("id -u; id -g; id -G; stat -c '%u %a' $0; grep -E 'CapBnd|CapEff|CapAmb|NoNewPrivs' /proc/self/status | tr -d '\\t\\n'; echo; echo x > /dev/stdout", &sequence);
  start_free(&s);
  start_begin(&s, &agent, sequence);
  start_strings(&s, ORCH_T_ARGV,
                (const char *[]){"/bin/sh", "-c",
                                 "id -u; id -g; id -G; stat -c '%u %a' $0; grep -E 'CapBnd|CapEff|CapAmb|NoNewPrivs' /proc/self/status | tr -d '\\t\\n'; echo; echo x > /dev/stdout",
                                 directory, NULL});
  start_strings(&s, ORCH_T_ENV, (const char *[]){"PATH=/usr/bin:/bin", NULL});
  uint32_t groups[2] = {65534, 1234};
  start_tlv(&s, ORCH_T_GROUPS, groups, sizeof groups);
  start_text(&s, ORCH_T_TASK_DIR, directory);
  s.fixed.flags |= ORCH_S_USER | ORCH_S_CAPS | ORCH_S_NO_NEW_PRIVS;
  s.fixed.user = s.fixed.group = 65534;
  s.fixed.task_dir_mode = 0750;
  s.fixed.cap_bounding = s.fixed.cap_permitted = s.fixed.cap_inheritable = s.fixed.cap_ambient = UINT64_C(1) << 10; /* NET_BIND_SERVICE */
  start_send(&s, &agent, 0);
  start_free(&s);
  ended(0);
  expect(printed(sequence, 1,
                 "65534\n65534\n65534 1234\n65534 750\nCapEff:0000000000000400CapBnd:0000000000000400CapAmb:0000000000000400NoNewPrivs:1\nx\n"));
  expect(rmdir(directory) == 0);
}

static void a_seccomp_program_is_installed(void) {
#if defined(__x86_64__)
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  uint64_t sequence;
  struct start s = shell("mkdir /tmp/orch-never-made 2>&1 | grep -c cross-device; grep Seccomp: /proc/self/status | tr -d '\\t'", &sequence);
  s.fixed.flags |= ORCH_S_NO_NEW_PRIVS;
  start_tlv(&s, ORCH_T_SECCOMP, filter, sizeof filter);
  start_send(&s, &agent, 0);
  start_free(&s);
  ended(0);
  expect(printed(sequence, 1, "1\nSeccomp:2\n"));
#else
  printf("SKIPPED a_seccomp_program_is_installed: written for x86-64\n");
#endif
}

static void fds_are_passed_to_their_numbers(void) {
  int ends[2];
  uint64_t sequence;
  expect(pipe(ends) == 0);
  struct start s = shell("echo through >&7; echo $LISTEN_PID $$; ls /proc/self/fd | tr '\\n' ' '", &sequence);
  uint32_t target = 7;
  start_tlv(&s, ORCH_T_FDS, &target, sizeof target);
  s.fixed.flags |= ORCH_S_LISTEN_PID;
  size_t length = sizeof s.fixed + s.length;
  char *body = malloc(length);
  expect(body != NULL);
  memcpy(body, &s.fixed, sizeof s.fixed);
  memcpy(body + sizeof s.fixed, s.tlvs, s.length);
  client_send_fds(agent.shim[0], ORCH_START, ++agent.seq[0], body, length, &ends[1], 1);
  free(body);
  start_free(&s);
  close(ends[1]);
  struct orch_exit e = ended(0);
  char text[64] = "", wanted[64];
  expect(read(ends[0], text, sizeof text - 1) == 8 && strcmp(text, "through\n") == 0);
  expect(read(ends[0], text, 1) == 0); /* nobody else holds it */
  close(ends[0]);
  snprintf(wanted, sizeof wanted, "%u %u\n0 1 2 3 7 ", e.pid, e.pid);
  expect(printed(sequence, 1, wanted));
}

/* ---- requests that are not obeyed ---- */

static void a_start_is_taken_once(void) {
  char path[512], script[600], go[512];
  uint64_t sequence;
  path_of(path, "once");
  snprintf(script, sizeof script, "echo run >> %s; ", path);
  struct start s = shell_until(go, script, "", &sequence);
  start_send(&s, &agent, 0);
  started(0);
  agent.seq[0]--;
  start_send(&s, &agent, 0); /* the same request number */
  expect(refused_code(0) == ORCH_REFUSED_STALE);
  start_send(&s, &agent, 1); /* another shim */
  expect(refused_code(1) == ORCH_REFUSED_CLAIMED);
  struct start other = shell("true", &sequence);
  start_send(&other, &agent, 0);
  expect(refused_code(0) == ORCH_REFUSED_BUSY);
  start_free(&other);
  start_free(&s);
  touch(go);
  ended(0);
  struct stat status;
  expect(stat(path, &status) == 0 && status.st_size == 4);
}

static void what_is_wrong_is_refused_with_a_sentence(void) {
  uint64_t sequence;
  struct start s = shell("true", &sequence);
  s.fixed.boot_id[3] ^= 1;
  start_send(&s, &agent, 0);
  expect(refused_code(0) == ORCH_REFUSED_BOOT);
  s.fixed.boot_id[3] ^= 1;
  start_tlv(&s, 77, "x", 1);
  start_send(&s, &agent, 0);
  expect(refused_code(0) == ORCH_REFUSED_MALFORMED);
  start_free(&s);
  struct orch_uid uid = client_uid(999999);
  ask(0, ORCH_KILL, &uid, sizeof uid);
  expect(refused_code(0) == ORCH_REFUSED_UID);
  ask(0, 63, &uid, sizeof uid);
  expect(refused_code(0) == ORCH_REFUSED_MALFORMED);
  expect(journal_count(agent.journal, ORCH_J_CLAIM, sequence, NULL, 0) == 0);
  ping(0);
}

static void a_second_agent_is_refused_while_the_first_lives(void) {
  static struct client second;
  uint32_t code = 0;
  snprintf(second.run, sizeof second.run, "%s", run_directory);
  expect(!client_connect(&second, &code) && code == ORCH_REFUSED_BUSY);
}

static void the_launcher_makes_more_shims(void) {
  static struct message m;
  struct orch_grow wanted = {.count = 2};
  struct orch_grown grown;
  uint32_t before = agent.shims;
  client_disconnect(&agent);
  client_connect(&agent, NULL);
  client_send(&agent, agent.launcher, ORCH_GROW, 5, 0, &wanted, sizeof wanted);
  client_await(agent.launcher, ORCH_GROWN, &m);
  memcpy(&grown, m.body, sizeof grown);
  expect(grown.added == 2 && grown.error == 0 && m.header.seq == 5);
  client_disconnect(&agent);
  client_connect(&agent, NULL);
  expect(agent.shims == before + 2);
  expect(run_shell(before + 1, "exit 6", NULL).exit_status == 6);
}

/* ---- many ---- */

static bool any_exit(uint32_t shim) {
  static struct message m;
  if (!client_next(agent.shim[shim], &m, 0)) return false;
  if (m.header.type == ORCH_EXITED) {
    struct orch_exit e = exit_of(&m);
    struct {
      struct orch_ack head;
      struct orch_uid uid;
    } ack = {.head = {.count = 1}, .uid = e.uid};
    expect(e.si_code == CLD_EXITED && e.exit_status == 0);
    client_send(&agent, agent.launcher, ORCH_ACK, 1, 0, &ack, sizeof ack);
    while (client_next(agent.launcher, &m, 0)) continue; /* ACKED, SYNCED */
    return true;
  }
  expect(m.header.type == ORCH_STARTED);
  return false;
}

static void ten_thousand_quick_tasks_leave_nothing_behind(void) {
  unsigned total = getenv("ORCH_TEST_TASKS") != NULL ? (unsigned)strtoul(getenv("ORCH_TEST_TASKS"), NULL, 10) : 10000;
  unsigned begun = 0, over = 0;
  bool busy[4] = {false};
  run_shell(0, "true", NULL);
  struct orch_ack nobody = {0}; /* the first ack opens the journal */
  static struct message m;
  client_send(&agent, agent.launcher, ORCH_ACK, 1, 0, &nobody, sizeof nobody);
  client_await(agent.launcher, ORCH_ACKED, &m);
  sync_all();
  ping(0);
  unsigned launcher_files = open_files(agent.launcher_pid), shim_files = open_files((pid_t)agent.shim_pid[0]);
  while (over < total) {
    for (uint32_t n = 0; n < 4; n++) {
      if (busy[n] && any_exit(n)) {
        busy[n] = false;
        over++;
      }
      if (busy[n] || begun == total) continue;
      struct start s = program("/bin/true");
      start_send(&s, &agent, n);
      start_free(&s);
      busy[n] = true;
      begun++;
    }
  }
  struct orch_synced synced = sync_all();
  expect(open_files(agent.launcher_pid) == launcher_files);
  ping(0);
  expect(open_files((pid_t)agent.shim_pid[0]) == shim_files);
  expect(leaves() == 0);
  if (total >= 10000) expect(synced.oldest > 1); /* what is acked is given up */
}

/* ---- ---- */

static void all_tests(void) {
  const char *part = getenv("ORCH_TEST_PART");
  if (part != NULL) {
    (strcmp(part, "kept") == 0 ? kept_tests : isolation_tests)();
    return;
  }
  begin_launcher((const char *[]){"--max-shims", "64", "--journal-size", "1048576", NULL});
  run(the_exit_code_is_the_real_one);
  run(an_exit_is_in_the_journal_before_it_is_told_and_becomes_durable);
  run(a_longer_task_is_told_as_started_with_its_identity);
  output_tests();
  run(every_failure_before_exec_has_its_stage_and_errno);
  run(a_limit_that_cannot_be_set_is_a_failure_to_start);
  if (with_cgroups()) run(a_task_of_any_user_reads_its_own_leaf);
  if (with_cgroups() && has(ORCH_CAP_MEMORY, "a_leader_killed_for_memory_and_a_killed_child_are_told_apart")) run(a_leader_killed_for_memory_and_a_killed_child_are_told_apart);
  if (with_cgroups() && has(ORCH_CAP_PIDS, "a_fork_bomb_is_capped_and_counted")) run(a_fork_bomb_is_capped_and_counted);
  if (with_cgroups() && has(ORCH_CAP_CPU, "cpu_time_of_the_whole_tree_is_counted")) run(cpu_time_of_the_whole_tree_is_counted);
  run(a_start_of_many_parts_is_put_together);
  run(the_task_inherits_nothing);
  run(limits_priority_and_session_are_set);
  run(the_path_is_that_of_the_task);
  run(the_user_is_changed_with_groups_and_capabilities);
  run(a_seccomp_program_is_installed);
  run(fds_are_passed_to_their_numbers);
  run(a_start_is_taken_once);
  run(what_is_wrong_is_refused_with_a_sentence);
  run(a_second_agent_is_refused_while_the_first_lives);
  if (with_cgroups()) run(ten_thousand_quick_tasks_leave_nothing_behind);
  run(the_launcher_makes_more_shims);
  end_launcher();
  exec_tests();
  kept_tests();
  fault_tests();
  isolation_tests();
}

static void clean_up(void) {
  char command[1200];
  if (agent.launcher_pid > 0) {
    kill(agent.launcher_pid, SIGKILL); /* after a failure: its shims leave by themselves once they are idle */
    for (uint32_t n = 0; n < agent.shims; n++) kill((pid_t)agent.shim_pid[n], SIGCONT); /* one may be held */
    waitpid(agent.launcher_pid, NULL, 0);
  }
  if (cgroup_path[0] != '\0') {
    snprintf(command, sizeof command, "for d in %s/t-*; do [ -d $d ] && echo 1 > $d/cgroup.kill; done; sleep 0.2; find %s -depth -type d -exec rmdir {} + 2>/dev/null",
             cgroup_path, cgroup_path);
    (void)!system(command);
  }
  if (agent.launcher_pid > 0) return; /* leave what may tell why */
  snprintf(command, sizeof command, "rm -rf '%s' '%s.files' '%s.log'", run_directory, run_directory, run_directory);
  (void)!system(command);
}

static void on_end(int number) { exit(128 + number); } /* so that a time limit leaves nothing behind either */

static bool find_cgroup(void) {
  static const char *const roots[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};
  for (int n = 0; n < 2; n++) {
    char procs[128];
    snprintf(procs, sizeof procs, "%s/cgroup.procs", roots[n]);
    snprintf(cgroup_path, sizeof cgroup_path, "%s/orch-test-%d", roots[n], (int)getpid());
    if (access(procs, W_OK) == 0 && mkdir(cgroup_path, 0755) == 0) return true;
  }
  cgroup_path[0] = '\0';
  return false;
}

int main(int argc, char **argv) {
  char files[300];
  if (argc < 2) die("usage: launcher_test LAUNCHER");
  setvbuf(stdout, NULL, _IOLBF, 0);
  binary = argv[1];
  signal(SIGPIPE, SIG_IGN);
  signal(SIGTERM, on_end);
  signal(SIGINT, on_end);
  expect(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0); /* so that nothing can get out of sight */
  snprintf(run_directory, sizeof run_directory, "/tmp/orch-launcher-test-%d", (int)getpid());
  snprintf(files, sizeof files, "%s.files", run_directory);
  expect(mkdir(files, 0777) == 0 && chmod(files, 0777) == 0);
  atexit(clean_up);
  if (find_cgroup()) {
    cgroup_root = cgroup_path;
    all_tests();
    expect(rmdir(cgroup_path) == 0);
    cgroup_path[0] = '\0';
  } else {
    printf("SKIPPED all tests with cgroups: no cgroup v2 directory can be made here (needs root)\n");
  }
  cgroup_root = NULL;
  all_tests();
  int status;
  while (waitpid(-1, &status, WNOHANG) > 0) continue;
  expect(waitpid(-1, &status, WNOHANG) == -1 && errno == ECHILD); /* no process is left */
  printf("%u tests passed\n", count);
  return 0;
}

#define _GNU_SOURCE
#include "vocabulary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct client agent;
const char *binary;
const char *cgroup_root;
char run_directory[256];

static struct message message;

uint64_t next_sequence(void) {
  static uint64_t last;
  return ++last;
}

bool with_cgroups(void) { return cgroup_root != NULL; }

struct start shell(const char *script, uint64_t *sequence) {
  struct start s;
  *sequence = next_sequence();
  start_begin(&s, &agent, *sequence);
  start_strings(&s, ORCH_T_ARGV, (const char *[]){"/bin/sh", "-c", script, NULL});
  start_strings(&s, ORCH_T_ENV, (const char *[]){"PATH=/usr/local/bin:/usr/bin:/bin", NULL});
  return s;
}

struct start shell_until(char go[512], const char *before, const char *after, uint64_t *sequence) {
  char script[2048];
  path_of(go, "go");
  snprintf(script, sizeof script, "%suntil [ -e %s ]; do sleep 0.01; done; %s", before, go, after);
  return shell(script, sequence);
}

struct start shell_at_term(char up[512], const char *at_term, uint64_t *sequence) {
  char script[2048];
  path_of(up, "up");
  snprintf(script, sizeof script, "trap '%s' TERM; echo $$ > %s; while :; do sleep 0.01; done", at_term, up);
  return shell(script, sequence);
}

static void send_once(struct start *start, uint32_t shim) {
  start_send(start, &agent, shim);
  start_free(start);
}

uint64_t begin(uint32_t shim, const char *script, uint64_t flags) {
  uint64_t sequence;
  struct start s = shell(script, &sequence);
  s.fixed.flags |= flags;
  send_once(&s, shim);
  return sequence;
}

uint64_t begin_with_files(uint32_t shim, const char *format, const char *a, const char *b, uint64_t flags) {
  char script[2048];
  snprintf(script, sizeof script, format, a, b);
  return begin(shim, script, flags);
}

uint64_t begin_at_term(const char *at_term, long *pid) {
  char up[512];
  uint64_t sequence;
  struct start s = shell_at_term(up, at_term, &sequence);
  send_once(&s, 0);
  long its = number_in(up);
  if (pid != NULL) *pid = its;
  return sequence;
}

struct orch_exit ended(uint32_t shim) {
  client_await(agent.shim[shim], ORCH_EXITED, &message);
  return exit_of(&message);
}

struct orch_exit run_shell(uint32_t shim, const char *script, uint64_t *sequence) {
  uint64_t own;
  struct start s = shell(script, sequence != NULL ? sequence : &own);
  send_once(&s, shim);
  return ended(shim);
}

struct orch_start_failed refused_start(struct start *start, uint32_t shim) {
  send_once(start, shim);
  client_await(agent.shim[shim], ORCH_START_FAILED, &message);
  return failed_of(&message);
}

struct orch_started started(uint32_t shim) {
  client_await(agent.shim[shim], ORCH_STARTED, &message);
  return started_of(&message);
}

uint32_t refused_code(uint32_t shim) {
  struct orch_refused r;
  client_await(agent.shim[shim], ORCH_REFUSED, &message);
  memcpy(&r, message.body, sizeof r);
  expect(r.text_length > 10);
  return r.code;
}

uint64_t ask(uint32_t shim, uint16_t type, const void *body, size_t length) {
  client_send(&agent, agent.shim[shim], type, ++agent.seq[shim], 0, body, length);
  return agent.seq[shim];
}

struct orch_done answer(uint32_t shim, uint64_t seq) {
  struct orch_done done;
  client_await(agent.shim[shim], ORCH_DONE, &message);
  expect(message.header.seq == seq);
  memcpy(&done, message.body, sizeof done);
  return done;
}

struct orch_done request(uint32_t shim, uint16_t type, const void *body, size_t length) { return answer(shim, ask(shim, type, body, length)); }

uint64_t ask_to_stop(uint32_t shim, uint64_t sequence, uint32_t signal, uint32_t mode, uint64_t grace_millis) {
  struct orch_stop body = {client_uid(sequence), signal, mode, grace_millis * MILLI};
  return ask(shim, ORCH_STOP, &body, sizeof body);
}

struct orch_done stop(uint32_t shim, uint64_t sequence, uint32_t signal, uint32_t mode, uint64_t grace_millis) {
  return answer(shim, ask_to_stop(shim, sequence, signal, mode, grace_millis));
}

struct orch_done about(uint32_t shim, uint16_t type, uint64_t sequence) {
  struct orch_uid uid = client_uid(sequence);
  return request(shim, type, &uid, sizeof uid);
}

void ping(uint32_t shim) {
  client_send(&agent, agent.shim[shim], ORCH_PING, 0, 0, NULL, 0);
  client_await(agent.shim[shim], ORCH_PONG, &message);
}

long number_in(const char *path) {
  for (int n = 0; n <= PATIENCE; n++) {
    char text[64];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0) close(fd);
    if (length > 0 && text[length - 1] == '\n') {
      text[length] = '\0';
      return strtol(text, NULL, 10);
    }
    usleep(1000);
  }
  die("nothing came into %s in %d ms", path, PATIENCE);
}

void touch(const char *path) { expect(close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) == 0); }

static bool begins_with(uint64_t sequence, const char *text) {
  size_t length = strlen(text);
  struct log log = output_of(sequence);
  bool so = log.stream[1].length >= length && memcmp(log.stream[1].bytes, text, length) == 0;
  free_log(&log);
  return so;
}

void await_printed(uint64_t sequence, const char *text) { await(begins_with(sequence, text)); }

/* As in proc_pid_stat(5); X when there is no such process. */
static char state_of(long pid) {
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/%ld/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 'X';
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n <= 0) return 'X';
  text[n] = '\0';
  const char *p = strrchr(text, ')');
  return p != NULL ? p[2] : 'X';
}

/* A zombie that its parent has not waited for yet is not alive. */
bool alive(long pid) {
  char state = state_of(pid);
  return state != 'Z' && state != 'X';
}

void await_gone(long pid) { await(!alive(pid)); }

void hold_shim(uint32_t shim) {
  expect(kill((pid_t)agent.shim_pid[shim], SIGSTOP) == 0);
  await(state_of(agent.shim_pid[shim]) == 'T');
}

void let_shim_go(uint32_t shim) { expect(kill((pid_t)agent.shim_pid[shim], SIGCONT) == 0); }

void await_replaced(uint32_t shim) {
  struct orch_shim_dead dead;
  do {
    client_await(agent.launcher, ORCH_SHIM_DEAD, &message);
    memcpy(&dead, message.body, sizeof dead);
  } while (dead.new_pid == 0);
  expect(dead.slot == shim && dead.pid == agent.shim_pid[shim]);
  agent.shim_pid[shim] = dead.new_pid;
}

void kill_shim(uint32_t shim) {
  expect(kill((pid_t)agent.shim_pid[shim], SIGKILL) == 0);
  await_replaced(shim);
}

struct orch_synced sync_all(void) {
  static struct message m;
  struct orch_synced synced;
  client_send(&agent, agent.launcher, ORCH_SYNC, 3, 0, NULL, 0);
  do client_await(agent.launcher, ORCH_SYNCED, &m);
  while (m.header.seq != 3);
  memcpy(&synced, m.body, sizeof synced);
  return synced;
}

unsigned open_files(pid_t pid) {
  char path[64];
  unsigned count = 0;
  snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
  DIR *d = opendir(path);
  if (d == NULL) die("cannot read %s: %s", path, strerror(errno));
  while (readdir(d) != NULL) count++;
  closedir(d);
  return count;
}

unsigned leaves(void) {
  unsigned count = 0;
  if (cgroup_root == NULL) return 0;
  DIR *d = opendir(cgroup_root);
  if (d == NULL) die("cannot read %s: %s", cgroup_root, strerror(errno));
  for (struct dirent *e; (e = readdir(d)) != NULL;)
    if (e->d_type == DT_DIR && e->d_name[0] != '.' && strncmp(e->d_name, "ctl-", 4) != 0) count++;
  closedir(d);
  return count;
}

void path_of(char path[512], const char *name) {
  snprintf(path, 512, "%s.files/%s", run_directory, name);
  unlink(path); /* of the round before */
}

struct log output_of(uint64_t sequence) {
  struct log log;
  read_log(agent.segments, sequence, &log);
  return log;
}

bool printed(uint64_t sequence, int stream, const char *text) {
  struct log log = output_of(sequence);
  size_t length = strlen(text);
  bool same = log.stream[stream].length == length && (length == 0 || memcmp(log.stream[stream].bytes, text, length) == 0) && !log.torn;
  if (!same) fprintf(stderr, "printed: \"%.*s\"\n", (int)log.stream[stream].length, log.stream[stream].bytes != NULL ? log.stream[stream].bytes : "");
  free_log(&log);
  return same;
}

void begin_launcher(const char *const *extra) {
  const char *argv[16] = {"--shims", "4"};
  int n = 2;
  for (; extra != NULL && *extra != NULL && n < 15; extra++) argv[n++] = *extra;
  client_launch(&agent, binary, run_directory, cgroup_root, argv);
  client_connect(&agent, NULL);
  expect(agent.shims >= 4);
}

/* A shim that a sanitizer ended would be replaced, and most tests would not notice. */
static void expect_no_sanitizer_report(void) {
  char path[300], line[1024];
  snprintf(path, sizeof path, "%s.log", run_directory);
  FILE *f = fopen(path, "r");
  if (f == NULL) return; /* shown on the terminal instead */
  while (fgets(line, sizeof line, f) != NULL)
    if (strstr(line, "Sanitizer") != NULL || strstr(line, "runtime error") != NULL) die("see %s: %s", path, line);
  fclose(f);
}

void end_launcher(void) {
  expect(client_end(&agent) == 0);
  expect_no_sanitizer_report();
  expect(leaves() == 0);
}

/* Commands inside a running attempt, and input that the shim keeps. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vocabulary.h"

static struct message message;

/* Our ends of a command's streams, and the one whose closing says that nobody wants it any more. */
struct command {
  int in;
  int out;
  int err;
  int life;
};

static void send_with_fds(uint32_t shim, uint16_t type, struct start *s, const uint32_t *targets, const int *fds, size_t number) {
  start_tlv(s, ORCH_T_FDS, targets, number * sizeof targets[0]);
  size_t length = sizeof s->fixed + s->length;
  char *body = malloc(length);
  expect(body != NULL);
  memcpy(body, &s->fixed, sizeof s->fixed);
  memcpy(body + sizeof s->fixed, s->tlvs, s->length);
  client_send_fds(agent.shim[shim], type, ++agent.seq[shim], body, length, fds, number);
  free(body);
  start_free(s);
}

static struct command send_command(uint32_t shim, uint64_t sequence, struct start *s) {
  static const uint32_t targets[] = {63, 0, 1, 2};
  int in[2], out[2], err[2], life[2];
  expect(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0 && pipe2(life, O_CLOEXEC) == 0);
  int fds[] = {life[0], in[0], out[1], err[1]};
  s->fixed.uid = client_uid(sequence);
  send_with_fds(shim, ORCH_EXEC, s, targets, fds, 4);
  for (size_t n = 0; n < 4; n++) close(fds[n]);
  return (struct command){in[1], out[0], err[0], life[1]};
}

static struct command command(uint32_t shim, uint64_t sequence, const char *script) {
  uint64_t unused;
  struct start s = shell(script, &unused);
  return send_command(shim, sequence, &s);
}

static void leave(struct command *c) {
  int *all[] = {&c->in, &c->out, &c->err, &c->life};
  for (size_t n = 0; n < 4; n++) {
    if (*all[n] >= 0) close(*all[n]);
    *all[n] = -1;
  }
}

static size_t read_all(int fd, char *text, size_t size) {
  size_t length = 0;
  for (ssize_t n; length < size - 1 && (n = read(fd, text + length, size - 1 - length)) > 0;) length += (size_t)n;
  text[length] = '\0';
  return length;
}

static struct orch_exec_started command_started(uint32_t shim) {
  struct orch_exec_started started;
  client_await(agent.shim[shim], ORCH_EXEC_STARTED, &message);
  memcpy(&started, message.body, sizeof started);
  return started;
}

static struct orch_exec_exited command_exited(uint32_t shim) {
  struct orch_exec_exited exited;
  client_await(agent.shim[shim], ORCH_EXEC_EXITED, &message);
  expect(message.length == sizeof exited);
  memcpy(&exited, message.body, sizeof exited);
  return exited;
}

static void await_up(const struct command *c) {
  char text[4];
  expect(read(c->out, text, sizeof text) == 3);
}

static uint64_t sleeping(uint32_t shim, struct orch_started *task) {
  uint64_t sequence;
  struct start s = shell("exec sleep 60", &sequence);
  start_send(&s, &agent, shim);
  start_free(&s);
  *task = started(shim);
  return sequence;
}

static void end_task(uint32_t shim, uint64_t sequence) {
  expect(about(shim, ORCH_KILL, sequence).error == 0);
  ended(shim);
  expect(leaves() == 0);
}

static void a_command_has_its_streams_and_its_exit_code(void) {
  char text[4096], name[64];
  struct orch_started task;
  uint64_t sequence = sleeping(0, &task);
  struct command c = command(1, sequence, "cat; cat /proc/self/cgroup; echo wrong >&2; exit 3");
  struct orch_exec_started begun = command_started(1);
  expect(begun.pid > 1 && begun.pid_start > 0 && begun.uid.sequence == sequence);
  expect(write(c.in, "hello\n", 6) == 6);
  close(c.in);
  c.in = -1;
  read_all(c.out, text, sizeof text);
  expect(strncmp(text, "hello\n", 6) == 0);
  snprintf(name, sizeof name, "/t-%08x%08x%016llx/x-", client_uid(sequence).incarnation, client_uid(sequence).epoch, (unsigned long long)sequence);
  expect(!with_cgroups() || strstr(text, name) != NULL);
  read_all(c.err, text, sizeof text);
  expect(strcmp(text, "wrong\n") == 0);
  struct orch_exec_exited exited = command_exited(1);
  expect(exited.si_code == CLD_EXITED && exited.exit_status == 3 && exited.pid == begun.pid);
  leave(&c);
  expect(alive(task.pid)); /* the end of a command is not the task's */
  end_task(0, sequence);
}

static void what_a_command_leaves_behind_is_killed_and_the_task_is_not(void) {
  char path[512], script[1300];
  struct orch_started task;
  uint64_t sequence = sleeping(0, &task);
  path_of(path, "left");
  snprintf(script, sizeof script, "setsid sh -c 'echo $$ > %s; exec sleep 60' 2>&- & until [ -s %s ]; do sleep 0.01; done; exit 0", path, path);
  struct command c = command(1, sequence, script);
  long left = number_in(path);
  expect(left > 1 && command_exited(1).exit_status == 0);
  expect(!alive(left) && alive(task.pid));
  leave(&c);
  end_task(0, sequence);
}

static void a_command_ends_when_nobody_wants_it_any_more(void) {
  struct orch_started task;
  uint64_t sequence = sleeping(0, &task);
  struct command c = command(1, sequence, "trap '' HUP; echo up; sleep 60 & wait");
  struct orch_exec_started begun = command_started(1);
  await_up(&c);
  close(c.life);
  c.life = -1;
  struct orch_exec_exited exited = command_exited(1);
  expect(exited.si_code == CLD_KILLED && exited.exit_status == SIGKILL);
  expect(!alive(begun.pid) && alive(task.pid));
  leave(&c);
  end_task(0, sequence);
}

static void the_end_of_the_task_is_the_end_of_its_commands(void) {
  struct orch_started task;
  uint64_t sequence = sleeping(0, &task);
  struct command c = command(1, sequence, "sleep 60");
  struct orch_exec_started begun = command_started(1);
  expect(about(0, ORCH_KILL, sequence).error == 0);
  struct orch_exec_exited exited = command_exited(1);
  expect(exited.si_code == CLD_KILLED && exited.exit_status == SIGKILL);
  expect(ended(0).exit_status == SIGKILL);
  expect(!alive(begun.pid) && leaves() == 0);
  leave(&c);
}

static void a_command_that_cannot_be_started_says_why_and_frees_the_shim(void) {
  static const char *const nowhere[] = {"/no/such/program", NULL};
  struct orch_started task;
  struct start s;
  struct orch_start_failed failed;
  uint64_t sequence = sleeping(0, &task);
  start_begin(&s, &agent, sequence);
  start_strings(&s, ORCH_T_ARGV, nowhere);
  struct command c = send_command(1, sequence, &s);
  client_await(agent.shim[1], ORCH_EXEC_FAILED, &message);
  memcpy(&failed, message.body, sizeof failed);
  expect(failed.stage == ORCH_STAGE_EXEC && failed.error == ENOENT);
  leave(&c);
  expect(run_shell(1, "exit 4", NULL).exit_status == 4);
  end_task(0, sequence);
  c = command(1, sequence, "true"); /* in an attempt that is over */
  if (with_cgroups()) {
    client_await(agent.shim[1], ORCH_EXEC_FAILED, &message);
    memcpy(&failed, message.body, sizeof failed);
    expect(failed.stage == ORCH_STAGE_CGROUP && failed.error == ENOENT);
  } else {
    command_exited(1);
  }
  leave(&c);
}

static void a_command_in_a_task_with_a_pid_namespace_is_inside_of_it(void) {
  char text[4096];
  uint64_t sequence, unused;
  struct start s = shell("exec sleep 60", &sequence);
  s.fixed.flags |= ORCH_S_PID_NAMESPACE;
  start_send(&s, &agent, 0);
  start_free(&s);
  struct orch_started task = started(0);
  /* Started means that the shell runs, and not yet what it becomes. */
  s = shell("until [ \"$(cat /proc/2/comm)\" = sleep ]; do :; done; cat /proc/1/comm /proc/2/comm; set -- /proc/[0-9]*; echo $#; kill -9 1; kill -0 2 && echo inside; (setsid sleep 60 &); exit 3", &unused);
  s.fixed.flags |= ORCH_S_PID_NAMESPACE;
  struct command c = send_command(1, sequence, &s);
  struct orch_exec_started begun = command_started(1);
  expect(begun.pid > 2 && begun.pid_start > 0);
  read_all(c.out, text, sizeof text);
  expect(strcmp(text, "orch-init\nsleep\n3\ninside\n") == 0); /* with this shell */
  struct orch_exec_exited exited = command_exited(1);
  expect(exited.exit_status == 3 && exited.pid == begun.pid);
  expect(alive(task.pid));
  leave(&c);
  /* The shim is where it was: its next task is in the host's namespace. */
  expect(run_shell(1, "test \"$(cat /proc/1/comm)\" != orch-init", NULL).exit_status == 0);
  s = shell("sleep 60", &unused);
  s.fixed.flags |= ORCH_S_PID_NAMESPACE;
  c = send_command(1, sequence, &s);
  begun = command_started(1);
  expect(about(0, ORCH_KILL, sequence).error == 0);
  exited = command_exited(1);
  expect(exited.si_code == CLD_KILLED && exited.exit_status == SIGKILL);
  ended(0);
  expect(!alive(begun.pid) && leaves() == 0);
  leave(&c);
  s = shell("true", &unused); /* in an attempt that is over, or never was in a namespace */
  s.fixed.flags |= ORCH_S_PID_NAMESPACE;
  c = send_command(1, sequence, &s);
  struct orch_start_failed failed;
  client_await(agent.shim[1], ORCH_EXEC_FAILED, &message);
  memcpy(&failed, message.body, sizeof failed);
  expect(with_cgroups() ? failed.stage == ORCH_STAGE_CGROUP : failed.stage == ORCH_STAGE_PID_NAMESPACE && failed.error == ESRCH);
  leave(&c);
}

static void a_command_can_be_signalled(void) {
  struct orch_started task;
  uint64_t sequence = sleeping(0, &task);
  struct command c = command(1, sequence, "trap 'exit 9' INT; echo up; while :; do sleep 0.01; done");
  command_started(1);
  await_up(&c);
  struct orch_signal signal = {client_uid(sequence), SIGINT, ORCH_MODE_PROCESS};
  struct orch_done done = request(1, ORCH_EXEC_SIGNAL, &signal, sizeof signal);
  expect(done.error == 0 && done.count == 1);
  expect(command_exited(1).exit_status == 9);
  ask(1, ORCH_EXEC_SIGNAL, &signal, sizeof signal);
  expect(refused_code(1) == ORCH_REFUSED_UID);
  leave(&c);
  end_task(0, sequence);
}

static void a_shim_that_dies_takes_its_command_with_it(void) {
  struct orch_started task;
  uint64_t sequence = sleeping(0, &task);
  struct command c = command(1, sequence, "trap '' HUP; echo up; sleep 60 & wait");
  struct orch_exec_started begun = command_started(1);
  await_up(&c);
  kill_shim(1);
  await_gone(begun.pid);
  leave(&c);
  expect(alive(task.pid));
  ping(1);
  expect(run_shell(1, "exit 6", NULL).exit_status == 6);
  end_task(0, sequence);
}

/* ---- input ---- */

static int fd_of_input(uint32_t shim, uint64_t sequence) {
  _Alignas(8) char control[CMSG_SPACE(sizeof(int))];
  char text[256];
  struct orch_uid uid = client_uid(sequence);
  ask(shim, ORCH_INPUT_GET, &uid, sizeof uid);
  for (;;) {
    struct iovec part = {text, sizeof text};
    struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct orch_header header;
    expect(recvmsg(agent.shim[shim], &head, MSG_CMSG_CLOEXEC) >= (ssize_t)sizeof header);
    memcpy(&header, text, sizeof header);
    if (header.type != ORCH_INPUT) continue;
    const struct cmsghdr *c = CMSG_FIRSTHDR(&head);
    if (c == NULL) return -1;
    int fd;
    memcpy(&fd, CMSG_DATA(c), sizeof fd);
    return fd;
  }
}

static void input_outlives_the_agent_and_ends_when_it_is_told_to(void) {
  static const uint32_t targets[] = {63, 0};
  int in[2];
  uint64_t sequence;
  struct start s = shell("cat; echo over", &sequence);
  expect(pipe2(in, O_CLOEXEC) == 0);
  s.fixed.flags |= ORCH_S_INPUT;
  int fds[] = {in[1], in[0]};
  send_with_fds(0, ORCH_START, &s, targets, fds, 2);
  started(0);
  expect(write(in[1], "one\n", 4) == 4);
  close(in[0]);
  close(in[1]); /* as the death of an agent would */
  int again = fd_of_input(0, sequence);
  expect(again >= 0 && write(again, "two\n", 4) == 4);
  close(again);
  expect(about(0, ORCH_INPUT_END, sequence).error == 0);
  expect(ended(0).exit_status == 0);
  expect(printed(sequence, 1, "one\ntwo\nover\n"));
}

static void a_terminal_is_read_as_the_tasks_output(void) {
  static const uint32_t targets[] = {63, 0, 1, 2};
  uint64_t sequence;
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  expect(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
  int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  struct start s = shell("stty -echo; tty >/dev/null && echo tty; read x; echo got $x >&2; sleep 0.1", &sequence);
  s.fixed.flags |= ORCH_S_INPUT | ORCH_S_TERMINAL | ORCH_S_SETSID | ORCH_S_CTTY;
  int fds[] = {master, slave, slave, slave};
  send_with_fds(0, ORCH_START, &s, targets, fds, 4);
  close(slave);
  await_printed(sequence, "tty\r\n"); /* and it echoes no more */
  expect(write(master, "word\n", 5) == 5);
  close(master);
  expect(ended(0).exit_status == 0);
  expect(printed(sequence, 1, "tty\r\ngot word\r\n"));
}

void exec_tests(void) {
  begin_launcher(NULL);
  run(a_command_has_its_streams_and_its_exit_code);
  run(what_a_command_leaves_behind_is_killed_and_the_task_is_not);
  run(a_command_ends_when_nobody_wants_it_any_more);
  if (with_cgroups()) run(the_end_of_the_task_is_the_end_of_its_commands);
  run(a_command_that_cannot_be_started_says_why_and_frees_the_shim);
  if (with_cgroups() && (agent.welcome.capabilities & ORCH_CAP_PID_NAMESPACE) != 0) run(a_command_in_a_task_with_a_pid_namespace_is_inside_of_it);
  run(a_command_can_be_signalled);
  run(input_outlives_the_agent_and_ends_when_it_is_told_to);
  run(a_terminal_is_read_as_the_tasks_output);
  run(a_shim_that_dies_takes_its_command_with_it);
  end_launcher();
}

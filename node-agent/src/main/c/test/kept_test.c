/* Descriptors that outlive the agent. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vocabulary.h"

static struct message message;

static void keep_named(uint16_t type, uint32_t kind, const char *name, size_t length, int fd) {
  char body[600];
  struct orch_keep head = {.kind = kind, .length = (uint32_t)length};
  memcpy(body, &head, sizeof head);
  memcpy(body + sizeof head, name, length);
  client_send_fds(agent.launcher, type, 1, body, sizeof head + length, &fd, fd >= 0 ? 1 : 0);
}

static void keep(uint32_t kind, const char *name, int fd) { keep_named(ORCH_KEEP, kind, name, strlen(name), fd); }

static void unkeep(const char *name) { keep_named(ORCH_UNKEEP, 0, name, strlen(name), -1); }

/* What was sent before was obeyed. */
static void settle(void) {
  client_send(&agent, agent.launcher, ORCH_PING, 7, 0, NULL, 0);
  client_await(agent.launcher, ORCH_PONG, &message);
}

static uint32_t refused(void) {
  struct orch_refused r;
  client_await(agent.launcher, ORCH_REFUSED, &message);
  memcpy(&r, message.body, sizeof r);
  return r.code;
}

/* How much the launcher has for the next agent, which asks. */
static uint32_t kept_by_now(void) {
  client_disconnect(&agent);
  expect(client_connect(&agent, NULL));
  client_kept(&agent);
  return agent.kept;
}

static void close_kept(void) {
  close(agent.kept_fd);
  agent.kept_fd = 0;
}

static void what_is_kept_comes_back_to_every_next_agent(void) {
  int pipe_[2];
  char text[8];
  unsigned before = open_files(agent.launcher_pid);
  expect((agent.welcome.capabilities & ORCH_CAP_KEEP) != 0);
  expect(pipe2(pipe_, O_CLOEXEC) == 0);
  keep(ORCH_KEEP_PLAIN, "one", pipe_[0]);
  keep(ORCH_KEEP_PLAIN, "one", pipe_[1]); /* in place of the first */
  keep(ORCH_KEEP_PLAIN, "two", pipe_[0]);
  unkeep("two");
  unkeep("never was");
  settle();
  close(pipe_[1]);
  expect(kept_by_now() == 1 && strcmp(agent.kept_name, "one") == 0 && agent.kept_head.kind == ORCH_KEEP_PLAIN);
  expect(write(agent.kept_fd, "hello", 5) == 5 && read(pipe_[0], text, sizeof text) == 5);
  expect(kept_by_now() == 1);
  unkeep("one");
  settle();
  expect(kept_by_now() == 0);
  expect(read(pipe_[0], text, sizeof text) == 0); /* nobody else holds it, no shim either */
  close(pipe_[0]);
  expect(open_files(agent.launcher_pid) == before);
}

static void what_cannot_be_kept_is_refused(void) {
  char name[ORCH_KEPT_NAME_MAX];
  unsigned before = open_files(agent.launcher_pid);
  memset(name, 'n', sizeof name);
  keep_named(ORCH_KEEP, ORCH_KEEP_PLAIN, name, sizeof name, agent.launcher);
  expect(refused() == ORCH_REFUSED_MALFORMED);
  keep_named(ORCH_KEEP, ORCH_KEEP_PLAIN, "a\0b", 3, agent.launcher);
  expect(refused() == ORCH_REFUSED_MALFORMED);
  keep_named(ORCH_KEEP, ORCH_KEEP_PLAIN, "", 0, agent.launcher);
  expect(refused() == ORCH_REFUSED_MALFORMED);
  keep(ORCH_KEEP_SHUT, "kind", agent.launcher);
  expect(refused() == ORCH_REFUSED_MALFORMED);
  keep(ORCH_KEEP_PLAIN, "no fd", -1);
  expect(refused() == ORCH_REFUSED_MALFORMED);
  expect(kept_by_now() == 0 && open_files(agent.launcher_pid) == before);
}

static void no_more_is_kept_than_the_limit(void) {
  char name[32];
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  unsigned before = open_files(agent.launcher_pid);
  for (int n = 0; n < ORCH_KEPT_MAX; n++) {
    snprintf(name, sizeof name, "%d", n);
    keep(ORCH_KEEP_PLAIN, name, null);
    settle();
  }
  keep(ORCH_KEEP_PLAIN, "one more", null);
  expect(refused() == ORCH_REFUSED_LIMIT);
  expect(open_files(agent.launcher_pid) == before + ORCH_KEPT_MAX);
  expect(kept_by_now() == ORCH_KEPT_MAX);
  for (int n = 0; n < ORCH_KEPT_MAX; n++) {
    snprintf(name, sizeof name, "%d", n);
    unkeep(name);
    settle();
  }
  expect(kept_by_now() == 0 && open_files(agent.launcher_pid) == before);
  close(null);
}

static void hold_launcher(void) {
  int status;
  expect(kill(agent.launcher_pid, SIGSTOP) == 0);
  expect(waitpid(agent.launcher_pid, &status, WUNTRACED) == agent.launcher_pid && WIFSTOPPED(status));
}

static void let_launcher_go(void) { expect(kill(agent.launcher_pid, SIGCONT) == 0); }

/* It had answers that it did not read, and there are answers that it will not get. */
static void what_an_agent_sent_before_it_died_is_obeyed(void) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  struct pollfd answer = {.fd = agent.launcher, .events = POLLIN};
  client_send(&agent, agent.launcher, ORCH_PING, 7, 0, NULL, 0);
  expect(poll(&answer, 1, PATIENCE) == 1);
  hold_launcher();
  client_send(&agent, agent.launcher, ORCH_SYNC, 8, 0, NULL, 0);
  keep(ORCH_KEEP_PLAIN, "last", null);
  client_send(&agent, agent.launcher, ORCH_PING, 9, 0, NULL, 0);
  keep(ORCH_KEEP_PLAIN, "very last", null);
  client_disconnect(&agent);
  let_launcher_go();
  expect(kept_by_now() == 2);
  unkeep("last");
  unkeep("very last");
  settle();
  expect(kept_by_now() == 0);
  close(null);
}

struct queue {
  int reading;
  int sending;
};

static struct queue begin_queue(void) {
  char path[512];
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct queue q = {socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  path_of(path, "notify");
  snprintf(address.sun_path, sizeof address.sun_path, "%.100s", path);
  expect(bind(q.reading, (struct sockaddr *)&address, sizeof address) == 0);
  expect(connect(q.sending, (struct sockaddr *)&address, sizeof address) == 0);
  keep(ORCH_KEEP_QUEUE, "queue", q.reading);
  settle();
  return q;
}

static void end_queue(struct queue q) {
  unkeep("queue");
  settle();
  close_kept();
  close(q.reading);
  close(q.sending);
  expect(kept_by_now() == 0);
}

static long queue_length(void) { return number_in("/proc/sys/net/unix/max_dgram_qlen"); }

static void what_is_sent_while_there_is_no_agent_waits(void) {
  char text[64];
  struct queue q = begin_queue();
  close(q.reading);
  client_disconnect(&agent);
  expect(send(q.sending, "READY=1", 7, 0) == 7 && send(q.sending, "STATUS=x", 8, 0) == 8);
  expect(client_connect(&agent, NULL));
  client_kept(&agent);
  expect(agent.kept == 1 && agent.kept_head.kind == ORCH_KEEP_QUEUE);
  expect(recv(agent.kept_fd, text, sizeof text, MSG_DONTWAIT) == 7 && recv(agent.kept_fd, text, sizeof text, MSG_DONTWAIT) == 8);
  q.reading = dup(agent.kept_fd);
  end_queue(q);
}

static void a_queue_that_is_nearly_full_takes_no_more_and_loses_nothing(void) {
  char text[64];
  struct queue q = begin_queue();
  long fit = (queue_length() * 3 + 3) / 4;
  struct pollfd shut = {.fd = q.reading, .events = POLLRDHUP};
  client_disconnect(&agent);
  long sent = 0;
  for (; sent < fit && send(q.sending, "WATCHDOG=1", 10, MSG_DONTWAIT) == 10; sent++) continue;
  expect(poll(&shut, 1, PATIENCE) == 1 && send(q.sending, "WATCHDOG=1", 10, 0) < 0 && errno == EPIPE);
  expect(client_connect(&agent, NULL));
  client_kept(&agent);
  expect(agent.kept == 1 && agent.kept_head.kind == ORCH_KEEP_SHUT);
  long received = 0;
  while (recv(agent.kept_fd, text, sizeof text, MSG_DONTWAIT) == 10) received++;
  expect(received == sent && sent >= 8);
  end_queue(q);
}

/* Full before the launcher could look, by number or by weight: whoever waits to send is woken. */
static void nobody_is_held_up_by_a_full_queue(void) {
  static char long_text[60000];
  const size_t lengths[] = {10, sizeof long_text};
  for (size_t n = 0; n < 2; n++) {
    struct queue q = begin_queue();
    hold_launcher();
    client_disconnect(&agent);
    while (send(q.sending, long_text, lengths[n], MSG_DONTWAIT) > 0) continue;
    expect(errno == EAGAIN);
    close(q.reading);
    let_launcher_go();
    expect(send(q.sending, long_text, lengths[n], 0) < 0 && (errno == ECONNREFUSED || errno == EPIPE));
    close(q.sending);
    expect(kept_by_now() == 0);
  }
}

/* Nothing is shut while there is an agent, however slow. */
static void a_queue_is_left_alone_while_there_is_an_agent(void) {
  char text[64];
  struct queue q = begin_queue();
  long sent = 0;
  while (send(q.sending, "WATCHDOG=1", 10, MSG_DONTWAIT) == 10) sent++;
  settle();
  expect(sent > (queue_length() * 3 + 3) / 4 && recv(q.reading, text, sizeof text, MSG_DONTWAIT) == 10);
  expect(send(q.sending, "WATCHDOG=1", 10, MSG_DONTWAIT) == 10);
  end_queue(q);
}

void kept_tests(void) {
  begin_launcher((const char *[]){"--max-shims", "8", NULL});
  run(what_is_kept_comes_back_to_every_next_agent);
  run(what_cannot_be_kept_is_refused);
  run(no_more_is_kept_than_the_limit);
  run(what_an_agent_sent_before_it_died_is_obeyed);
  run(what_is_sent_while_there_is_no_agent_waits);
  run(a_queue_that_is_nearly_full_takes_no_more_and_loses_nothing);
  run(nobody_is_held_up_by_a_full_queue);
  run(a_queue_is_left_alone_while_there_is_an_agent);
  end_launcher();
}

/* A small agent for tests and benchmarks: starts a launcher, talks with it and its shims. Any failure ends the program with a sentence. */
#ifndef ORCH_TEST_CLIENT_H
#define ORCH_TEST_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../protocol_kept.h"

enum {
  CLIENT_SHIMS_MAX = 1024,
  CLIENT_MESSAGE_MAX = ORCH_MESSAGE_MAX,
  PATIENCE = 30000, /* ms, for what must come: a machine may be slow, only what hangs takes so long */
};

struct client {
  pid_t launcher_pid; /* 0: not our child */
  int launcher;       /* connection; -1: none */
  char run[512];      /* --run-dir */
  char cgroup[512];   /* --cgroup; empty: none */
  char generation[600];
  char journal[600];
  char segments[600];
  char notes[4096];
  struct orch_welcome welcome;
  uint32_t shims;
  int shim[CLIENT_SHIMS_MAX];
  uint32_t shim_pid[CLIENT_SHIMS_MAX];
  uint64_t seq[CLIENT_SHIMS_MAX];
  uint64_t synced;
  uint32_t kept;      /* KEPT messages that client_kept got, and what the last one brought */
  int kept_fd;        /* 0: nothing */
  struct orch_keep kept_head;
  char kept_name[ORCH_KEPT_NAME_MAX];
};

struct message {
  struct orch_header header;
  char body[CLIENT_MESSAGE_MAX - sizeof(struct orch_header)];
  size_t length; /* of the body */
};

/* A START being put together. */
struct start {
  struct orch_start fixed;
  char *tlvs;
  size_t length;
  size_t room;
};

_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t nanos_now(void);

/* Starts `binary` with the options, waits for "ready". Extra options end with NULL. */
void client_launch(struct client *client, const char *binary, const char *run, const char *cgroup, const char *const *extra);
/* Connects and reads up to READY. False if it was refused (BUSY or else: the code in `refused`). */
bool client_connect(struct client *client, uint32_t *refused);
/* Asks what the launcher keeps, and reads all of it. */
void client_kept(struct client *client);
void client_disconnect(struct client *client);
/* SIGTERM, and waits for the end; returns the exit code. */
int client_end(struct client *client);

void client_send(struct client *client, int fd, uint16_t type, uint64_t seq, uint32_t flags, const void *body, size_t length);
void client_send_fds(int fd, uint16_t type, uint64_t seq, const void *body, size_t length, const int *fds, size_t count);
/* The next message of a socket; false after `millis`. */
bool client_next(int fd, struct message *message, int millis);
/* Reads until a message of the type comes; others are dropped. Dies after PATIENCE. */
void client_await(int fd, uint16_t type, struct message *message);
/* Waits on the launcher's connection until the position is durable. */
void client_await_synced(struct client *client, uint64_t position);

void start_begin(struct start *start, const struct client *client, uint64_t sequence);
void start_tlv(struct start *start, uint16_t tag, const void *value, size_t length);
void start_text(struct start *start, uint16_t tag, const char *text); /* with its NUL */
/* NULL-ended list of strings. */
void start_strings(struct start *start, uint16_t tag, const char *const *strings);
void start_limit(struct start *start, const char *file, const char *value);
/* Sends it, in parts if it is long; returns its seq. */
uint64_t start_send(struct start *start, struct client *client, uint32_t shim);
void start_free(struct start *start);

struct orch_uid client_uid(uint64_t sequence);
/* Body of EXITED (or LEADER_EXITED, STARTED, START_FAILED) behind its position. */
struct orch_exit exit_of(const struct message *message);
struct orch_started started_of(const struct message *message);
struct orch_start_failed failed_of(const struct message *message);
uint64_t position_of_event(const struct message *message);

#endif

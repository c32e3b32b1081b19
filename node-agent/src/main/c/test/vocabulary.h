/* Words that the tests with real processes share. */
#ifndef ORCH_TEST_VOCABULARY_H
#define ORCH_TEST_VOCABULARY_H

#include <unistd.h>

#include "client.h"
#include "readers.h"

#define expect(condition)                                                       \
  do {                                                                          \
    if (!(condition)) die("%s:%d: not so: %s", __FILE__, __LINE__, #condition); \
  } while (0)

/* A condition that must come true. */
#define await(condition)                                                                          \
  do {                                                                                            \
    for (int await_n = 0; !(condition); await_n++) {                                              \
      if (await_n == PATIENCE) die("%s:%d: not in %d ms: %s", __FILE__, __LINE__, PATIENCE, #condition); \
      usleep(1000);                                                                               \
    }                                                                                             \
  } while (0)

#define run(test)                                             \
  do {                                                        \
    uint64_t run_begin = nanos_now();                         \
    test();                                                   \
    passed(#test, (double)(nanos_now() - run_begin) / 1e6);   \
  } while (0)

extern struct client agent;      /* the one under test */
extern const char *binary;       /* of the launcher */
extern const char *cgroup_root;  /* NULL: this round is without cgroups */
extern char run_directory[256];

void passed(const char *test, double millis);

uint64_t next_sequence(void);
bool with_cgroups(void);

/* A shell command as an attempt of its own; `start_` is for the caller to change before it is sent. */
struct start shell(const char *script, uint64_t *sequence);
/* Between the two scripts it waits for the file `go`. */
struct start shell_until(char go[512], const char *before, const char *after, uint64_t *sequence);
/* It does nothing but that at SIGTERM; its pid comes into `up` once it is prepared for it. */
struct start shell_at_term(char up[512], const char *at_term, uint64_t *sequence);

/* Starts it. */
uint64_t begin(uint32_t shim, const char *script, uint64_t flags);
/* A script that writes its own and a descendant's pid into files, so that a test can ask after them. */
uint64_t begin_with_files(uint32_t shim, const char *format, const char *a, const char *b, uint64_t flags);
/* A shell_at_term that is prepared, guarded by shim 0; `pid` may be NULL. */
uint64_t begin_at_term(const char *at_term, long *pid);

struct orch_exit ended(uint32_t shim);
struct orch_exit run_shell(uint32_t shim, const char *script, uint64_t *sequence);
struct orch_start_failed refused_start(struct start *start, uint32_t shim);
struct orch_started started(uint32_t shim);
uint32_t refused_code(uint32_t shim);

/* Sends a request about an attempt; its number. */
uint64_t ask(uint32_t shim, uint16_t type, const void *body, size_t length);
/* The answer to the request of that number, which is the next that comes. */
struct orch_done answer(uint32_t shim, uint64_t seq);
/* Both. */
struct orch_done request(uint32_t shim, uint16_t type, const void *body, size_t length);
uint64_t ask_to_stop(uint32_t shim, uint64_t sequence, uint32_t signal, uint32_t mode, uint64_t grace_millis);
struct orch_done stop(uint32_t shim, uint64_t sequence, uint32_t signal, uint32_t mode, uint64_t grace_millis);
struct orch_done about(uint32_t shim, uint16_t type, uint64_t sequence);
void ping(uint32_t shim);

/* All that was sent to the launcher before is done when this is answered: it does one thing after the other. */
struct orch_synced sync_all(void);

#define MILLI UINT64_C(1000000) /* ns */
#define SECOND (1000 * MILLI)

/* A grace, in ms, that is never used up. */
enum { AMPLE = 1000000 };

/* Waits until the file exists and holds something; its first number. */
long number_in(const char *path);
void touch(const char *path);
/* Until its stdout begins with the text. */
void await_printed(uint64_t sequence, const char *text);
bool alive(long pid);
void await_gone(long pid);

/* Held, it finds all that was sent meanwhile at once, however slow this machine is. */
void hold_shim(uint32_t shim);
void let_shim_go(uint32_t shim);
/* Until the launcher has put a new one in its place. */
void await_replaced(uint32_t shim);
void kill_shim(uint32_t shim);

unsigned open_files(pid_t pid);
unsigned leaves(void); /* cgroups below the root but ctl-… */
void path_of(char path[512], const char *name); /* in the test's own directory; no file yet */

struct log output_of(uint64_t sequence);
bool printed(uint64_t sequence, int stream, const char *text);

void begin_launcher(const char *const *extra);
void end_launcher(void);

/* output_test.c: of the launcher that runs */
void output_tests(void);

/* isolation_test.c */
void isolation_tests(void);

/* exec_test.c */
void exec_tests(void);

/* kept_test.c */
void kept_tests(void);

/* stop_test.c: of the launcher that runs */
void stop_tests(void);

/* fault_test.c */
void fault_tests(void);

#endif

/* Words that the tests with real processes share. */
#ifndef ORCH_TEST_VOCABULARY_H
#define ORCH_TEST_VOCABULARY_H

#include "client.h"
#include "readers.h"

#define expect(condition)                                                       \
  do {                                                                          \
    if (!(condition)) die("%s:%d: not so: %s", __FILE__, __LINE__, #condition); \
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
struct orch_exit ended(uint32_t shim);
struct orch_exit run_shell(uint32_t shim, const char *script, uint64_t *sequence);
struct orch_start_failed refused_start(struct start *start, uint32_t shim);
struct orch_started started(uint32_t shim);
uint32_t refused_code(uint32_t shim);

/* Sends a request about an attempt; the answer to it, at once or later. */
void ask(uint32_t shim, uint16_t type, const void *body, size_t length);
struct orch_done answer(uint32_t shim);
struct orch_done request(uint32_t shim, uint16_t type, const void *body, size_t length);
struct orch_done stop(uint32_t shim, uint64_t sequence, uint32_t signal, uint32_t mode, uint64_t grace_millis);
struct orch_done extend_stop(uint32_t shim, uint64_t sequence, uint64_t by_millis, uint64_t most_millis);
struct orch_done about(uint32_t shim, uint16_t type, uint64_t sequence);
void ping(uint32_t shim);

/* All that was sent to the launcher before is done when this is answered: it does one thing after the other. */
struct orch_synced sync_all(void);

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

/* fault_test.c */
void fault_tests(void);

#endif

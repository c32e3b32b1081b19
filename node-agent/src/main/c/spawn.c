#define _GNU_SOURCE
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base.h"
#include "init.h"
#include "landlock.h"
#include "table.h"

enum { STACK = 65536, PASSED_BASE = 128, ENTER_MOUNTS = 3 };

/* The child runs in the shim's memory, so it has a stack of its own and must change nothing but what is here. */
static _Alignas(4096) char stack[STACK];
static char candidate[4096 + 256];
static char listen_pid[32];

long clone3_call(struct clone_args *arguments, void (*child)(void *context), void *context) {
#if defined(__x86_64__)
  long result;
  register void (*function)(void *) __asm__("r12") = child;
  register void *argument __asm__("r13") = context;
  __asm__ volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "test %%r12, %%r12\n\t"
      "jz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r13, %%rdi\n\t"
      "call *%%r12\n\t"
      "hlt\n"
      "1:"
      : "=a"(result)
      : "a"(SYS_clone3), "D"(arguments), "S"(sizeof *arguments), "r"(function), "r"(argument)
      : "rcx", "r11", "memory", "cc");
  return result;
#elif defined(__aarch64__)
  register long result __asm__("x0") = (long)arguments;
  register long size __asm__("x1") = sizeof *arguments;
  register long number __asm__("x8") = SYS_clone3;
  register void (*function)(void *) __asm__("x19") = child;
  register void *argument __asm__("x20") = context;
  __asm__ volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "cbz x19, 1f\n\t"
      "mov x29, #0\n\t"
      "mov x0, x20\n\t"
      "blr x19\n\t"
      "brk #1\n"
      "1:"
      : "+r"(result)
      : "r"(size), "r"(number), "r"(function), "r"(argument)
      : "memory", "cc");
  return result;
#else
#error "clone3 is not written for this processor"
#endif
}

/* ---- in the child: system calls only, no return ---- */

static _Noreturn void end_child(void) {
  for (;;) syscall(SYS_exit_group, 127);
}

static void fail_with(const struct spawn *s, uint32_t stage, uint32_t index, int error) {
  shared_store(*s->report, (uint64_t)stage << 48 | (uint64_t)index << 32 | (uint32_t)error);
  end_child();
}

static void require(const struct spawn *s, uint32_t stage, uint32_t index, long result) {
  if (result < 0) fail_with(s, stage, index, errno);
}

static void set_stdio(const struct spawn *s) {
  const struct request *r = s->request;
  if (r->out == NULL) require(s, ORCH_STAGE_STDIO, 1, dup2(s->out, 1));
  if (r->err == NULL && (r->fixed.flags & ORCH_S_STDERR_STDOUT) == 0) require(s, ORCH_STAGE_STDIO, 2, dup2(s->err, 2));
}

/* The passed fds go out of the way first: a target may be the number of another one. All others end at execve. */
static void set_fds(const struct spawn *s) {
  const struct request *r = s->request;
  int moved[ORCH_PASSED_FDS_MAX];
  for (uint32_t n = 0; n < r->fds; n++) {
    moved[n] = fcntl(s->passed[n], F_DUPFD_CLOEXEC, PASSED_BASE);
    require(s, ORCH_STAGE_FDS, n, moved[n]);
  }
  require(s, ORCH_STAGE_FDS, 0, syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC));
  for (uint32_t n = 0; n < r->fds; n++) require(s, ORCH_STAGE_FDS, n, dup2(moved[n], (int)r->fd[n]));
}

static void set_limits(const struct spawn *s) {
  const struct request *r = s->request;
  for (uint32_t n = 0; n < r->rlimits; n++) {
    struct rlimit limit = {r->rlimit[n].soft, r->rlimit[n].hard};
    require(s, ORCH_STAGE_RLIMIT, n, prlimit(0, r->rlimit[n].resource, &limit, NULL));
  }
  if ((r->fixed.flags & ORCH_S_NICE) != 0) require(s, ORCH_STAGE_NICE, 0, setpriority(PRIO_PROCESS, 0, r->fixed.nice));
  if ((r->fixed.flags & ORCH_S_OOM_SCORE) != 0) {
    char text[16];
    bool negative = r->fixed.oom_score_adj < 0;
    uint32_t value = negative ? 0u - (uint32_t)r->fixed.oom_score_adj : (uint32_t)r->fixed.oom_score_adj;
    size_t length = text_format(text, sizeof text, negative ? "-%u" : "%u", value);
    int error = write_file(AT_FDCWD, "/proc/self/oom_score_adj", text, length);
    if (error != 0) fail_with(s, ORCH_STAGE_OOM_SCORE, 0, error);
  }
  umask((r->fixed.flags & ORCH_S_UMASK) != 0 ? (mode_t)r->fixed.umask & 0777 : 022);
}

static void drop_bounding(const struct spawn *s) {
  for (uint32_t cap = 0; cap < 64; cap++) {
    if ((s->request->fixed.cap_bounding >> cap & 1) != 0) continue;
    long held = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
    if (held < 0) return; /* beyond the last capability of this kernel */
    if (held == 1) require(s, ORCH_STAGE_BOUNDING, cap, prctl(PR_CAPBSET_DROP, cap, 0, 0, 0));
  }
}

static void set_capabilities(const struct spawn *s) {
  const struct orch_start *f = &s->request->fixed;
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  for (int n = 0; n < 2; n++) {
    data[n].permitted = data[n].effective = (uint32_t)(f->cap_permitted >> (32 * n));
    data[n].inheritable = (uint32_t)(f->cap_inheritable >> (32 * n));
  }
  require(s, ORCH_STAGE_CAPS, 0, syscall(SYS_capset, &header, data));
  require(s, ORCH_STAGE_AMBIENT, 0, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
  for (uint32_t cap = 0; cap < 64; cap++)
    if ((f->cap_ambient >> cap & 1) != 0) require(s, ORCH_STAGE_AMBIENT, cap, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0));
}

/* By plain system calls: glibc's functions would do the same for every thread. */
static void set_user(const struct spawn *s) {
  const struct request *r = s->request;
  bool caps = (r->fixed.flags & ORCH_S_CAPS) != 0;
  if (caps) drop_bounding(s);
  if ((r->fixed.flags & ORCH_S_USER) != 0) {
    require(s, ORCH_STAGE_GROUPS, 0, syscall(SYS_setgroups, (size_t)r->group_count, r->groups));
    require(s, ORCH_STAGE_GROUP, 0, syscall(SYS_setresgid, r->fixed.group, r->fixed.group, r->fixed.group));
    if (caps) require(s, ORCH_STAGE_CAPS, 1, prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
    require(s, ORCH_STAGE_USER, 0, syscall(SYS_setresuid, r->fixed.user, r->fixed.user, r->fixed.user));
  }
  if (caps) {
    set_capabilities(s);
    require(s, ORCH_STAGE_CAPS, 2, prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0));
  }
}

/* O_NONBLOCK so that a FIFO without a peer cannot hold up the shim; the task gets its file without it. */
static void open_at(const struct spawn *s, uint32_t stage, const char *path, int flags, int target) {
  int fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);
  require(s, stage, 0, fd);
  int now = fcntl(fd, F_GETFL);
  require(s, stage, 0, now);
  require(s, stage, 0, fcntl(fd, F_SETFL, now & ~O_NONBLOCK));
  require(s, stage, 0, dup2(fd, target));
}

static void open_files(const struct spawn *s) {
  const struct request *r = s->request;
  int how = O_WRONLY | O_CREAT | ((r->fixed.flags & ORCH_S_TRUNCATE) != 0 ? O_TRUNC : O_APPEND);
  require(s, ORCH_STAGE_CWD, 0, chdir(r->cwd != NULL ? r->cwd : "/"));
  if (r->in != NULL) open_at(s, ORCH_STAGE_STDIN, r->in, O_RDONLY, 0);
  if (r->out != NULL) open_at(s, ORCH_STAGE_STDOUT, r->out, how, 1);
  if ((r->fixed.flags & ORCH_S_STDERR_STDOUT) != 0) require(s, ORCH_STAGE_STDIO, 2, dup2(1, 2));
  else if (r->err != NULL) open_at(s, ORCH_STAGE_STDERR, r->err, how, 2);
}

/* A passed fd for 0, 1 or 2 wins over FIFO and path. */
static bool passed(const struct request *r, uint32_t target) {
  for (uint32_t n = 0; n < r->fds; n++)
    if (r->fd[n] == target) return true;
  return false;
}

static int try_exec(const struct spawn *s, const char *path) {
  execve(path, (char *const *)s->argv, (char *const *)s->request->env);
  return errno;
}

/* As execvp, but by the PATH of the task and without a shell for a file that has no format. */
static int exec_by_path(const struct spawn *s) {
  const char *name = s->argv[0];
  int kept = ENOENT;
  for (const char *at = s->request->path != NULL ? s->request->path : "/usr/local/bin:/usr/bin:/bin";; at++) {
    size_t length = strcspn(at, ":");
    if (length > 4000 || strlen(name) > 250) {
      kept = ENAMETOOLONG;
    } else {
      memcpy(candidate, at, length);
      text_format(candidate + length, sizeof candidate - length, length == 0 ? "./%s" : "/%s", name);
      int error = try_exec(s, candidate);
      if (error == EACCES) kept = EACCES;
      else if (error != ENOENT && error != ENOTDIR) return error;
    }
    at += length;
    if (*at == '\0') return kept;
  }
}

/* After no_new_privs, which it needs. */
static void set_path_rules(const struct spawn *s) {
  const struct request *r = s->request;
  uint32_t index;
  if (r->rules == 0) return;
  int error = landlock_apply(r->rule, r->rules, &index);
  if (error != 0) fail_with(s, ORCH_STAGE_LANDLOCK, index, error);
}

void spawn_join(const struct spawn *s) {
  if (!s->join || s->leaf < 0) return;
  int error = write_file(s->leaf, "cgroup.procs", "0", 1);
  if (error != 0) fail_with(s, ORCH_STAGE_CGROUP, 1, error);
}

static void child(void *context) {
  const struct spawn *s = context;
  if (s->inside > 0) require(s, ORCH_STAGE_PID_NAMESPACE, ENTER_MOUNTS, setns(s->inside, CLONE_NEWNS));
  if ((s->request->fixed.flags & ORCH_S_PID_NAMESPACE) == 0) spawn_join(s);
  struct request *r = s->request;
  uint64_t flags = r->fixed.flags;
  long session = (flags & ORCH_S_SETSID) != 0 ? setsid() : setpgid(0, 0);
  require(s, ORCH_STAGE_SESSION, 0, session);
  set_stdio(s);
  set_fds(s);
  set_limits(s);
  set_user(s);
  open_files(s);
  for (uint32_t n = 0; n < 3; n++) {
    /* stdio paths were opened over it */
    if (passed(r, n) && (n == 0 ? r->in : n == 1 ? r->out : r->err) != NULL) fail_with(s, ORCH_STAGE_FDS, n, EEXIST);
  }
  if ((flags & ORCH_S_CTTY) != 0) require(s, ORCH_STAGE_TERMINAL, 0, ioctl(0, TIOCSCTTY, 0));
  if ((flags & ORCH_S_LISTEN_PID) != 0) text_format(listen_pid, sizeof listen_pid, "LISTEN_PID=%u", (uint32_t)getpid());
  if ((flags & ORCH_S_NO_NEW_PRIVS) != 0) require(s, ORCH_STAGE_NO_NEW_PRIVS, 0, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  set_path_rules(s);
  /* Before the filter, which may not allow it. Every disposition is the default already (CLONE_CLEAR_SIGHAND). */
  sigset_t none;
  sigemptyset(&none);
  require(s, ORCH_STAGE_SIGNALS, 0, sigprocmask(SIG_SETMASK, &none, NULL));
  if (r->filter != NULL) {
    struct sock_fprog program = {(unsigned short)r->filter_length, (struct sock_filter *)r->filter};
    require(s, ORCH_STAGE_SECCOMP, 0, syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
  }
  shared_store(*s->report, SPAWN_AT_EXEC);
  bool search = (flags & ORCH_S_SEARCH_PATH) != 0 && strchr(s->argv[0], '/') == NULL;
  fail_with(s, ORCH_STAGE_EXEC, 0, search ? exec_by_path(s) : try_exec(s, s->argv[0]));
}

void spawn_trim_memory(void) { (void)!madvise(stack, sizeof stack, MADV_DONTNEED); }

long spawn_child(const struct spawn *s, uint64_t flags, int *pidfd) {
  bool namespace = (s->request->fixed.flags & ORCH_S_PID_NAMESPACE) != 0;
  bool task = (flags & CLONE_VM) != 0;
  bool inside = namespace && task; /* of a namespace: its init has gone where it belongs */
  struct clone_args arguments = {.flags = flags | CLONE_CLEAR_SIGHAND, .pidfd = (uint64_t)(uintptr_t)pidfd, .exit_signal = SIGCHLD};
  if (task) {
    arguments.stack = (uint64_t)(uintptr_t)stack;
    arguments.stack_size = sizeof stack;
  }
  if (!inside) {
    arguments.flags |= CLONE_PARENT_SETTID;
    arguments.parent_tid = (uint64_t)(uintptr_t)s->pid;
  }
  if (!inside && s->leaf >= 0 && !s->join) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = (uint64_t)s->leaf;
  }
  return clone3_call(&arguments, task ? child : NULL, (void *)s);
}

/* Only children are born into a PID namespace that was entered; so it is entered for this one and left again. */
static int spawn_inside(const struct spawn *s, int *pidfd) {
  int own = pidfd_open_process(getpid());
  if (own < 0) return errno;
  if (setns(s->inside, CLONE_NEWPID) != 0) {
    int error = errno;
    close(own);
    return error;
  }
  long pid = spawn_child(s, CLONE_VM | CLONE_VFORK | CLONE_PIDFD, pidfd);
  if (setns(own, CLONE_NEWPID) != 0) {
    complain("cannot leave a task's PID namespace: %e", errno);
    _exit(1); /* what came next would be born there */
  }
  close(own);
  return pid < 0 ? (int)-pid : 0;
}

int spawn(const struct spawn *s, int *pidfd) {
  struct request *r = s->request;
  if ((r->fixed.flags & ORCH_S_LISTEN_PID) != 0) {
    r->env[r->envc] = listen_pid;
    r->env[r->envc + 1] = NULL;
  }
  if ((r->fixed.flags & ORCH_S_PID_NAMESPACE) != 0) return init_spawn(s, pidfd);
  if (s->inside > 0) return spawn_inside(s, pidfd);
  long pid = spawn_child(s, CLONE_VM | CLONE_VFORK | CLONE_PIDFD, pidfd);
  return pid < 0 ? (int)-pid : 0;
}

int spawn_beside(const struct spawn *s, int *pidfd) {
  long pid = spawn_child(s, CLONE_PIDFD, pidfd);
  if (pid == 0) child((void *)s);
  return pid < 0 ? (int)-pid : 0;
}

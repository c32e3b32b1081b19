/* What the launcher does once, at its start: directories, leftovers of earlier launchers, cgroups with a self-test, the socket. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base.h"
#include "cgroup.h"
#include "landlock.h"
#include "launcher.h"
#include "spawn.h"

/* ---- directories ---- */

static int open_directory(const char *path) {
  if (mkdir(path, 0700) != 0 && errno != EEXIST) return -errno;
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return fd >= 0 ? fd : -errno;
}

static int open_named(const char *given, const char *below, const char *name, char path[PATH_MAX], int *fd) {
  char wanted[PATH_MAX];
  if (given != NULL) text_format(wanted, sizeof wanted, "%s", given);
  else text_format(wanted, sizeof wanted, "%s/%s", below, name);
  *fd = open_directory(wanted);
  if (*fd < 0) {
    complain("cannot use the directory %s: %e", wanted, -*fd);
    return -*fd;
  }
  return realpath(wanted, path) != NULL ? 0 : errno;
}

static int next_generation(struct launcher *l) {
  char text[24];
  uint64_t last = 0;
  const char *at = text;
  if (read_file(l->run, "generation", text, sizeof text) > 0 && !parse_number(&at, &last)) last = 0;
  l->generation_number = (uint32_t)last + 1;
  size_t length = text_format(text, sizeof text, "%u\n", l->generation_number);
  int fd = openat(l->run, "generation.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  int error = write(fd, text, length) == (ssize_t)length ? 0 : EIO;
  if (close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && renameat(l->run, "generation.new", l->run, "generation") != 0) error = errno;
  return error;
}

static void close_earlier_claims(struct launcher *l);

static int make_table(struct launcher *l) {
  size_t size = sizeof(struct orch_table) + (size_t)l->options.max_shims * sizeof(struct orch_slot);
  int fd = openat(l->generation, "table", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  int error = posix_fallocate(fd, 0, (off_t)size); /* so that no later store can fail */
  if (error == EOPNOTSUPP || error == EINVAL) error = ftruncate(fd, (off_t)size) == 0 ? 0 : errno;
  void *memory = error == 0 ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : NULL;
  if (error == 0 && memory == MAP_FAILED) error = errno;
  close(fd);
  if (error != 0) return error;
  l->table = memory;
  *l->table = (struct orch_table){.magic = ORCH_TABLE_MAGIC,
                                  .version = ORCH_VERSION,
                                  .generation = l->generation_number,
                                  .slots = l->options.max_shims,
                                  .launcher_pid = (uint32_t)getpid(),
                                  .launcher_start = process_start(getpid()),
                                  .journal_size = l->options.journal_size};
  return read_boot_id(l->table->boot_id);
}

int setup_directories(struct launcher *l) {
  char run_path[PATH_MAX];
  int error = open_named(l->options.run_dir, NULL, NULL, run_path, &l->run);
  if (error != 0) return error;
  l->lock = openat(l->run, "launcher.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (l->lock < 0) return errno;
  error = lock_file(l->lock);
  if (error != 0) {
    complain("another launcher uses %s; end it first, or take another --run-dir", run_path);
    return error;
  }
  if (fchmod(l->run, 0711) != 0) return errno;
  error = open_named(l->options.journal_dir, run_path, "journal", l->journal_path, &l->journal);
  if (error == 0) error = open_named(l->options.segments_dir, run_path, "segments", l->segments_path, &l->segments);
  if (error == 0) error = next_generation(l);
  if (error != 0) return error;
  close_earlier_claims(l);
  size_t length = text_format(l->run_path, sizeof l->run_path, "%s/g%x", run_path, l->generation_number);
  if (length >= sizeof l->run_path) return ENAMETOOLONG;
  l->generation = open_directory(l->run_path);
  if (l->generation < 0) return -l->generation;
  return make_table(l);
}

/* ---- earlier generations ---- */

enum { CLOSE_PATIENCE_MILLIS = 2000 };

static bool shim_lives(int directory, uint32_t number) {
  char name[24];
  text_format(name, sizeof name, "%u.lock", number);
  int fd = openat(directory, name, O_RDWR | O_CLOEXEC);
  if (fd < 0) return false;
  bool held = lock_held(fd);
  close(fd);
  return held;
}

/* A shim that is about to write a record may be claiming: it finishes, or finds out; one that does neither is killed. */
static void await_record(int directory, struct orch_table *table, uint32_t number) {
  struct orch_slot *slot = table_slot(table, number);
  for (int waited = 0; shared_load(slot->appending) != 0 && shim_lives(directory, number); waited++) {
    if (waited == CLOSE_PATIENCE_MILLIS) {
      complain("shim %u of an earlier launcher hangs over a record: killing it", number);
      kill((pid_t)slot->shim_pid, SIGKILL);
    }
    struct timespec pause = {0, 1000000};
    nanosleep(&pause, NULL);
  }
}

static int close_claims(void *context, const char *name) {
  struct launcher *l = context;
  if (name[0] != 'g' || strlen(name) != 9) return 0;
  int directory = openat(l->run, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int fd = directory >= 0 ? openat(directory, "table", O_RDWR | O_CLOEXEC) : -1;
  struct stat status;
  if (fd >= 0 && fstat(fd, &status) == 0 && (size_t)status.st_size >= sizeof(struct orch_table)) {
    struct orch_table *table = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (table != MAP_FAILED) {
      size_t room = ((size_t)status.st_size - sizeof *table) / sizeof(struct orch_slot);
      if (table->magic == ORCH_TABLE_MAGIC && table->slots <= room) {
        shared_store(table->retiring, ORCH_SUCCEEDED);
        for (uint32_t n = 0; n < table->slots; n++) await_record(directory, table, n);
      }
      munmap(table, (size_t)status.st_size);
    }
  }
  if (fd >= 0) close(fd);
  if (directory >= 0) close(directory);
  return 0;
}

/* What the journal does not claim from here on, no shim of an earlier launcher forks. To be called before the own table is made. */
static void close_earlier_claims(struct launcher *l) {
  int error = list_directory(l->run, close_claims, l);
  if (error != 0) complain("cannot look for earlier launchers: %e", error);
}

struct earlier {
  struct launcher *launcher;
  int directory; /* of the generation looked at */
  uint32_t live;
};

static int count_lock(void *context, const char *name) {
  struct earlier *e = context;
  size_t length = strlen(name);
  if (length < 5 || strcmp(name + length - 5, ".lock") != 0) return 0;
  int fd = openat(e->directory, name, O_RDWR | O_CLOEXEC);
  if (fd < 0) return 0;
  if (lock_held(fd)) e->live++;
  close(fd);
  return 0;
}

static int remove_name(void *context, const char *name) {
  const struct earlier *e = context;
  if (unlinkat(e->directory, name, 0) != 0) complain("cannot remove %s of an earlier launcher: %e", name, errno);
  return 0;
}

static int look_at_generation(void *context, const char *name) {
  struct earlier *all = context;
  struct launcher *l = all->launcher;
  char own[16];
  text_format(own, sizeof own, "g%x", l->generation_number);
  if (name[0] != 'g' || strlen(name) != 9 || strcmp(name, own) == 0) return 0;
  struct earlier e = {.launcher = l};
  e.directory = openat(l->run, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (e.directory < 0) return 0;
  if (list_directory(e.directory, count_lock, &e) == 0 && e.live == 0) {
    list_directory(e.directory, remove_name, &e);
    char ctl[16];
    text_format(ctl, sizeof ctl, "ctl-%s", name + 1);
    if (l->cgroup >= 0 && unlinkat(l->cgroup, ctl, AT_REMOVEDIR) != 0 && errno != ENOENT) complain("cannot remove the cgroup %s: %e", ctl, errno);
    if (unlinkat(l->run, name, AT_REMOVEDIR) != 0) complain("cannot remove %s of an earlier launcher: %e", name, errno);
  }
  close(e.directory);
  all->live += e.live;
  return 0;
}

void setup_count_previous(struct launcher *l) {
  struct earlier all = {.launcher = l};
  int error = list_directory(l->run, look_at_generation, &all);
  if (error != 0) complain("cannot look for earlier launchers: %e", error);
  l->previous = all.live;
  l->keeper.previous = all.live > 0;
}

/* ---- cgroups ---- */

/* A child in a cgroup that ends with `code` or, for a negative one, stays until it is killed. The pid or -errno. */
static long child_in(const struct launcher *l, int cgroup, int code) {
  bool join = (l->capabilities & ORCH_CAP_JOIN) != 0;
  struct clone_args arguments = {.exit_signal = SIGCHLD};
  if (!join) {
    arguments.flags = CLONE_INTO_CGROUP;
    arguments.cgroup = (uint64_t)cgroup;
  }
  if (!join && l->options.no_clone_into) return -EINVAL;
  long pid = clone3_call(&arguments, NULL, NULL);
  if (pid != 0) return pid;
  if (join && write_file(cgroup, "cgroup.procs", "0", 1) != 0) _exit(99);
  if (code >= 0) _exit(code);
  for (;;) pause();
}

/* Its status, killed after 5 s if it does not end by itself. */
static int end_of(pid_t pid, siginfo_t *info) {
  int pidfd = pidfd_open_process(pid);
  if (pidfd < 0) return errno;
  struct pollfd poll_ = {.fd = pidfd, .events = POLLIN};
  int ready = poll(&poll_, 1, 5000);
  if (ready != 1) (void)!kill(pid, SIGKILL);
  close(pidfd);
  info->si_pid = 0;
  if (waitid(P_PID, (id_t)pid, info, WEXITED) != 0) return errno;
  return ready == 1 ? 0 : ETIMEDOUT;
}

enum clone_test { WORKS, CANNOT_CLONE, KILLED_ONCE, ODD_END };

static enum clone_test ends_by_itself(struct launcher *l, int cgroup, int *why) {
  siginfo_t info;
  long pid = child_in(l, cgroup, 7);
  *why = pid < 0 ? (int)-pid : 0;
  if (pid < 0) return CANNOT_CLONE;
  *why = end_of((pid_t)pid, &info);
  if (*why == 0 && info.si_code == CLD_EXITED && info.si_status == 7) return WORKS;
  return *why == 0 && info.si_code != CLD_EXITED && info.si_status == SIGKILL ? KILLED_ONCE : ODD_END;
}

/*
 * A kernel before 5.7 cannot clone into a cgroup, and any kernel kills what is cloned into one that was ever killed itself or from above.
 * Moving there by cgroup.procs works in both cases: a few microseconds more a start.
 */
static bool can_start_in(struct launcher *l, int cgroup, const char *what) {
  int why;
  enum clone_test first = ends_by_itself(l, cgroup, &why);
  if (first == WORKS) return true;
  l->capabilities |= ORCH_CAP_JOIN;
  int then;
  enum clone_test second = ends_by_itself(l, cgroup, &then);
  if (second == WORKS) {
    if (first == KILLED_ONCE)
      launcher_note(l, "%s or a cgroup above it was killed by cgroup.kill once, and the kernel kills all that is cloned into it: processes move to their cgroups themselves", l->cgroup_path);
    else
      launcher_note(l, "this kernel cannot clone into a cgroup (%e): processes move to their cgroups themselves", why);
    return true;
  }
  if (second == CANNOT_CLONE)
    launcher_note(l, "no cgroups: a process cannot be started in %s/%s: %e", l->cgroup_path, what, then);
  else if (second == KILLED_ONCE)
    launcher_note(l, "no cgroups: what starts in %s/%s is killed at once; make a new cgroup", l->cgroup_path, what);
  else
    launcher_note(l, "no cgroups: a process started in %s/%s did not end as it should", l->cgroup_path, what);
  return false;
}

static bool test_leaf(struct launcher *l) {
  char name[32];
  text_format(name, sizeof name, "selftest-%x", l->generation_number);
  int leaf = leaf_make(l->cgroup, name);
  if (leaf < 0) {
    launcher_note(l, "no cgroups: cannot make %s/%s: %e", l->cgroup_path, name, -leaf);
    return false;
  }
  bool works = can_start_in(l, leaf, name);
  long pid = works ? child_in(l, leaf, -1) : -1;
  if (pid > 0) {
    siginfo_t info;
    int error = l->options.no_kill ? ENOENT : leaf_kill(leaf);
    if (error != 0) (void)!kill((pid_t)pid, SIGKILL);
    if (error == 0) l->capabilities |= ORCH_CAP_KILL;
    else launcher_note(l, "cgroup.kill does not work (%e): trees are frozen and killed process by process", error);
    error = end_of((pid_t)pid, &info);
    if (error != 0) launcher_note(l, "a killed process of %s does not end: %e", l->cgroup_path, error);
  }
  if (faccessat(leaf, "cgroup.freeze", W_OK, 0) == 0) l->capabilities |= ORCH_CAP_FREEZE;
  if (faccessat(leaf, "cpu.pressure", F_OK, 0) == 0) l->capabilities |= ORCH_CAP_PRESSURE;
  close(leaf);
  int error = leaf_remove(l->cgroup, name);
  if (error != 0) launcher_note(l, "cannot remove %s/%s: %e", l->cgroup_path, name, error);
  return works;
}

static void enable_controllers(struct launcher *l) {
  static const struct {
    const char *name;
    const char *on;
    uint64_t capability;
  } wanted[] = {{"memory", "+memory", ORCH_CAP_MEMORY},
                {"cpu", "+cpu", ORCH_CAP_CPU},
                {"pids", "+pids", ORCH_CAP_PIDS},
                {"io", "+io", ORCH_CAP_IO},
                {"cpuset", "+cpuset", ORCH_CAP_CPUSET}};
  char missing[64] = "";
  size_t length = 0;
  int why = 0;
  for (size_t n = 0; n < sizeof wanted / sizeof wanted[0]; n++) {
    int error = write_file(l->cgroup, "cgroup.subtree_control", wanted[n].on, strlen(wanted[n].on));
    if (error == 0) {
      l->capabilities |= wanted[n].capability;
      continue;
    }
    length += text_format(missing + length, sizeof missing - length, length == 0 ? "%s" : ", %s", wanted[n].name);
    why = error;
  }
  if (length > 0) launcher_note(l, "no limits by %s: not to be enabled in %s (%e)", missing, l->cgroup_path, why);
}

/* With processes in it a cgroup cannot hand controllers down. */
static int leave_own(struct launcher *l) {
  char text[16];
  pid_t self = getpid();
  int inside = leaf_holds_directly(l->cgroup, self);
  if (inside <= 0) return inside < 0 ? -inside : 0;
  size_t length = text_format(text, sizeof text, "%u", (uint32_t)self);
  return write_file(l->ctl, "cgroup.procs", text, length);
}

static bool use_cgroup(struct launcher *l) {
  char name[16];
  if (faccessat(l->cgroup, "cgroup.procs", F_OK, 0) != 0) {
    launcher_note(l, "no cgroups: %s is not a cgroup v2 directory", l->cgroup_path);
    return false;
  }
  text_format(name, sizeof name, "ctl-%x", l->generation_number);
  l->ctl = leaf_make(l->cgroup, name);
  if (l->ctl == -EEXIST) l->ctl = leaf_open(l->cgroup, name);
  if (l->ctl < 0) {
    launcher_note(l, "no cgroups: cannot make %s/%s: %e", l->cgroup_path, name, -l->ctl);
    return false;
  }
  int error = leave_own(l);
  if (error != 0) {
    launcher_note(l, "no cgroups: the launcher cannot move to %s/%s: %e", l->cgroup_path, name, error);
    return false;
  }
  enable_controllers(l);
  return can_start_in(l, l->ctl, name) && test_leaf(l);
}

void setup_cgroup(struct launcher *l) {
  l->cgroup = l->ctl = -1;
  if (l->options.cgroup == NULL) {
    launcher_note(l, "no cgroups: none was given; processes are found by their parents, and limits cannot be set");
    return;
  }
  text_format(l->cgroup_path, sizeof l->cgroup_path, "%s", l->options.cgroup);
  l->cgroup = open(l->options.cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (l->cgroup < 0) {
    launcher_note(l, "no cgroups: cannot open %s: %e", l->options.cgroup, errno);
    return;
  }
  if (realpath(l->options.cgroup, l->cgroup_path) == NULL) text_format(l->cgroup_path, sizeof l->cgroup_path, "%s", l->options.cgroup);
  if (use_cgroup(l)) {
    l->capabilities |= ORCH_CAP_CGROUP;
    return;
  }
  char name[16];
  text_format(name, sizeof name, "ctl-%x", l->generation_number);
  if (l->ctl >= 0) close(l->ctl);
  (void)!unlinkat(l->cgroup, name, AT_REMOVEDIR);
  close(l->cgroup);
  l->cgroup = l->ctl = -1;
  l->cgroup_path[0] = '\0';
  l->capabilities = 0;
}

/* What nothing works without, each since Linux 5.9 or earlier. */
int setup_needs(void) {
  int pidfd = -1;
  struct clone_args arguments = {.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND, .pidfd = (uint64_t)(uintptr_t)&pidfd, .exit_signal = SIGCHLD};
  long pid = clone3_call(&arguments, NULL, NULL);
  if (pid == 0) _exit(0);
  const char *missing = NULL;
  int error = 0;
  if (pid < 0) {
    missing = "clone3 with a pidfd";
    error = (int)-pid;
  } else {
    siginfo_t status;
    if (pidfd_signal(pidfd, 0) != 0) missing = "pidfd_send_signal";
    int waited;
    while ((waited = waitid(P_PIDFD, (id_t)pidfd, &status, WEXITED)) != 0 && errno == EINTR) continue;
    error = errno;
    if (waited != 0) missing = "waitid by a pidfd";
    close(pidfd);
    if (missing == NULL && syscall(SYS_close_range, ~0u, ~0u, 0) != 0) {
      missing = "close_range";
      error = errno;
    }
  }
  if (missing == NULL) return 0;
  complain("this kernel lacks %s (%e); Linux 5.9 or later is needed, and no filter in the way", missing, error);
  return error != 0 ? error : ENOSYS;
}

static bool namespaces_work(int *why) {
  struct clone_args arguments = {.flags = CLONE_NEWPID | CLONE_NEWNS, .exit_signal = SIGCHLD};
  long pid = clone3_call(&arguments, NULL, NULL);
  if (pid == 0) _exit(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0 || mount("proc", "/proc", "proc", 0, NULL) != 0 ? 1 : 0);
  *why = pid < 0 ? (int)-pid : 0;
  if (pid < 0) return false;
  siginfo_t status;
  while (waitid(P_PID, (id_t)pid, &status, WEXITED) != 0 && errno == EINTR) continue;
  *why = EPERM;
  return status.si_code == CLD_EXITED && status.si_status == 0;
}

static bool pidfd_tells_status(void) {
  struct pidfd_status {
    uint64_t mask;
    uint64_t cgroup;
    uint32_t ids[11];
    int32_t exit_code;
  } info = {.mask = UINT64_C(1) << 3};
  struct clone_args arguments = {.exit_signal = SIGCHLD};
  long pid = clone3_call(&arguments, NULL, NULL);
  if (pid < 0) return false;
  if (pid == 0) _exit(7);
  int pidfd = pidfd_open_process((pid_t)pid);
  siginfo_t status;
  while (waitid(P_PID, (id_t)pid, &status, WEXITED) != 0 && errno == EINTR) continue;
  bool told = pidfd >= 0 && ioctl(pidfd, _IOWR(0xFF, 11, struct pidfd_status), &info) == 0 && (info.mask & UINT64_C(1) << 3) != 0 &&
              info.exit_code == 7 << 8;
  if (pidfd >= 0) close(pidfd);
  return told;
}

void setup_capabilities(struct launcher *l) {
  l->capabilities |= ORCH_CAP_KEEP | ORCH_CAP_EXTEND_STOP;
  if (pidfd_tells_status()) l->capabilities |= ORCH_CAP_PIDFD_INFO;
  if (landlock_version() > 0) l->capabilities |= ORCH_CAP_LANDLOCK;
  int why;
  if (namespaces_work(&why)) l->capabilities |= ORCH_CAP_PID_NAMESPACE;
  else if (geteuid() == 0) launcher_note(l, "no PID namespaces for tasks: %e", why);
  if (geteuid() == 0) l->capabilities |= ORCH_CAP_ROOT;
  else launcher_note(l, "not root: tasks run as the launcher's own user, and limits can only be lowered");
  l->table->capabilities = l->capabilities;
}

/* ---- the socket ---- */

int setup_listener(struct launcher *l) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  /* By way of /proc: the run directory's path may be longer than an address can be. */
  text_format(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%u/launcher.sock", (uint32_t)l->run);
  if (unlinkat(l->run, "launcher.sock", 0) != 0 && errno != ENOENT) return errno;
  l->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (l->listener < 0) return errno;
  mode_t mask = umask(0177);
  int error = bind(l->listener, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
  umask(mask);
  if (error == 0 && listen(l->listener, 16) != 0) error = errno;
  return error;
}

/* The shims are gone, so their cgroup can go; not if the launcher itself had to move there. */
void setup_end(struct launcher *l) {
  if (l->cgroup < 0) return;
  char name[16];
  text_format(name, sizeof name, "ctl-%x", l->generation_number);
  if (unlinkat(l->cgroup, name, AT_REMOVEDIR) != 0 && errno != ENOENT && errno != EBUSY)
    complain("cannot remove %s/%s: %e", l->cgroup_path, name, errno);
}

#define _GNU_SOURCE
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base.h"
#include "cgroup.h"

enum { PID_LIMIT = 4194304, PROCESSES_MAX = 65536, ROUNDS_MAX = 200 };

/* Touched only while a tree is walked, given back afterwards. */
static _Alignas(4096) uint8_t seen[PID_LIMIT / 8];

struct process {
  pid_t pid;
  pid_t parent;
  pid_t group;
  pid_t session;
  bool zombie;
  bool inside;
};
static _Alignas(4096) struct process processes[PROCESSES_MAX];
static uint32_t process_count;

static void give_back(void) {
  /* Zeroes the pages as well; it cannot fail on memory of one's own. */
  (void)!madvise(seen, sizeof seen, MADV_DONTNEED);
  (void)!madvise(processes, sizeof processes, MADV_DONTNEED);
}

/* A signal to a group is not for its init; what ends, stops or wakes is for all. */
static bool spared(const struct tree *tree, pid_t pid, int signal) {
  return tree->init != 0 && pid == tree->init && signal != SIGKILL && signal != SIGSTOP && signal != SIGCONT;
}

static bool first_sight(pid_t pid) {
  if (pid < 0 || pid >= PID_LIMIT) return false;
  uint8_t bit = (uint8_t)(1u << (pid & 7));
  if ((seen[pid >> 3] & bit) != 0) return false;
  seen[pid >> 3] |= bit;
  return true;
}

/* ---- without a cgroup: from /proc ---- */

static bool read_process(const char *name, struct process *p) {
  char path[32];
  char stat[512];
  uint64_t pid;
  const char *at = name;
  if (!parse_number(&at, &pid) || *at != '\0' || pid >= PID_LIMIT) return false;
  text_format(path, sizeof path, "/proc/%s/stat", name);
  if (read_file(AT_FDCWD, path, stat, sizeof stat) <= 0) return false;
  at = strrchr(stat, ')');
  if (at == NULL || at[1] != ' ' || at[2] == '\0' || at[3] != ' ') return false;
  uint64_t parent, group, session;
  at += 0;
  p->zombie = at[2] == 'Z' || at[2] == 'X';
  at += 4;
  if (!parse_number(&at, &parent) || *at++ != ' ' || !parse_number(&at, &group) || *at++ != ' ' || !parse_number(&at, &session)) return false;
  if (parent >= PID_LIMIT) return false;
  p->pid = (pid_t)pid;
  p->parent = (pid_t)parent;
  p->group = (pid_t)group;
  p->session = (pid_t)session;
  p->inside = false;
  return true;
}

static int note_process(void *context, const char *name) {
  (void)context;
  if (process_count < PROCESSES_MAX && read_process(name, &processes[process_count])) process_count++;
  return 0;
}

static bool belongs(const struct tree *tree, const struct process *p) {
  if (p->pid == tree->root) return false;
  if (tree->root != 0 && p->parent == tree->root) return true;
  return tree->leader != 0 && ((p->pid == tree->leader && !tree->leader_gone) || p->session == tree->leader || p->group == tree->leader);
}

/* Marks what belongs to the tree and all its descendants. */
static int scan(const struct tree *tree) {
  process_count = 0;
  int directory = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return errno;
  int error = list_directory(directory, note_process, NULL);
  close(directory);
  if (error != 0) return error;
  for (uint32_t n = 0; n < process_count; n++) processes[n].inside = belongs(tree, &processes[n]);
  for (bool again = true; again;) {
    again = false;
    memset(seen, 0, sizeof seen);
    for (uint32_t n = 0; n < process_count; n++)
      if (processes[n].inside) seen[processes[n].pid >> 3] |= (uint8_t)(1u << (processes[n].pid & 7));
    for (uint32_t n = 0; n < process_count; n++) {
      struct process *p = &processes[n];
      if (p->inside || p->parent < 0 || p->pid == tree->root) continue;
      if ((seen[p->parent >> 3] & 1u << (p->parent & 7)) == 0) continue;
      p->inside = true;
      again = true;
    }
  }
  return 0;
}

/* The process may have gone and its pid come again since the scan: the parent must still be the same. */
static bool signal_scanned(const struct process *p, int signal) {
  int pidfd = pidfd_open_process(p->pid);
  if (pidfd < 0) return false;
  char name[16];
  struct process now;
  text_format(name, sizeof name, "%u", (uint32_t)p->pid);
  bool same = read_process(name, &now) && now.session == p->session && (now.parent == p->parent || now.group == p->group);
  bool sent = same && pidfd_signal(pidfd, signal) == 0;
  close(pidfd);
  return sent;
}

/* A bit each signalled process, beside `seen`, which the scan uses. */
static _Alignas(4096) uint8_t signalled[PID_LIMIT / 8];

static int signal_rounds(const struct tree *tree, int signal, uint32_t *count) {
  *count = 0;
  memset(signalled, 0, sizeof signalled);
  int error = 0;
  for (int round = 0; round < ROUNDS_MAX; round++) {
    uint32_t fresh = 0;
    error = scan(tree);
    if (error != 0) break;
    for (uint32_t n = 0; n < process_count; n++) {
      const struct process *p = &processes[n];
      if (!p->inside || p->zombie || spared(tree, p->pid, signal)) continue;
      uint8_t bit = (uint8_t)(1u << (p->pid & 7));
      bool known = (signalled[p->pid >> 3] & bit) != 0;
      if (known) continue;
      if (!signal_scanned(p, signal)) continue;
      signalled[p->pid >> 3] |= bit;
      fresh++;
      ++*count;
    }
    if (fresh == 0) break;
  }
  (void)!madvise(signalled, sizeof signalled, MADV_DONTNEED);
  give_back();
  return error;
}

/* ---- with a cgroup ---- */

struct sending {
  const struct tree *tree;
  int signal;
  uint32_t fresh;
  uint32_t sent;
};

static int send_one(void *context, pid_t pid) {
  struct sending *s = context;
  if (spared(s->tree, pid, s->signal) || !first_sight(pid)) return 0;
  int pidfd = pidfd_open_process(pid);
  if (pidfd < 0) return 0;
  /* The pid may be another's since it was listed: only a process of the leaf is meant. */
  if (leaf_holds(s->tree->name, pid) && pidfd_signal(pidfd, s->signal) == 0) {
    s->fresh++;
    s->sent++;
  }
  close(pidfd);
  return 0;
}

int tree_signal(const struct tree *tree, int signal, uint32_t *count) {
  if (tree->leaf < 0) return signal_rounds(tree, signal, count);
  struct sending sending = {.tree = tree, .signal = signal};
  int result = 0;
  for (int round = 0; round < ROUNDS_MAX && result == 0; round++) {
    sending.fresh = 0;
    result = leaf_processes(tree->leaf, send_one, &sending);
    if (sending.fresh == 0) break;
  }
  give_back();
  *count = sending.sent;
  return result < 0 ? -result : result;
}

int tree_kill(const struct tree *tree) {
  uint32_t count;
  if (tree->leaf >= 0) {
    int error = tree->one_by_one ? ENOENT : leaf_kill(tree->leaf);
    if (error != ENOENT) return error;
    /* A kernel before 5.14: a frozen tree cannot fork, and SIGKILL reaches frozen tasks. */
    error = leaf_freeze(tree->leaf, true);
    if (error == 0) error = tree_signal(tree, SIGKILL, &count);
    return error;
  }
  int error = signal_rounds(tree, SIGSTOP, &count);
  if (error == 0) error = signal_rounds(tree, SIGKILL, &count);
  return error;
}

int tree_freeze(const struct tree *tree, bool frozen) {
  uint32_t count;
  if (tree->leaf >= 0) return leaf_freeze(tree->leaf, frozen);
  return signal_rounds(tree, frozen ? SIGSTOP : SIGCONT, &count);
}

struct counting {
  uint32_t count;
  pid_t first;
};

static int count_one(void *context, pid_t pid) {
  struct counting *c = context;
  if (c->count++ == 0) c->first = pid;
  return 0;
}

struct group_counting {
  uint32_t count;
  pid_t group;
};

static int count_of_group(void *context, pid_t pid) {
  struct group_counting *c = context;
  if (getpgid(pid) == c->group) c->count++;
  return 0;
}

uint32_t tree_count_group(const struct tree *tree, pid_t group) {
  struct group_counting counting = {.group = group};
  if (tree->leaf >= 0) {
    leaf_processes(tree->leaf, count_of_group, &counting); /* as far as they can be counted */
  } else if (scan(tree) == 0) {
    for (uint32_t n = 0; n < process_count; n++)
      if (processes[n].inside && !processes[n].zombie && processes[n].group == group) counting.count++;
    give_back();
  }
  return counting.count;
}

uint32_t tree_count(const struct tree *tree, pid_t *first) {
  struct counting counting = {0};
  if (tree->leaf >= 0) {
    leaf_processes(tree->leaf, count_one, &counting); /* as far as they can be counted */
  } else if (scan(tree) == 0) {
    for (uint32_t n = 0; n < process_count; n++)
      if (processes[n].inside && !processes[n].zombie) count_one(&counting, processes[n].pid);
    give_back();
  }
  *first = counting.first;
  return counting.count;
}

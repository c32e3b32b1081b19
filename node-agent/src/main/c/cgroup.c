#define _GNU_SOURCE
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base.h"

enum { DEPTH_MAX = 16 }; /* of cgroups that a task makes inside its leaf; each level holds an fd and a buffer */

int leaf_open(int root, const char *name) {
  int fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fd >= 0 ? fd : -errno;
}

int leaf_make(int root, const char *name) {
  if (mkdirat(root, name, 0755) != 0) return -errno;
  int fd = leaf_open(root, name);
  if (fd < 0) unlinkat(root, name, AT_REMOVEDIR); /* the error of the open is the one to tell */
  return fd;
}

bool flat_value(const char *text, const char *key, uint64_t *value) {
  size_t length = strlen(key);
  for (const char *line = text; line != NULL && *line != '\0';) {
    if (strncmp(line, key, length) == 0 && line[length] == ' ') {
      const char *at = line + length + 1;
      return parse_number(&at, value);
    }
    line = strchr(line, '\n');
    if (line != NULL) line++;
  }
  return false;
}

int leaf_populated(int leaf) {
  char text[256];
  ssize_t length = read_file(leaf, "cgroup.events", text, sizeof text);
  if (length < 0) return (int)length;
  uint64_t populated;
  return flat_value(text, "populated", &populated) ? (populated != 0) : -EINVAL;
}

int leaf_kill(int leaf) { return write_file(leaf, "cgroup.kill", "1", 1); }

int leaf_freeze(int leaf, bool frozen) { return write_file(leaf, "cgroup.freeze", frozen ? "1" : "0", 1); }

struct walk {
  int directory;
  int depth;
  int (*each)(void *context, pid_t pid);
  void *context;
};

static int processes_of(const struct walk *walk) {
  char buffer[1024];
  int fd = openat(walk->directory, "cgroup.procs", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT || errno == ENODEV ? 0 : -errno;
  int result = 0;
  uint64_t pid = 0;
  bool digits = false;
  while (result == 0) {
    ssize_t n = read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) result = errno == ENODEV || errno == EOPNOTSUPP ? 0 : -errno; /* removed meanwhile; threaded */
    if (n <= 0) break;
    for (ssize_t at = 0; at < n && result == 0; at++) {
      if (buffer[at] >= '0' && buffer[at] <= '9') {
        pid = pid * 10 + (uint64_t)(buffer[at] - '0');
        digits = true;
      } else if (digits) {
        if (pid > 0 && pid <= INT32_MAX) result = walk->each(walk->context, (pid_t)pid);
        pid = 0;
        digits = false;
      }
    }
  }
  close(fd);
  return result;
}

static int processes_below(const struct walk *walk);

static int processes_child(void *context, const char *name) {
  const struct walk *walk = context;
  struct stat status;
  if (strncmp(name, "cgroup.", 7) == 0 || strchr(name, '.') != NULL) {
    /* Files of controllers have a dot; a cgroup of the task may have one too. */
    if (fstatat(walk->directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(status.st_mode)) return 0;
  }
  int fd = openat(walk->directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return 0; /* no directory, or removed meanwhile */
  struct walk inner = {fd, walk->depth + 1, walk->each, walk->context};
  int result = processes_below(&inner);
  close(fd);
  return result;
}

static int processes_below(const struct walk *walk) {
  int result = processes_of(walk);
  if (result != 0 || walk->depth == DEPTH_MAX) return result;
  return list_directory(walk->directory, processes_child, (void *)walk);
}

int leaf_processes(int leaf, int (*each)(void *context, pid_t pid), void *context) {
  struct walk walk = {leaf, 0, each, context};
  return processes_below(&walk);
}

static int is_wanted(void *context, pid_t pid) { return pid == *(const pid_t *)context; }

int leaf_holds_directly(int leaf, pid_t pid) {
  struct walk walk = {leaf, 0, is_wanted, &pid};
  return processes_of(&walk);
}

struct removal {
  int directory;
  int depth;
};

static int remove_below(int directory, int depth);

static int remove_child(void *context, const char *name) {
  const struct removal *removal = context;
  int fd = openat(removal->directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return 0; /* a file */
  if (removal->depth < DEPTH_MAX) remove_below(fd, removal->depth + 1);
  close(fd);
  if (unlinkat(removal->directory, name, AT_REMOVEDIR) != 0 && errno != ENOENT) return 0; /* the leaf's own removal will tell */
  return 0;
}

static int remove_below(int directory, int depth) {
  struct removal removal = {directory, depth};
  return list_directory(directory, remove_child, &removal);
}

int leaf_remove(int root, const char *name) {
  if (unlinkat(root, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return 0;
  if (errno != EBUSY) return errno;
  int fd = leaf_open(root, name);
  if (fd < 0) return fd == -ENOENT ? 0 : -fd;
  int populated = leaf_populated(fd);
  if (populated == 0) remove_below(fd, 0); /* cgroups that the task made; in use ones are left alone */
  close(fd);
  if (populated != 0) return EBUSY;
  return unlinkat(root, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : errno;
}

bool leaf_holds(const char *name, pid_t pid) {
  char path[40];
  char text[4600];
  text_format(path, sizeof path, "/proc/%u/cgroup", (uint32_t)pid);
  if (read_file(AT_FDCWD, path, text, sizeof text) <= 0) return false;
  const char *line = text;
  while (line != NULL && strncmp(line, "0::", 3) != 0) {
    line = strchr(line, '\n');
    if (line != NULL) line++;
  }
  if (line == NULL) return false;
  size_t length = strlen(name);
  for (const char *p = line + 3; *p != '\0' && *p != '\n'; p++) {
    if (*p == '/' && strncmp(p + 1, name, length) == 0) {
      char after = p[1 + length];
      if (after == '/' || after == '\n' || after == '\0' || after == ' ') return true; /* ' ': "(deleted)" */
    }
  }
  return false;
}

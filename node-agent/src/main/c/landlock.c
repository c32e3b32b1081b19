#define _GNU_SOURCE
#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From linux/landlock.h, which may be older here than the kernel that this runs on. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif
enum { RULE_PATH_BENEATH = 1, CREATE_VERSION = 1 };
enum {
  FS_EXECUTE = 1 << 0,
  FS_WRITE_FILE = 1 << 1,
  FS_READ_FILE = 1 << 2,
  FS_READ_DIR = 1 << 3,
  FS_REFER = 1 << 13,     /* version 2 */
  FS_TRUNCATE = 1 << 14,  /* version 3 */
  FS_IOCTL_DEV = 1 << 15, /* version 5 */
  FS_FIRST = (1 << 13) - 1,
  FS_OF_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV,
};

struct ruleset {
  uint64_t handled_fs;
};

struct path_beneath {
  uint64_t allowed;
  int32_t parent;
} __attribute__((packed));

int landlock_version(void) {
  long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
  return version > 0 ? (int)version : 0;
}

static uint64_t known_to(int version) {
  uint64_t known = FS_FIRST;
  if (version >= 2) known |= FS_REFER;
  if (version >= 3) known |= FS_TRUNCATE;
  if (version >= 5) known |= FS_IOCTL_DEV;
  return known;
}

static int add_rule(int set, const struct request_rule *rule, uint64_t known) {
  struct stat status;
  struct path_beneath beneath = {.parent = open(rule->path, O_PATH | O_CLOEXEC)};
  if (beneath.parent < 0) return errno;
  int error = fstat(beneath.parent, &status) == 0 ? 0 : errno;
  beneath.allowed = rule->access == 2 ? known : (FS_EXECUTE | FS_READ_FILE | FS_READ_DIR) & known;
  if (error == 0 && !S_ISDIR(status.st_mode)) beneath.allowed &= FS_OF_FILES;
  if (error == 0 && syscall(SYS_landlock_add_rule, set, RULE_PATH_BENEATH, &beneath, 0) != 0) error = errno;
  close(beneath.parent);
  return error;
}

int landlock_apply(const struct request_rule *rules, uint32_t count, uint32_t *index) {
  int version = landlock_version();
  *index = LANDLOCK_WHOLE;
  if (version == 0) return EOPNOTSUPP;
  struct ruleset handled = {known_to(version)};
  long set = syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
  if (set < 0) return errno;
  int error = 0;
  for (uint32_t n = 0; n < count && error == 0; n++) {
    *index = n;
    error = add_rule((int)set, &rules[n], handled.handled_fs);
  }
  if (error == 0) {
    *index = LANDLOCK_WHOLE;
    if (syscall(SYS_landlock_restrict_self, set, 0) != 0) error = errno;
  }
  close((int)set);
  return error;
}

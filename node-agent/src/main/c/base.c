#define _GNU_SOURCE
#include "base.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t clock_now(clockid_t clock) {
  struct timespec t;
  if (clock_gettime(clock, &t) != 0) return 0; /* cannot happen: both clocks exist since Linux 2.6.39 */
  return (uint64_t)t.tv_sec * NANOS_PER_SECOND + (uint64_t)t.tv_nsec;
}

uint64_t boottime_now(void) { return clock_now(CLOCK_BOOTTIME); }

uint64_t realtime_now(void) { return clock_now(CLOCK_REALTIME); }

struct text {
  char *buffer;
  size_t size;
  size_t length;
};

static void put_char(struct text *t, char c) {
  if (t->length + 1 < t->size) t->buffer[t->length++] = c;
  else t->length = t->size; /* sticky: too long */
}

static void put_text(struct text *t, const char *s) {
  while (*s != '\0') put_char(t, *s++);
}

static void put_decimal(struct text *t, uint64_t v) {
  char digits[20];
  size_t n = 0;
  do {
    digits[n++] = (char)('0' + v % 10);
    v /= 10;
  } while (v != 0);
  while (n > 0) put_char(t, digits[--n]);
}

static void put_hex(struct text *t, uint64_t v, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) put_char(t, "0123456789abcdef"[v >> shift & 15]);
}

size_t text_format_list(char *buffer, size_t size, const char *format, va_list list) {
  struct text t = {buffer, size, 0};
  for (const char *f = format; *f != '\0'; f++) {
    if (*f != '%') {
      put_char(&t, *f);
      continue;
    }
    switch (*++f) {
      case 's': put_text(&t, va_arg(list, const char *)); break;
      case 'u': put_decimal(&t, va_arg(list, uint32_t)); break;
      case 'l': put_decimal(&t, va_arg(list, uint64_t)); break;
      case 'x': put_hex(&t, va_arg(list, uint32_t), 8); break;
      case 'X': put_hex(&t, va_arg(list, uint64_t), 16); break;
      case 'e': {
        int error = va_arg(list, int);
        const char *words = strerrordesc_np(error);
        put_text(&t, words != NULL ? words : "unknown error");
        break;
      }
      default: put_char(&t, '%'); f--; break;
    }
  }
  size_t end = t.length < size ? t.length : size - 1;
  buffer[end] = '\0';
  return t.length;
}

size_t text_format(char *buffer, size_t size, const char *format, ...) {
  va_list list;
  va_start(list, format);
  size_t length = text_format_list(buffer, size, format, list);
  va_end(list);
  return length;
}

void complain(const char *format, ...) {
  char line[768];
  size_t head = text_format(line, sizeof line, "orch-launcher: ");
  va_list list;
  va_start(list, format);
  size_t length = head + text_format_list(line + head, sizeof line - head - 1, format, list);
  va_end(list);
  if (length > sizeof line - 2) length = sizeof line - 2;
  line[length++] = '\n';
  /* Nothing can be done if stderr is gone. */
  ssize_t written = write(STDERR_FILENO, line, length);
  (void)written;
}

ssize_t read_file(int directory, const char *path, char *buffer, size_t size) {
  int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  size_t length = 0;
  while (length + 1 < size) {
    ssize_t n = read(fd, buffer + length, size - 1 - length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      int error = errno;
      close(fd);
      return -error;
    }
    if (n == 0) break;
    length += (size_t)n;
  }
  buffer[length] = '\0';
  close(fd);
  return (ssize_t)length;
}

int write_file(int directory, const char *path, const void *value, size_t length) {
  int fd = openat(directory, path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  ssize_t n;
  do {
    n = write(fd, value, length);
  } while (n < 0 && errno == EINTR);
  int error = n < 0 ? errno : (size_t)n == length ? 0 : EIO;
  if (close(fd) != 0 && error == 0) error = errno;
  return error;
}

bool parse_number(const char **at, uint64_t *value) {
  const char *p = *at;
  uint64_t v = 0;
  if (*p < '0' || *p > '9') return false;
  for (; *p >= '0' && *p <= '9'; p++) {
    uint64_t digit = (uint64_t)(*p - '0');
    if (v > (UINT64_MAX - digit) / 10) return false;
    v = v * 10 + digit;
  }
  *at = p;
  *value = v;
  return true;
}

uint64_t process_start(pid_t pid) {
  char path[32];
  char stat[1024];
  text_format(path, sizeof path, "/proc/%u/stat", (uint32_t)pid);
  if (read_file(AT_FDCWD, path, stat, sizeof stat) <= 0) return 0;
  const char *p = strrchr(stat, ')'); /* the name before it may hold anything */
  for (int field = 2; p != NULL && field < 22; field++) {
    p = strchr(p + 1, ' ');
  }
  uint64_t start;
  if (p == NULL) return 0;
  p++;
  return parse_number(&p, &start) ? start : 0;
}

int lock_file(int fd) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
  if (fcntl(fd, F_OFD_SETLK, &lock) == 0) return 0;
  return errno == EACCES ? EAGAIN : errno;
}

bool lock_held(int fd) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
  return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

int read_boot_id(uint8_t boot_id[16]) {
  char text[64];
  ssize_t length = read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", text, sizeof text);
  if (length < 0) return (int)-length;
  size_t n = 0;
  for (const char *p = text; n < 32 && *p != '\0' && *p != '\n'; p++) {
    if (*p == '-') continue;
    int digit = hex_digit(*p);
    if (digit < 0) return EINVAL;
    boot_id[n / 2] = (uint8_t)(n % 2 == 0 ? digit << 4 : boot_id[n / 2] | digit);
    n++;
  }
  return n == 32 ? 0 : EINVAL;
}

int list_directory(int directory, int (*each)(void *context, const char *name), void *context) {
  _Alignas(8) char buffer[2048];
  if (lseek(directory, 0, SEEK_SET) < 0) return errno;
  for (;;) {
    long n = syscall(SYS_getdents64, directory, buffer, sizeof buffer);
    if (n < 0) return errno;
    if (n == 0) return 0;
    for (long at = 0; at < n;) {
      const struct dirent64 *entry = (const struct dirent64 *)(buffer + at);
      at += entry->d_reclen;
      const char *name = entry->d_name;
      if (name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'))) continue;
      int result = each(context, name);
      if (result != 0) return result;
    }
  }
}

int pidfd_open_process(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int pidfd_signal(int pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) == 0 ? 0 : errno;
}

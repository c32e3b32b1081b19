/* Small things that every part uses: clocks, text without stdio, files read and written in one call, messages for people. */
#ifndef ORCH_BASE_H
#define ORCH_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NANOS_PER_MILLI UINT64_C(1000000)
#define NANOS_PER_SECOND UINT64_C(1000000000)

uint64_t boottime_now(void);
uint64_t realtime_now(void);

/*
 * Writes text into `buffer`, always NUL-ended; returns its length, or `size` if it did not fit.
 * %s text, %u uint32_t, %l uint64_t, %x uint32_t as 8 hex digits, %X uint64_t as 16 hex digits, %e an errno as words.
 */
size_t text_format(char *buffer, size_t size, const char *format, ...);
size_t text_format_list(char *buffer, size_t size, const char *format, va_list list);

/* One sentence to stderr, in the same format. */
void complain(const char *format, ...);

/* Reads a small file into `buffer`, NUL-ended. Returns its length or -errno; what does not fit is left out. */
ssize_t read_file(int directory, const char *path, char *buffer, size_t size);

/* Writes the whole value by one write(2). Returns 0 or an errno; a short write is EIO. */
int write_file(int directory, const char *path, const void *value, size_t length);

/* Field 22 of /proc/PID/stat; 0 if there is no such process. */
uint64_t process_start(pid_t pid);

/* Reads a decimal number and moves `at` behind it; false if there is none or it does not fit. */
bool parse_number(const char **at, uint64_t *value);

/* Takes a write lock on byte 0 that belongs to the open file description; 0 or an errno (EAGAIN: held elsewhere). */
int lock_file(int fd);

/* True if somebody holds that lock. The own description must not. */
bool lock_held(int fd);

/* The 16 bytes of this boot's id; 0 or an errno. */
int read_boot_id(uint8_t boot_id[16]);

/* Calls `each` for every name but "." and ".." of an open directory, from its start; stops at and returns the first non-zero result. */
int list_directory(int directory, int (*each)(void *context, const char *name), void *context);

int pidfd_open_process(pid_t pid);
int pidfd_signal(int pidfd, int signal);

#endif

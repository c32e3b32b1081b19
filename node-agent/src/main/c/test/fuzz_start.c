/*
 * The entry of a fuzzer on the parser of START, in libFuzzer's form: with clang, `-fsanitize=fuzzer` and parse.c, base.c it is one. Here
 * fuzz.c drives it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern unsigned long long fuzz_taken; /* inputs that were a START */
unsigned long long fuzz_taken;

static struct request request;
static const char *begin, *end;

static void must(int condition, const char *what) {
  if (condition) return;
  fprintf(stderr, "a START was taken whose %s\n", what);
  abort();
}

/* Every text that the parser hands out ends inside the body. */
static void inside(const char *text, const char *what) {
  if (text == NULL) return;
  must(text >= begin && text < end && memchr(text, '\0', (size_t)(end - text)) != NULL, what);
}

static void list_inside(const char *const *list, uint32_t count, uint32_t room, const char *what) {
  must(count <= room && list[count] == NULL, what);
  for (uint32_t n = 0; n < count; n++) inside(list[n], what);
}

static void array_inside(const void *array, size_t length, const char *what) {
  if (array == NULL) return;
  const char *at = array;
  must(at >= begin && length <= (size_t)(end - at) && (uintptr_t)at % 4 == 0, what);
}

static void check_taken(void) {
  const struct request *r = &request;
  list_inside(r->argv, r->argc, REQUEST_STRINGS, "argv is not inside its body");
  list_inside(r->env, r->envc, REQUEST_STRINGS, "env is not inside its body");
  if (r->pre_stops > 0) list_inside(r->pre_stop, r->pre_stops, REQUEST_PRE_STOP, "pre-stop command is not inside its body");
  const char *const paths[] = {r->cwd, r->in, r->out, r->err, r->task_dir, r->path};
  for (size_t n = 0; n < sizeof paths / sizeof paths[0]; n++) inside(paths[n], "paths are not inside its body");
  must(r->limits <= REQUEST_LIMITS && r->rlimits <= REQUEST_RLIMITS && r->rules <= REQUEST_RULES, "limits have no room");
  for (uint32_t n = 0; n < r->limits; n++) {
    inside(r->limit[n].file, "limits are not inside its body");
    inside(r->limit[n].value, "limits are not inside its body");
    must(strlen(r->limit[n].value) == r->limit[n].length && strchr(r->limit[n].file, '/') == NULL && r->limit[n].file[0] != '.', "limits lead out of the leaf");
  }
  for (uint32_t n = 0; n < r->rules; n++) {
    inside(r->rule[n].path, "path rules are not inside its body");
    must(r->rule[n].access >= 1 && r->rule[n].access <= 2, "path rules have no access");
  }
  array_inside(r->groups, r->group_count * sizeof(uint32_t), "groups are not inside its body");
  array_inside(r->filter, r->filter_length * sizeof(struct sock_filter), "filter is not inside its body");
  must(r->group_count <= REQUEST_GROUPS && r->filter_length <= REQUEST_FILTER, "groups or filter have no room");
  must(r->fds <= ORCH_PASSED_FDS_MAX, "fds have no room");
  for (uint32_t n = 0; n < r->fds; n++) must(r->fd[n] <= 63, "fds have too high numbers");
  must(memchr(r->leaf, '\0', sizeof r->leaf) != NULL && r->leaf[0] != '\0' && strchr(r->leaf, '/') == NULL && r->leaf[0] != '.', "leaf leads elsewhere");
  must(memchr(r->name, '\0', sizeof r->name) != NULL, "name has no end");
  must(r->argc > 0 && r->argv[0][0] != '\0', "command is empty");
  must((r->fixed.flags & ORCH_S_WAIT) == 0 || (r->fixed.flags & ORCH_S_PID_NAMESPACE) == 0, "namespace is to wait");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  /* Exactly as long as it is, so that ASan sees a read behind it. */
  char *body = malloc(size > 0 ? size : 1);
  if (body == NULL) return 0;
  if (size > 0) memcpy(body, data, size);
  begin = body;
  end = body + size;
  struct parse_error e = parse_start(body, size, &request);
  if (e.code == 0) check_taken();
  else must(e.text != NULL && (e.code == ORCH_REFUSED_MALFORMED || e.code == ORCH_REFUSED_LIMIT), "refusal has no sentence");
  if (size >= sizeof(struct orch_header)) {
    struct orch_header header;
    memcpy(&header, body, sizeof header);
    (void)check_header(&header, size);
  }
  free(body);
  if (e.code == 0) fuzz_taken++;
  return 0;
}

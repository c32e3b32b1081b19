/* Path rules of a request, kept by Landlock. In the child, with the rights of the task's user. */
#ifndef ORCH_LANDLOCK_H
#define ORCH_LANDLOCK_H

#include "parse.h"

enum { LANDLOCK_WHOLE = 65535 };

/* Version of the kernel's Landlock; 0 if it has none. */
int landlock_version(void);

/* Closes to the calling thread all that no rule opens. 0, or an errno with the rule in `index` (LANDLOCK_WHOLE: none of them). */
int landlock_apply(const struct request_rule *rules, uint32_t count, uint32_t *index);

#endif

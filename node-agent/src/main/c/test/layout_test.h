#ifndef ORCH_LAYOUT_TEST_H
#define ORCH_LAYOUT_TEST_H

/* Returns how many structures agree; ends the program at the first that does not. */
unsigned layout_test(const char *header_path, const char *document_path);

#endif

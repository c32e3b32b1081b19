/* Every table of docs/launcher-protocol.md agrees with the headers of the protocol: the structures are read from their own lines. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "layout_test.h"

static char *load(const char *path) {
  FILE *f = fopen(path, "r");
  if (f == NULL) die("cannot read %s", path);
  char *text = malloc(1 << 20);
  if (text == NULL) die("no memory");
  size_t n = fread(text, 1, (1 << 20) - 1, f);
  text[n] = '\0';
  fclose(f);
  return text;
}

static unsigned size_of(const char *type, const char **shown) {
  static const struct {
    const char *type, *shown;
    unsigned size;
  } types[] = {{"uint8_t", "u8", 1},   {"uint16_t", "u16", 2}, {"uint32_t", "u32", 4},        {"int32_t", "i32", 4},
               {"uint64_t", "u64", 8}, {"char", "char", 1},    {"struct orch_uid", "uid", 16}};
  for (size_t n = 0; n < sizeof types / sizeof types[0]; n++) {
    if (strcmp(types[n].type, type) != 0) continue;
    *shown = types[n].shown;
    return types[n].size;
  }
  die("a header has a field of type %s", type);
}

static char *trimmed(char *text) {
  char *end = text + strlen(text);
  while (end > text && (end[-1] == ' ' || end[-1] == '\n')) *--end = '\0';
  while (*text == ' ') text++;
  return text;
}

unsigned layout_test(const char *header_path, const char *document_path) {
  char *header = load(header_path), *document = load(document_path);
  unsigned structures = 0, offset = 0;
  bool inside = false;
  char *rest = header, *table = malloc(65536);
  if (table == NULL) die("no memory");
  for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
    char name[64], type[64], field[64], shown[96];
    unsigned array = 0;
    if (sscanf(line, "struct orch_%63s {", name) == 1 && strchr(line, '{') != NULL) {
      inside = true;
      offset = 0;
      strcpy(table, "| Offset | Type | Field | Meaning |\n|---|---|---|---|\n");
      continue;
    }
    if (!inside) continue;
    if (strncmp(line, "};", 2) == 0) {
      sprintf(table + strlen(table), "\nSize %u.\n", offset);
      if (strstr(document, table) == NULL) die("%s does not have this table of struct orch_%s:\n%s", document_path, name, table);
      inside = false;
      structures++;
      continue;
    }
    char *comment = strstr(line, "//"), *semicolon = strchr(line, ';');
    if (comment == NULL || semicolon == NULL) die("a field without a meaning: %s", line);
    *semicolon = '\0';
    char *code = trimmed(line), *space = strrchr(code, ' ');
    *space = '\0';
    strcpy(type, trimmed(code));
    strcpy(field, space + 1);
    char *bracket = strchr(field, '[');
    if (bracket != NULL) {
      array = (unsigned)strtoul(bracket + 1, NULL, 10);
      *bracket = '\0';
    }
    const char *short_type;
    unsigned size = size_of(type, &short_type);
    if (array > 0) snprintf(shown, sizeof shown, "%s[%u]", short_type, array);
    else snprintf(shown, sizeof shown, "%s", short_type);
    sprintf(table + strlen(table), "| %u | %s | %s | %s |\n", offset, shown, field, trimmed(comment + 2));
    offset += size * (array > 0 ? array : 1);
  }
  free(table);
  free(header);
  free(document);
  return structures;
}

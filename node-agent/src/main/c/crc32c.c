#include "crc32c.h"

#include <stdbool.h>
#include <string.h>

static uint32_t remainders[256];
static bool fast;

void crc32c_init(void) {
  for (uint32_t n = 0; n < 256; n++) {
    uint32_t r = n;
    for (int bit = 0; bit < 8; bit++) r = r & 1 ? r >> 1 ^ 0x82F63B78u : r >> 1;
    remainders[n] = r;
  }
#if defined(__x86_64__)
  __builtin_cpu_init();
  fast = __builtin_cpu_supports("sse4.2") != 0;
#endif
}

uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t length) {
  const uint8_t *p = bytes;
  crc = ~crc;
  while (length-- > 0) crc = crc >> 8 ^ remainders[(crc ^ *p++) & 255];
  return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_fast(uint32_t crc, const void *bytes, size_t length) {
  const uint8_t *p = bytes;
  uint64_t c = ~crc;
  for (; length >= 8; length -= 8, p += 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    c = __builtin_ia32_crc32di(c, word);
  }
  uint32_t r = (uint32_t)c;
  while (length-- > 0) r = __builtin_ia32_crc32qi(r, *p++);
  return ~r;
}
#endif

uint32_t crc32c(uint32_t crc, const void *bytes, size_t length) {
#if defined(__x86_64__)
  if (fast) return crc32c_fast(crc, bytes, length);
#endif
  return crc32c_portable(crc, bytes, length);
}

/* CRC32C (Castagnoli): reflected, start and final xor 0xFFFFFFFF. */
#ifndef ORCH_CRC32C_H
#define ORCH_CRC32C_H

#include <stddef.h>
#include <stdint.h>

void crc32c_init(void);

/* `crc` is 0 to begin, or the result for the bytes before. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t length);

/* Without the processor's instruction; for tests. */
uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t length);

#endif

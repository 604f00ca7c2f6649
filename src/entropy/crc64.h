/*
 * crc64 - the checksum of RDB files and DUMP payloads: CRC-64 with Jones's polynomial, reflected,
 * from zero and without a final inversion.
 *
 * Any thread.
 */
#ifndef ENTROPY_CRC64_H
#define ENTROPY_CRC64_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The checksum crc (0 at the beginning) extended by len bytes.  It does not depend on how the bytes
 * are split into calls.  Any thread.
 */
uint64_t crc64_update(uint64_t crc, const void *bytes, size_t len);

#ifdef __cplusplus
}
#endif

#endif

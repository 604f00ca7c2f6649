/*
 * process - memory, uptime and descriptors of this process.  Any thread.
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Resident memory in bytes; 0 when unknown. */
uint64_t process_resident_bytes(void);

/* Seconds since the process started; 0 when unknown. */
int64_t process_uptime_s(void);

/* Raise the limit on descriptors to the hard limit.  Returns the new limit. */
size_t process_raise_descriptors(void);

#ifdef __cplusplus
}
#endif

#endif

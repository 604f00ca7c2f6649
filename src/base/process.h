/*
 * process - what the system tells of this process.  Any thread.
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Memory that is in use, in bytes; 0 when it cannot be told. */
uint64_t process_resident_bytes(void);

/* Seconds since the process began; 0 when it cannot be told. */
int64_t process_uptime_s(void);

/* Raise the limit on descriptors to what the system allows.  Returns how many this process may have
 * then. */
size_t process_raise_descriptors(void);

#ifdef __cplusplus
}
#endif

#endif

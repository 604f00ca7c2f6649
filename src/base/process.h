/*
 * process - what the system tells of this process.  Any thread.
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stddef.h>
#include <stdint.h>

/* Memory that is in use, in bytes; 0 when it cannot be told. */
uint64_t process_resident_bytes(void);

/* How many descriptors this process may have, after raising the limit to what the system allows. */
size_t process_descriptors_max(void);

#endif

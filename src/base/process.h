/*
 * process - what the system tells of this process.  Any thread.
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdint.h>

/* Memory that is in use, in bytes; 0 when it cannot be told. */
uint64_t process_resident_bytes(void);

#endif

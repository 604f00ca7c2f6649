/*
 * snapshot - what a sink reads: a complete, checked snapshot.  One thread at a time.
 */
#ifndef ENTROPY_SNAPSHOT_H
#define ENTROPY_SNAPSHOT_H

#include "entropy/dynentropy.h"
#include "entropy/spool.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dyn_entropy_snapshot {
	struct spool *spool; /* borrowed; NULL when nothing was kept (never_reads) */
	uint32_t len;
	int64_t began_ms; /* monotonic: when its connection was accepted */
};

#ifdef __cplusplus
}
#endif

#endif

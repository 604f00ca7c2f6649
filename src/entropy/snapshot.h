/*
 * snapshot - what a sink reads: a spool that is complete and checked.
 */
#ifndef ENTROPY_SNAPSHOT_H
#define ENTROPY_SNAPSHOT_H

#include "entropy/dynentropy.h"
#include "entropy/spool.h"

struct dyn_entropy_snapshot {
	struct spool *spool; /* borrowed; NULL when nothing was kept (never_reads) */
	uint32_t len;
};

#endif

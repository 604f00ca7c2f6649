#include "entropy/snapshot.h"

uint32_t dyn_entropy_snapshot_len(const dyn_entropy_snapshot *s)
{
	return s->len;
}

int64_t dyn_entropy_snapshot_began_ms(const dyn_entropy_snapshot *s)
{
	return s->began_ms;
}

enum dyn_entropy_status dyn_entropy_snapshot_read(
	dyn_entropy_snapshot *s, void *buf, size_t cap, size_t *len, struct dyn_entropy_error *err)
{
	*len = 0;
	return s->spool ? spool_read(s->spool, buf, cap, len, err) : DYN_ENTROPY_OK;
}

enum dyn_entropy_status dyn_entropy_snapshot_rewind(
	dyn_entropy_snapshot *s, struct dyn_entropy_error *err)
{
	(void)err;
	if (s->spool)
		spool_rewind(s->spool);
	return DYN_ENTROPY_OK;
}

#include "entropy/dynentropy.h"
#include "entropy/error.h"
#include "entropy/sized.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* What these sinks count. */
static const struct dyn_entropy_apply_result nothing;

/* memory: the last snapshot. */
struct memory {
	pthread_mutex_t lock;
	uint8_t *bytes;
	size_t len;
};

static enum dyn_entropy_status memory_apply(void *self, dyn_entropy_snapshot *snapshot,
	struct dyn_entropy_apply_result *result, struct dyn_entropy_error *err)
{
	struct memory *m = self;
	size_t len = dyn_entropy_snapshot_len(snapshot);
	uint8_t *bytes = malloc(len ? len : 1);
	size_t at = 0;

	sized_out(result, &nothing, sizeof(nothing));
	if (!bytes)
		return error_no_memory(err);
	while (at < len) {
		size_t n = 0;
		enum dyn_entropy_status status =
			dyn_entropy_snapshot_read(snapshot, bytes + at, len - at, &n, err);

		if (status != DYN_ENTROPY_OK) {
			free(bytes);
			return status;
		}
		at += n;
	}
	pthread_mutex_lock(&m->lock);
	free(m->bytes);
	m->bytes = bytes;
	m->len = len;
	pthread_mutex_unlock(&m->lock);
	return DYN_ENTROPY_OK;
}

static void memory_free(void *self)
{
	struct memory *m = self;

	pthread_mutex_destroy(&m->lock);
	free(m->bytes);
	free(m);
}

static const struct dyn_entropy_sink_ops memory_ops = {
	.struct_size = sizeof(memory_ops), .apply = memory_apply, .free = memory_free};

enum dyn_entropy_status dyn_entropy_sink_memory(
	struct dyn_entropy_sink *out, struct dyn_entropy_error *err)
{
	struct memory *m = calloc(1, sizeof(*m));

	if (!m)
		return error_no_memory(err);
	pthread_mutex_init(&m->lock, NULL);
	out->ops = &memory_ops;
	out->self = m;
	return DYN_ENTROPY_OK;
}

enum dyn_entropy_status dyn_entropy_sink_memory_copy(
	const struct dyn_entropy_sink *s, void **bytes, size_t *len, struct dyn_entropy_error *err)
{
	struct memory *m = s->self;

	pthread_mutex_lock(&m->lock);
	*len = m->len;
	*bytes = malloc(m->len ? m->len : 1);
	if (*bytes && m->len)
		memcpy(*bytes, m->bytes, m->len);
	pthread_mutex_unlock(&m->lock);
	return *bytes ? DYN_ENTROPY_OK : error_no_memory(err);
}

/* discard: nothing to keep. */
static enum dyn_entropy_status discard_apply(void *self, dyn_entropy_snapshot *snapshot,
	struct dyn_entropy_apply_result *result, struct dyn_entropy_error *err)
{
	(void)self;
	(void)snapshot;
	(void)err;
	sized_out(result, &nothing, sizeof(nothing));
	return DYN_ENTROPY_OK;
}

static void discard_free(void *self)
{
	(void)self;
}

static const struct dyn_entropy_sink_ops discard_ops = {
	.struct_size = sizeof(discard_ops),
	.apply = discard_apply,
	.free = discard_free,
	.never_reads = true,
};

enum dyn_entropy_status dyn_entropy_sink_discard(
	struct dyn_entropy_sink *out, struct dyn_entropy_error *err)
{
	(void)err;
	out->ops = &discard_ops;
	out->self = NULL;
	return DYN_ENTROPY_OK;
}

void dyn_entropy_sink_free(struct dyn_entropy_sink *s)
{
	if (s->ops)
		s->ops->free(s->self);
	memset(s, 0, sizeof(*s));
}

#include "entropy/source.h"

#include "entropy/error.h"
#include "entropy/sized.h"

#include <stdlib.h>
#include <string.h>

static enum dyn_entropy_status source_next(
	void *self, uint32_t *len_bytes, struct dyn_entropy_error *err)
{
	struct source *s = self;

	*len_bytes = 0;
	s->keys += s->segment.keys;
	s->bytes += spool_len(s->segment.spool);
	segment_clear(&s->segment);
	if (s->status == DYN_ENTROPY_OK)
		s->status = s->kind->fill(s, &s->error);
	if (s->status != DYN_ENTROPY_OK && s->status != DYN_ENTROPY_END) {
		/* The segment holds whole keys, but not all: do not send it as complete. */
		segment_clear(&s->segment);
		return error_set(err, s->status, "%s", s->error.message);
	}
	if (s->segment.keys == 0)
		return DYN_ENTROPY_END;
	*len_bytes = (uint32_t)spool_len(s->segment.spool);
	return DYN_ENTROPY_OK;
}

static enum dyn_entropy_status source_read(
	void *self, void *buf, size_t cap, size_t *len, struct dyn_entropy_error *err)
{
	struct source *s = self;

	return spool_read(s->segment.spool, buf, cap, len, err);
}

static void source_totals(void *self, struct dyn_entropy_source_totals *out)
{
	struct source *s = self;
	struct dyn_entropy_source_totals totals = {
		.keys = s->keys + s->segment.keys,
		.bytes = s->bytes + spool_len(s->segment.spool),
	};

	s->kind->totals(s, &totals);
	sized_out(out, &totals, sizeof(totals));
}

static void source_set_tick(void *self, void (*tick)(void *arg), void *arg)
{
	struct source *s = self;

	s->watch.tick = tick;
	s->watch.tick_arg = arg;
}

static void source_discard(void *self)
{
	struct source *s = self;

	s->kind->fini(s);
	segment_fini(&s->segment);
	free(s);
}

static enum dyn_entropy_status take_options(struct dyn_entropy_source_options *to,
	const struct dyn_entropy_source_options *from, struct dyn_entropy_error *err)
{
	to->struct_size = sizeof(*to);
	return from ? sized_in(to, sizeof(*to), from, "dyn_entropy_source_options", err)
		    : DYN_ENTROPY_OK;
}

enum dyn_entropy_status source_init(struct source *s, const struct source_kind *kind,
	const struct dyn_entropy_source_options *options, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = take_options(&s->options, options, err);

	s->kind = kind;
	s->watch.cancel = s->options.cancel;
	if (status == DYN_ENTROPY_OK)
		status = segment_init(&s->segment, &s->options, &s->watch, err);
	return status;
}

enum dyn_entropy_status source_open(
	struct source *s, enum dyn_entropy_status status, struct dyn_entropy_source *out)
{
	static const struct dyn_entropy_source_ops ops = {
		.struct_size = sizeof(ops),
		.next = source_next,
		.read = source_read,
		.totals = source_totals,
		.free = source_discard,
		.set_tick = source_set_tick,
	};

	memset(out, 0, sizeof(*out));
	s->options.spool_dir = NULL; /* the caller's */
	if (status != DYN_ENTROPY_OK) {
		source_discard(s);
		return status;
	}
	out->ops = &ops;
	out->self = s;
	return DYN_ENTROPY_OK;
}

enum dyn_entropy_status source_take_redis(struct dyn_entropy_redis *endpoint,
	struct dyn_entropy_source_options *o, const struct dyn_entropy_redis *redis,
	const struct dyn_entropy_source_options *options, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status =
		sized_in(endpoint, sizeof(*endpoint), redis, "dyn_entropy_redis", err);

	memset(o, 0, sizeof(*o));
	if (status == DYN_ENTROPY_OK)
		status = take_options(o, options, err);
	if (o->cancel)
		endpoint->cancel = o->cancel;
	o->cancel = endpoint->cancel;
	return status;
}

void dyn_entropy_source_free(struct dyn_entropy_source *s)
{
	if (s->ops)
		s->ops->free(s->self);
	memset(s, 0, sizeof(*s));
}

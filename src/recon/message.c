#include "recon/message_internal.h"

#include <stdlib.h>

#define NO_TYPE      SIZE_MAX
#define EPOCH_BYTES  21 /* of a HELLO */
#define ENTRY_BYTES  33 /* of a SIDE */
#define SUM_BYTES    13 /* of a SETTLE */
#define BUCKET_BYTES 12 /* of BUCKETS */

/* ---- Frames ---- */

static size_t body_max(enum recon_type type)
{
	switch (type) {
	case RECON_HELLO:
		return 1 + 1 + 1 + 32 + 12 + 1 + RECON_NAME_MAX + 4 +
		       RECON_EPOCHS_MAX * EPOCH_BYTES;
	case RECON_PLAN:
		return 1 + 1 + 4 + RECON_EPOCHS_MAX * 4;
	case RECON_LIST:
		return 1 + 4 + RECON_LIST_MAX * 8;
	case RECON_NEED:
		return 1 + 4 + RECON_LIST_MAX * 8 + 4 + RECON_NAMES_MAX + 4 + RECON_KEY_MAX;
	case RECON_ASK:
		return 4 + RECON_KEY_MAX;
	case RECON_SIDE:
	case RECON_TAKE:
		return 4 + 2 + 12 + 16 + 4 + 4 + RECON_CHAIN_MAX * ENTRY_BYTES;
	case RECON_GIVE:
	case RECON_DROP:
		return 4;
	case RECON_CONTENT:
		return 4 + RECON_PIECE_MAX;
	case RECON_ANSWER:
		return 4 + 1;
	case RECON_SETTLE:
	case RECON_SETTLED:
		return 1 + 1 + 4 + RECON_EPOCHS_MAX * SUM_BYTES;
	case RECON_BUCKETS:
		return 4 + 1 + 4 + RECON_BUCKETS_MAX * BUCKET_BYTES;
	case RECON_DIFFER:
	case RECON_PART:
		return 1 + 4 + RECON_LIST_MAX * 4;
	case RECON_BYE:
		return 1;
	case RECON_WAITING:
		return 0;
	}
	return NO_TYPE;
}

enum recon_next recon_frame_next(const uint8_t *bytes, size_t len, struct recon_frame *frame)
{
	size_t max, body;

	if (len < RECON_HEADER_BYTES)
		return RECON_NEXT_MORE;
	body = (size_t)number_at(bytes, 4);
	frame->type = (enum recon_type)bytes[4];
	max = body_max(frame->type);
	if (max == NO_TYPE || body > max)
		return RECON_NEXT_BAD;
	if (len - RECON_HEADER_BYTES < body)
		return RECON_NEXT_MORE;
	frame->body = bytes + RECON_HEADER_BYTES;
	frame->len = body;
	return RECON_NEXT_OK;
}

struct writer recon_frame_begin(struct buf *to, enum recon_type type, size_t body_bytes)
{
	struct writer w = {buf_reserve(to, RECON_HEADER_BYTES + body_bytes)};

	if (!w.at)
		return w;
	buf_commit(to, RECON_HEADER_BYTES + body_bytes);
	put_u32(&w, (uint32_t)body_bytes);
	put_u8(&w, type);
	return w;
}

uint32_t recon_u32_at(const struct recon_numbers *l, size_t i)
{
	return (uint32_t)number_at(l->raw + i * 4, 4);
}

uint64_t recon_u64_at(const struct recon_numbers *l, size_t i)
{
	return number_at(l->raw + i * 8, 8);
}

/* ---- HELLO, PLAN ---- */

bool recon_put_hello(struct buf *to, const struct recon_hello *h)
{
	size_t name_len = strlen(h->name);
	struct writer w = recon_frame_begin(to, RECON_HELLO,
		1 + 1 + 1 + 32 + 12 + 1 + name_len + 4 + h->n_epochs * EPOCH_BYTES);

	if (!w.at)
		return false;
	put_u8(&w, RECON_VERSION);
	put_u8(&w, h->standing);
	put_u8(&w, h->wants_full);
	put_u64(&w, h->node);
	put_u64(&w, h->share);
	put_u64(&w, h->incarnation);
	put_u64(&w, h->clock_ms);
	put_u32(&w, h->forgotten);
	put_u32(&w, h->horizon);
	put_u32(&w, h->closed);
	put_u8(&w, (unsigned)name_len);
	put_raw(&w, h->name, name_len);
	put_u32(&w, (uint32_t)h->n_epochs);
	for (size_t i = 0; i < h->n_epochs; i++) {
		const struct recon_hello_epoch *e = &h->epochs[i];

		put_u32(&w, e->epoch);
		put_u32(&w, e->n_entries);
		put_u32(&w, e->n_mixed);
		put_u64(&w, e->sum);
		put_u8(&w, (e->is_settled ? 1 : 0) | (e->is_settled_with_all ? 2 : 0));
	}
	return true;
}

static bool get_name(struct reader *r, char *name)
{
	size_t len = take_u8(r);
	const uint8_t *at = len <= RECON_NAME_MAX ? take(r, len) : NULL;

	if (!at || memchr(at, 0, len))
		return false;
	memcpy(name, at, len);
	name[len] = 0;
	return true;
}

static bool get_hello_epochs(struct reader *r, struct recon_hello *h)
{
	size_t n = take_count(r, RECON_EPOCHS_MAX, EPOCH_BYTES);

	h->epochs = calloc(n ? n : 1, sizeof(*h->epochs));
	if (!h->epochs)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct recon_hello_epoch *e = &h->epochs[i];
		uint8_t bits;

		e->epoch = take_u32(r);
		e->n_entries = take_u32(r);
		e->n_mixed = take_u32(r);
		e->sum = take_u64(r);
		bits = take_u8(r);
		e->is_settled = bits & 1;
		e->is_settled_with_all = bits & 2;
		if (bits > 3 || e->n_mixed > e->n_entries ||
			(i > 0 && e->epoch <= h->epochs[i - 1].epoch))
			return false;
	}
	h->n_epochs = n;
	return is_whole(r);
}

bool recon_get_hello(const struct recon_frame *f, struct recon_hello *h)
{
	struct reader r = reader_of(f);
	uint8_t standing, bits;

	memset(h, 0, sizeof(*h));
	if (take_u8(&r) != RECON_VERSION)
		return false;
	standing = take_u8(&r);
	bits = take_u8(&r);
	h->wants_full = bits;
	h->standing = (enum recon_standing)standing;
	h->node = take_u64(&r);
	h->share = take_u64(&r);
	h->incarnation = take_u64(&r);
	h->clock_ms = take_u64(&r);
	h->forgotten = take_u32(&r);
	h->horizon = take_u32(&r);
	h->closed = take_u32(&r);
	if (standing > RECON_UNKNOWN || bits > 1 || !get_name(&r, h->name))
		return false;
	if (get_hello_epochs(&r, h))
		return true;
	recon_hello_fini(h);
	return false;
}

void recon_hello_fini(struct recon_hello *h)
{
	free(h->epochs);
	h->epochs = NULL;
	h->n_epochs = 0;
}

bool recon_put_plan(
	struct buf *to, enum recon_standing standing, bool full, const uint32_t *epochs, size_t n)
{
	struct writer w = recon_frame_begin(to, RECON_PLAN, 1 + 1 + 4 + n * 4);

	if (!w.at)
		return false;
	put_u8(&w, standing);
	put_u8(&w, full);
	put_u32(&w, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		put_u32(&w, epochs[i]);
	return true;
}

bool recon_get_plan(const struct recon_frame *f, enum recon_standing *standing, bool *full,
	struct recon_numbers *epochs)
{
	struct reader r = reader_of(f);
	uint8_t said = take_u8(&r), bits = take_u8(&r);

	epochs->n = take_count(&r, RECON_EPOCHS_MAX, 4);
	epochs->raw = take(&r, epochs->n * 4);
	*standing = (enum recon_standing)said;
	*full = bits & 1;
	for (size_t i = 1; i < epochs->n; i++)
		if (recon_u32_at(epochs, i) <= recon_u32_at(epochs, i - 1))
			return false;
	return is_whole(&r) && said <= RECON_UNKNOWN && bits <= 1;
}

/* ---- SETTLE, SETTLED, BYE ---- */

bool recon_put_settle(struct buf *to, enum recon_type type, const struct recon_settle *s)
{
	struct writer w = recon_frame_begin(to, type, 1 + 1 + 4 + s->n * SUM_BYTES);

	if (!w.at)
		return false;
	put_u8(&w, s->all_well);
	put_u8(&w, s->standing);
	put_u32(&w, (uint32_t)s->n);
	for (size_t i = 0; i < s->n; i++) {
		put_u32(&w, s->sums[i].epoch);
		put_u8(&w, s->sums[i].is_held);
		put_u64(&w, s->sums[i].sum);
	}
	return true;
}

bool recon_get_settle(const struct recon_frame *f, struct recon_settle *s)
{
	struct reader r = reader_of(f);
	uint8_t well = take_u8(&r), standing = take_u8(&r);
	size_t n = take_count(&r, RECON_EPOCHS_MAX, SUM_BYTES);

	*s = (struct recon_settle){.all_well = well, .standing = (enum recon_standing)standing};
	if (well > 1 || standing > RECON_UNKNOWN)
		return false;
	s->sums = calloc(n ? n : 1, sizeof(*s->sums));
	if (!s->sums)
		return false;
	for (; s->n < n; s->n++) {
		struct recon_sum *sum = &s->sums[s->n];
		uint8_t held;

		sum->epoch = take_u32(&r);
		held = take_u8(&r);
		sum->is_held = held;
		sum->sum = take_u64(&r);
		r.bad |= held > 1;
	}
	if (is_whole(&r))
		return true;
	recon_settle_fini(s);
	return false;
}

void recon_settle_fini(struct recon_settle *s)
{
	free(s->sums);
	s->sums = NULL;
	s->n = 0;
}

bool recon_put_bye(struct buf *to, enum recon_why why)
{
	struct writer w = recon_frame_begin(to, RECON_BYE, 1);

	if (w.at)
		put_u8(&w, why);
	return w.at != NULL;
}

bool recon_get_bye(const struct recon_frame *f, enum recon_why *why)
{
	struct reader r = reader_of(f);
	uint8_t said = take_u8(&r);

	*why = (enum recon_why)said;
	return is_whole(&r) && said <= RECON_WHY_CLOSED;
}

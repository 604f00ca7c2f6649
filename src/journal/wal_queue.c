#include "journal/wal_queue.h"

#include <string.h>

static size_t size_of(const struct wal_open *o)
{
	return (sizeof(*o) + o->len + 7) & ~(size_t)7;
}

/* The bytes of a varint. */
static size_t number_size(uint64_t n)
{
	size_t size = 1;

	for (; n >= 128; n >>= 7)
		size++;
	return size;
}

/* The command at or after a place, whether answered or not; NULL: the end. */
static struct wal_open *at_or_end(const struct wal_queue *q, const uint8_t *place)
{
	return place && place < q->bytes.data + q->bytes.end ? (struct wal_open *)place : NULL;
}

void wal_queue_fini(struct wal_queue *q)
{
	buf_fini(&q->bytes);
	q->n = 0;
}

bool wal_queue_push(struct wal_queue *q, uint64_t position, const struct wal_item *it,
	const uint8_t *bytes, size_t len)
{
	size_t size = (sizeof(struct wal_open) + len + 7) & ~(size_t)7;
	struct wal_open *o = (struct wal_open *)buf_reserve(&q->bytes, size);
	size_t key_at;

	if (!o)
		return false;
	/* head, share, lane, action, length of the key */
	key_at = 3 + (it->share ? number_size(it->share) : 0) + number_size(it->r.len);
	*o = (struct wal_open){
		.position = position,
		.stamp = it->r.stamp,
		.share = it->share,
		.len = (uint32_t)len,
		.key_at = (uint32_t)key_at,
		.key_len = (uint32_t)it->r.len,
		.is_repair = it->r.action == JOURNAL_REPAIR,
		.mixed = it->r.mixed,
	};
	memcpy(o->bytes, bytes, len);
	buf_commit(&q->bytes, size);
	q->n++;
	return true;
}

struct wal_open *wal_queue_next(const struct wal_queue *q, const struct wal_open *o)
{
	struct wal_open *next =
		at_or_end(q, o ? (const uint8_t *)o + size_of(o) : buf_head(&q->bytes));

	while (next && next->answered)
		next = at_or_end(q, (const uint8_t *)next + size_of(next));
	return next;
}

struct wal_open *wal_queue_find(
	const struct wal_queue *q, uint32_t share, const struct journal_record *r)
{
	struct wal_open *o = NULL;

	while ((o = wal_queue_next(q, o)))
		if (o->stamp == r->stamp && o->share == share &&
			(r->action == JOURNAL_WITHDRAWN ||
				o->is_repair == (r->action == JOURNAL_REPAIRED)) &&
			o->key_len == r->len && o->key_at + r->len <= o->len &&
			memcmp(o->bytes + o->key_at, r->key, r->len) == 0)
			return o;
	return NULL;
}

struct wal_open *wal_queue_at(const struct wal_queue *q, uint64_t position)
{
	struct wal_open *o = NULL;

	while ((o = wal_queue_next(q, o)))
		if (o->position == position)
			return o;
	return NULL;
}

void wal_queue_answer(struct wal_queue *q, struct wal_open *o)
{
	const struct wal_open *first;

	o->answered = true;
	q->n--;
	while ((first = at_or_end(q, buf_head(&q->bytes))) && first->answered)
		buf_consume(&q->bytes, size_of(first));
}

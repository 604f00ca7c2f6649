#include "recon/message_internal.h"

#include "journal/stamp.h"

#include <stdlib.h>

#define ENTRY_BYTES 33

/* The bits of a SIDE. */
enum {
	BIT_EXISTS = 1,
	BIT_UNREAD = 2,
	BIT_BUSY = 4,
	BIT_BEHIND = 8,
	BIT_HOME = 16,
	BIT_EQUAL = 32,
	BIT_REFUSED = 64,
	BITS_ALL = 127,
};

/* ---- LIST, NEED ---- */

bool recon_put_list(struct buf *to, const uint64_t *hashes, size_t n)
{
	do {
		size_t part = n > RECON_LIST_MAX ? RECON_LIST_MAX : n;
		struct writer w = recon_frame_begin(to, RECON_LIST, 1 + 4 + part * 8);

		if (!w.at)
			return false;
		put_u8(&w, part == n);
		put_u32(&w, (uint32_t)part);
		for (size_t i = 0; i < part; i++)
			put_u64(&w, *hashes++);
		n -= part;
	} while (n > 0);
	return true;
}

bool recon_get_list(const struct recon_frame *f, bool *is_last, struct recon_numbers *hashes)
{
	struct reader r = reader_of(f);
	uint8_t bits = take_u8(&r);

	*is_last = bits;
	hashes->n = take_count(&r, RECON_LIST_MAX, 8);
	hashes->raw = take(&r, hashes->n * 8);
	return is_whole(&r) && bits <= 1;
}

bool recon_put_need(struct buf *to, bool is_last, const uint64_t *hashes, size_t n,
	const struct buf *keys, uint32_t n_keys)
{
	struct writer w = recon_frame_begin(to, RECON_NEED, 1 + 4 + n * 8 + 4 + buf_len(keys));

	if (!w.at)
		return false;
	put_u8(&w, is_last);
	put_u32(&w, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		put_u64(&w, hashes[i]);
	put_u32(&w, n_keys);
	put_raw(&w, buf_head(keys), buf_len(keys));
	return true;
}

bool recon_get_need(const struct recon_frame *f, struct recon_need *need)
{
	struct reader r = reader_of(f);
	uint8_t bits = take_u8(&r);

	memset(need, 0, sizeof(*need));
	need->is_last = bits;
	need->hashes.n = take_count(&r, RECON_LIST_MAX, 8);
	need->hashes.raw = take(&r, need->hashes.n * 8);
	need->keys.n = take_count(&r, RECON_NAMES_MAX, 4);
	need->keys.raw = r.at;
	need->keys_bytes = r.left;
	for (size_t i = 0; i < need->keys.n && !r.bad; i++) {
		size_t len = take_u32(&r);

		r.bad |= len > RECON_KEY_MAX;
		take(&r, len);
	}
	return is_whole(&r) && bits <= 1;
}

bool recon_need_key(struct recon_need *need, const uint8_t **key, size_t *len)
{
	const uint8_t *at = need->keys.raw + need->at;

	if (need->at == need->keys_bytes)
		return false;
	*len = (size_t)number_at(at, 4);
	*key = at + 4;
	need->at += 4 + *len;
	return true;
}

/* ---- GIVE, DROP; ASK, CONTENT; ANSWER ---- */

bool recon_put_number(struct buf *to, enum recon_type type, uint32_t number)
{
	struct writer w = recon_frame_begin(to, type, 4);

	if (w.at)
		put_u32(&w, number);
	return w.at != NULL;
}

bool recon_get_number(const struct recon_frame *f, uint32_t *number)
{
	struct reader r = reader_of(f);

	*number = take_u32(&r);
	return is_whole(&r);
}

bool recon_put_bytes(
	struct buf *to, enum recon_type type, uint32_t id, const void *bytes, size_t len)
{
	struct writer w = recon_frame_begin(to, type, 4 + len);

	if (!w.at)
		return false;
	put_u32(&w, id);
	put_raw(&w, bytes, len);
	return true;
}

bool recon_get_bytes(const struct recon_frame *f, uint32_t *id, const uint8_t **bytes, size_t *len)
{
	struct reader r = reader_of(f);

	*id = take_u32(&r);
	*bytes = r.at;
	*len = r.left;
	return !r.bad;
}

bool recon_put_answer(struct buf *to, uint32_t id, enum recon_answer answer)
{
	struct writer w = recon_frame_begin(to, RECON_ANSWER, 4 + 1);

	if (!w.at)
		return false;
	put_u32(&w, id);
	put_u8(&w, answer);
	return true;
}

bool recon_get_answer(const struct recon_frame *f, uint32_t *id, enum recon_answer *answer)
{
	struct reader r = reader_of(f);
	uint8_t said;

	*id = take_u32(&r);
	said = take_u8(&r);
	*answer = (enum recon_answer)said;
	return is_whole(&r) && said <= RECON_NOT_HELD;
}

/* ---- SIDE, TAKE ---- */

static unsigned bits_of(const struct recon_side *s)
{
	return (s->exists ? BIT_EXISTS : 0u) | (s->is_unread ? BIT_UNREAD : 0u) |
	       (s->is_busy ? BIT_BUSY : 0u) | (s->is_behind ? BIT_BEHIND : 0u) |
	       (s->is_home ? BIT_HOME : 0u) | (s->is_equal ? BIT_EQUAL : 0u) |
	       (s->is_refused ? BIT_REFUSED : 0u);
}

bool recon_put_side(struct buf *to, enum recon_type type, const struct recon_side *s)
{
	struct writer w =
		recon_frame_begin(to, type, 4 + 2 + 12 + 16 + 4 + 4 + s->n_entries * ENTRY_BYTES);

	if (!w.at)
		return false;
	put_u32(&w, s->id);
	put_number(&w, bits_of(s), 2);
	put_u32(&w, s->forgotten);
	put_u32(&w, s->horizon);
	put_u32(&w, s->unknown);
	put_u64(&w, s->deadline_ms);
	put_u64(&w, s->digest);
	put_u32(&w, s->content_bytes);
	put_u32(&w, (uint32_t)s->n_entries);
	for (size_t i = 0; i < s->n_entries; i++) {
		const struct journal_entry *e = &s->entries[i];

		put_u64(&w, e->newest);
		put_u64(&w, e->overwrite);
		put_u64(&w, e->sum);
		put_u32(&w, e->epoch);
		put_u32(&w, e->count);
		put_u8(&w, e->mixed);
	}
	return true;
}

static bool get_entry(struct reader *r, struct journal_entry *e, uint32_t below)
{
	uint8_t bits;

	e->newest = take_u64(r);
	e->overwrite = take_u64(r);
	e->sum = take_u64(r);
	e->epoch = take_u32(r);
	e->count = take_u32(r);
	bits = take_u8(r);
	e->mixed = bits;
	return bits <= 1 && e->epoch < below && stamp_epoch(e->newest) == e->epoch &&
	       e->overwrite <= e->newest &&
	       (!e->overwrite || stamp_epoch(e->overwrite) == e->epoch);
}

static bool get_entries(struct reader *r, struct recon_side *s)
{
	size_t n = take_count(r, RECON_CHAIN_MAX, ENTRY_BYTES);

	s->entries = calloc(n ? n : 1, sizeof(*s->entries));
	if (!s->entries)
		return false;
	for (; s->n_entries < n; s->n_entries++) {
		struct journal_entry *e = &s->entries[s->n_entries];

		if (!get_entry(r, e, s->n_entries > 0 ? e[-1].epoch : UINT32_MAX))
			return false;
	}
	return is_whole(r);
}

bool recon_get_side(const struct recon_frame *f, struct recon_side *s)
{
	struct reader r = reader_of(f);
	unsigned bits;

	memset(s, 0, sizeof(*s));
	s->id = take_u32(&r);
	bits = (unsigned)take_number(&r, 2);
	s->exists = bits & BIT_EXISTS;
	s->is_unread = bits & BIT_UNREAD;
	s->is_busy = bits & BIT_BUSY;
	s->is_behind = bits & BIT_BEHIND;
	s->is_home = bits & BIT_HOME;
	s->is_equal = bits & BIT_EQUAL;
	s->is_refused = bits & BIT_REFUSED;
	s->forgotten = take_u32(&r);
	s->horizon = take_u32(&r);
	s->unknown = take_u32(&r);
	s->deadline_ms = take_u64(&r);
	s->digest = take_u64(&r);
	s->content_bytes = take_u32(&r);
	if (bits <= BITS_ALL && s->exists == (s->digest != 0) && (!s->unknown || s->is_behind) &&
		get_entries(&r, s))
		return true;
	recon_side_fini(s);
	return false;
}

void recon_side_fini(struct recon_side *s)
{
	free(s->entries);
	s->entries = NULL;
	s->n_entries = 0;
}

/* ---- BUCKETS, DIFFER, PART, WAIT ---- */

bool recon_put_buckets(
	struct buf *to, uint32_t first, unsigned bits, const struct recon_bucket *b, size_t n)
{
	struct writer w = recon_frame_begin(to, RECON_BUCKETS, 4 + 1 + 4 + n * 12);

	if (!w.at)
		return false;
	put_u32(&w, first);
	put_u8(&w, bits);
	put_u32(&w, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		put_u64(&w, b[i].sum);
		put_u32(&w, b[i].keys);
	}
	return true;
}

bool recon_get_buckets(const struct recon_frame *f, uint32_t *first, unsigned *bits,
	struct recon_bucket *b, size_t *n)
{
	struct reader r = reader_of(f);

	*first = take_u32(&r);
	*bits = take_u8(&r);
	*n = take_count(&r, RECON_BUCKETS_MAX, 12);
	for (size_t i = 0; i < *n; i++) {
		b[i].sum = take_u64(&r);
		b[i].keys = take_u32(&r);
	}
	return is_whole(&r) && *bits <= RECON_BUCKET_BITS_MAX && *n <= UINT32_C(1) << *bits &&
	       *first <= (UINT32_C(1) << *bits) - *n;
}

bool recon_put_u32s(
	struct buf *to, enum recon_type type, bool is_last, const uint32_t *numbers, size_t n)
{
	struct writer w = recon_frame_begin(to, type, 1 + 4 + n * 4);

	if (!w.at)
		return false;
	put_u8(&w, is_last);
	put_u32(&w, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		put_u32(&w, numbers[i]);
	return true;
}

bool recon_get_u32s(const struct recon_frame *f, bool *is_last, struct recon_numbers *numbers)
{
	struct reader r = reader_of(f);
	uint8_t bits = take_u8(&r);

	*is_last = bits;
	numbers->n = take_count(&r, RECON_LIST_MAX, 4);
	numbers->raw = take(&r, numbers->n * 4);
	return is_whole(&r) && bits <= 1;
}

bool recon_put_waiting(struct buf *to)
{
	return recon_frame_begin(to, RECON_WAITING, 0).at != NULL;
}

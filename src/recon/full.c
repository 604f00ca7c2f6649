#include "recon/session_internal.h"

#include <stdlib.h>
#include <string.h>

/* Keys of both sides that are compared at a time: they are held in memory. */
#define PART_MAX 100000

#define BUCKETS  (1u << RECON_BUCKET_BITS_MAX)
#define BITS_MIN 10

/* ---- Scans ---- */

static void scan(struct recon_session *s)
{
	s->has_scanned = false;
	s->is_scanning = true;
	if (!recon_core_ask_scan(s->c, s))
		recon_session_end(s, RECON_WHY_MEMORY);
}

static bool is_wanted(const struct recon_session *s, uint64_t hash)
{
	uint64_t bucket = hash >> (64 - s->bits);

	return s->wanted[bucket / 8] >> bucket % 8 & 1;
}

bool recon_full_wants(struct recon_session *s, const void *key, size_t len)
{
	return s->is_scanning &&
	       (!s->is_part || is_wanted(s, journal_key_hash(s->c->journal, key, len)));
}

void recon_full_key(struct recon_session *s, const void *key, size_t len, uint64_t digest)
{
	uint64_t hash = journal_key_hash(s->c->journal, key, len);
	struct journal_entry as_entry = {.sum = digest};
	uint64_t listed = journal_entry_hash(hash, &as_entry);

	if (!s->is_scanning)
		return;
	if (!s->is_part) {
		struct recon_bucket *b = &s->buckets[hash >> (64 - RECON_BUCKET_BITS_MAX)];

		b->sum += listed;
		b->keys++;
	} else if (is_wanted(s, hash) &&
		   (s->found.n >= s->o.list_max || !recon_names_add(&s->found, listed, key, len))) {
		recon_session_end(s, RECON_WHY_MEMORY);
	}
}

/* ---- Sums of buckets ---- */

static bool make_room(struct recon_session *s)
{
	s->buckets = calloc(BUCKETS, sizeof(*s->buckets));
	s->their_buckets = calloc(BUCKETS, sizeof(*s->their_buckets));
	s->wanted = calloc(BUCKETS / 8, 1);
	return s->buckets && s->their_buckets && s->wanted;
}

/* The sums by fewer bits of the hash. */
static void fold(struct recon_session *s)
{
	unsigned shift = RECON_BUCKET_BITS_MAX - s->bits;

	for (size_t i = 0; shift > 0 && i < BUCKETS; i++) {
		struct recon_bucket was = s->buckets[i];

		s->buckets[i] = (struct recon_bucket){0, 0};
		s->buckets[i >> shift].sum += was.sum;
		s->buckets[i >> shift].keys += was.keys;
	}
}

static void choose_bits(struct recon_session *s)
{
	size_t n = 0;

	for (size_t i = 0; i < BUCKETS; i++)
		n += s->buckets[i].keys;
	s->bits = BITS_MIN;
	while (s->bits < RECON_BUCKET_BITS_MAX && n >> (s->bits + 2) > 0)
		s->bits++;
}

static void send_buckets(struct recon_session *s, struct recon_now now)
{
	size_t n = (size_t)1 << s->bits;
	bool ok = true;

	for (size_t i = 0; ok && i < n; i += RECON_BUCKETS_MAX)
		ok = recon_put_buckets(&s->out, (uint32_t)i, s->bits, s->buckets + i,
			n - i < RECON_BUCKETS_MAX ? n - i : RECON_BUCKETS_MAX);
	recon_session_flush(s, ok, now);
}

/* Dialer: both sides begin to scan. */
static void begin(struct recon_session *s, struct recon_now now)
{
	s->stage = STAGE_BUCKETS;
	recon_session_flush(s, make_room(s) && recon_put_buckets(&s->out, 0, 0, NULL, 0), now);
	if (s->state == RECON_SESSION_RUNNING)
		scan(s);
}

static bool add_differing(struct recon_session *s, uint32_t bucket, uint32_t keys)
{
	if (s->n_differ == s->cap_differ) {
		size_t cap = s->cap_differ ? s->cap_differ * 2 : 256;
		uint32_t *grown = realloc(s->differ, cap * sizeof(*grown));

		if (!grown)
			return false;
		s->differ = grown;
		s->cap_differ = cap;
	}
	s->differ[s->n_differ++] = bucket;
	s->differ[s->n_differ++] = keys;
	return true;
}

/* Listener: its own sums and the other's are complete. */
static void answer_buckets(struct recon_session *s, struct recon_now now)
{
	size_t n = (size_t)1 << s->bits;
	bool ok = true;

	if (!s->has_scanned || s->bits == 0 || s->n_theirs < n)
		return;
	fold(s);
	for (size_t i = 0; i < n && ok; i++)
		if (s->buckets[i].sum != s->their_buckets[i].sum ||
			s->buckets[i].keys != s->their_buckets[i].keys)
			ok = add_differing(s, (uint32_t)i, s->buckets[i].keys);
	for (size_t i = 0; ok && i < s->n_differ; i += RECON_LIST_MAX)
		ok = recon_put_u32s(&s->out, RECON_DIFFER, false, s->differ + i,
			s->n_differ - i < RECON_LIST_MAX ? s->n_differ - i : RECON_LIST_MAX);
	ok = ok && recon_put_u32s(&s->out, RECON_DIFFER, true, NULL, 0);
	s->has_scanned = false;
	s->n_theirs = 0;
	recon_session_flush(s, ok, now);
}

static void take_buckets(struct recon_session *s, const struct recon_frame *f, struct recon_now now)
{
	struct recon_bucket b[RECON_BUCKETS_MAX];
	uint32_t first;
	unsigned bits;
	size_t n;

	if (!s->full || !recon_get_buckets(f, &first, &bits, b, &n) || s->is_part ||
		(s->bits && bits != s->bits) || (n > 0 && (bits < BITS_MIN || !s->buckets))) {
		recon_session_end(s, RECON_WHY_MALFORMED);
		return;
	}
	if (!s->buckets) {
		if (make_room(s))
			scan(s);
		else
			recon_session_end(s, RECON_WHY_MEMORY);
		return;
	}
	s->bits = bits;
	memcpy(s->their_buckets + first, b, n * sizeof(*b));
	s->n_theirs += n;
	answer_buckets(s, now);
}

static void take_differ(struct recon_session *s, const struct recon_frame *f, struct recon_now now)
{
	struct recon_numbers l;
	bool is_last, ok = true;

	if (!recon_get_u32s(f, &is_last, &l) || l.n % 2) {
		recon_session_end(s, RECON_WHY_MALFORMED);
		return;
	}
	for (size_t i = 0; i < l.n; i += 2) {
		uint32_t bucket = recon_u32_at(&l, i), keys = recon_u32_at(&l, i + 1);

		if (bucket >> s->bits || s->n_differ >= 2 * BUCKETS) {
			recon_session_end(s, RECON_WHY_MALFORMED);
			return;
		}
		ok = ok && add_differing(s, bucket, keys + s->buckets[bucket].keys);
	}
	if (!ok)
		recon_session_end(s, RECON_WHY_MEMORY);
	else if (is_last)
		recon_full_next(s, now);
}

/* ---- The keys of the buckets that differ, some at a time ---- */

static void begin_part(struct recon_session *s)
{
	s->is_part = true;
	recon_names_clear(&s->found);
	scan(s);
}

void recon_full_next(struct recon_session *s, struct recon_now now)
{
	uint32_t part[RECON_LIST_MAX];
	size_t n = 0;
	uint64_t keys = 0;

	if (!s->buckets) {
		begin(s, now);
		return;
	}
	if (s->next_differ == s->n_differ) {
		recon_session_settle(s, now);
		return;
	}
	memset(s->wanted, 0, BUCKETS / 8);
	while (s->next_differ < s->n_differ && n < RECON_LIST_MAX) {
		uint32_t bucket = s->differ[s->next_differ];

		keys += s->differ[s->next_differ + 1];
		if (n > 0 && keys > PART_MAX)
			break;
		s->wanted[bucket / 8] |= (uint8_t)(1u << bucket % 8);
		part[n++] = bucket;
		s->next_differ += 2;
	}
	s->stage = STAGE_PART;
	recon_session_flush(s, recon_put_u32s(&s->out, RECON_PART, true, part, n), now);
	if (s->state == RECON_SESSION_RUNNING)
		begin_part(s);
}

static void take_part(struct recon_session *s, const struct recon_frame *f)
{
	struct recon_numbers l;
	bool is_last;

	if (!recon_get_u32s(f, &is_last, &l) || !is_last || !s->wanted || s->is_scanning ||
		s->bits == 0) {
		recon_session_end(s, RECON_WHY_MALFORMED);
		return;
	}
	memset(s->wanted, 0, BUCKETS / 8);
	for (size_t i = 0; i < l.n; i++) {
		uint32_t bucket = recon_u32_at(&l, i);

		if (bucket >> s->bits) {
			recon_session_end(s, RECON_WHY_MALFORMED);
			return;
		}
		s->wanted[bucket / 8] |= (uint8_t)(1u << bucket % 8);
	}
	begin_part(s);
}

void recon_full_scanned(struct recon_session *s, bool ok, struct recon_now now)
{
	if (s->state != RECON_SESSION_RUNNING || !s->is_scanning)
		return;
	s->is_scanning = false;
	if (!ok) {
		recon_session_end(s, RECON_WHY_SCAN);
		return;
	}
	s->has_scanned = true;
	if (s->is_part) {
		recon_names_sort(&s->found);
		if (s->o.is_dialer)
			recon_list_send(s, now);
		else if (s->is_listed)
			recon_list_answer(s, now);
	} else if (s->o.is_dialer) {
		choose_bits(s);
		fold(s);
		send_buckets(s, now);
	} else {
		answer_buckets(s, now);
	}
}

void recon_full_take(struct recon_session *s, const struct recon_frame *f, struct recon_now now)
{
	switch (f->type) {
	case RECON_BUCKETS:
		take_buckets(s, f, now);
		break;
	case RECON_DIFFER:
		take_differ(s, f, now);
		break;
	default:
		take_part(s, f);
		break;
	}
}

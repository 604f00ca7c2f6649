#include "journal/wal_item.h"

#include "journal/siphash.h"
#include "journal/stamp.h"
#include "journal/wal.h"

#include <stdlib.h>
#include <string.h>

#define VARINT_MAX 10
#define TYPE_MASK  15
#define FLAG_SHARE 16 /* a number of a share follows; else it is share 0 */
#define FLAG_MIXED 32
#define KIND_SHIFT 6

/* Of an entry. */
#define ENTRY_MIXED       1
#define ENTRY_OVERWRITE   2 /* follows */
#define ENTRY_PLAIN       4 /* the newest is the newest overwrite */
#define ENTRY_EPOCH       8 /* follows; else it is that of the newest */
#define ENTRY_BYTES_LEAST 18

/* ---- Writing ---- */

static uint8_t *put_number(uint8_t *at, uint64_t n)
{
	while (n >= 128) {
		*at++ = (uint8_t)(n | 128);
		n >>= 7;
	}
	*at++ = (uint8_t)n;
	return at;
}

static uint8_t *put_fixed(uint8_t *at, uint64_t n)
{
	memcpy(at, &n, 8);
	return at + 8;
}

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t len)
{
	at = put_number(at, len);
	if (len > 0)
		memcpy(at, bytes, len);
	return at + len;
}

static uint8_t *put_entry(uint8_t *at, const struct journal_entry *e)
{
	bool plain = e->overwrite == e->newest, own_epoch = e->epoch != stamp_epoch(e->newest);

	*at++ = (uint8_t)((e->mixed ? ENTRY_MIXED : 0) | (plain ? ENTRY_PLAIN : 0) |
			  (e->overwrite && !plain ? ENTRY_OVERWRITE : 0) |
			  (own_epoch ? ENTRY_EPOCH : 0));
	at = put_fixed(at, e->newest);
	at = put_fixed(at, e->sum);
	at = put_number(at, e->count);
	if (e->overwrite && !plain)
		at = put_fixed(at, e->overwrite);
	if (own_epoch)
		at = put_number(at, e->epoch);
	return at;
}

/* What a record of this action has. */
enum {
	HAS_KEY = 1,
	HAS_STAMP = 2,
	HAS_ENTRIES = 4,
	HAS_PEER = 8,
	HAS_EPOCH = 16,
	HAS_SUM = 32,
	HAS_LIMITS = 64,
	HAS_MARKS = 128,
};

static const uint8_t has[] = {
	[JOURNAL_SENT] = HAS_KEY | HAS_STAMP,
	[JOURNAL_TAKEN] = HAS_KEY | HAS_STAMP,
	[JOURNAL_WITHDRAWN] = HAS_KEY | HAS_STAMP,
	[JOURNAL_COUNTED] = HAS_KEY | HAS_STAMP,
	[JOURNAL_LEFT] = HAS_KEY | HAS_STAMP,
	[JOURNAL_REPAIR] = HAS_KEY | HAS_STAMP | HAS_EPOCH | HAS_ENTRIES,
	[JOURNAL_REPAIRED] = HAS_KEY | HAS_STAMP | HAS_EPOCH | HAS_ENTRIES,
	[JOURNAL_ALIGNED] = HAS_KEY | HAS_STAMP | HAS_EPOCH | HAS_ENTRIES,
	[JOURNAL_SETTLED] = HAS_PEER | HAS_EPOCH | HAS_SUM,
	[JOURNAL_SAID] = HAS_PEER | HAS_EPOCH | HAS_SUM,
	[JOURNAL_CLOSED] = HAS_EPOCH,
	[JOURNAL_FORGOT] = HAS_EPOCH,
	[JOURNAL_DROPPED] = HAS_EPOCH,
	[JOURNAL_REPUDIATED] = HAS_PEER,
	[JOURNAL_KEPT_LIMITS] = HAS_LIMITS,
	[JOURNAL_KEPT_CHAIN] = HAS_KEY | HAS_STAMP | HAS_ENTRIES,
	[JOURNAL_KEPT_EPOCH] = HAS_EPOCH | HAS_MARKS,
};
#define N_ACTIONS (sizeof(has) / sizeof(has[0]))

static uint8_t *put_record(uint8_t *at, const struct journal_record *r)
{
	const unsigned what = has[r->action];

	*at++ = (uint8_t)r->action;
	if (what & HAS_KEY)
		at = put_bytes(at, r->key, r->len);
	if (what & HAS_STAMP)
		at = put_fixed(at, r->stamp);
	if (what & HAS_PEER)
		at = put_number(at, r->peer);
	if (what & HAS_EPOCH)
		at = put_number(at, what & HAS_MARKS ? r->marks->epoch : r->epoch);
	if (what & HAS_SUM)
		at = put_fixed(at, r->sum);
	if (what & HAS_LIMITS) {
		at = put_number(at, r->limits->forgotten);
		at = put_number(at, r->limits->closed);
		at = put_number(at, r->limits->dropped);
	}
	if (what & HAS_MARKS) {
		at = put_fixed(at, r->marks->settled);
		at = put_fixed(at, r->marks->said);
		at = put_number(at, r->marks->repairs);
	}
	if (what & HAS_ENTRIES) {
		at = put_number(at, r->n_entries);
		for (size_t i = 0; i < r->n_entries; i++)
			at = put_entry(at, &r->entries[i]);
	}
	return at;
}

bool wal_item_write(struct buf *to, const struct wal_item *it)
{
	size_t most = 64 + 4 * VARINT_MAX + it->r.len + it->len + it->r.n_entries * 48;
	uint8_t *begin = buf_reserve(to, most), *at = begin;

	if (!begin)
		return false;
	*at++ = (uint8_t)(it->type | (it->share ? FLAG_SHARE : 0) | (it->r.mixed ? FLAG_MIXED : 0) |
			  (unsigned)it->r.kind << KIND_SHIFT);
	if (it->share)
		at = put_number(at, it->share);
	switch (it->type) {
	case WAL_OPEN:
		at = put_fixed(at, it->position);
		*at++ = (uint8_t)it->lane;
		at = put_record(at, &it->r);
		break;
	case WAL_COMMAND:
		*at++ = (uint8_t)it->lane;
		at = put_record(at, &it->r);
		break;
	case WAL_RECORD:
	case WAL_PART:
		at = put_record(at, &it->r);
		break;
	case WAL_ANSWER:
		*at++ = (uint8_t)it->r.action;
		/* fall through */
	case WAL_ANSWERED:
		*at++ = (uint8_t)it->lane;
		at = put_number(at, it->back);
		break;
	case WAL_SKIP:
	case WAL_SHARE:
		at = put_fixed(at, it->n);
		break;
	case WAL_VOID:
	case WAL_BEGIN:
		at = put_fixed(at, it->n);
		/* fall through */
	case WAL_KEPT:
		at = put_bytes(at, it->bytes, it->len);
		break;
	case WAL_END:
	case WAL_N_TYPES:
		break;
	}
	buf_commit(to, (size_t)(at - begin));
	return true;
}

/* ---- Reading ---- */

/* Each sets r->at to NULL when the bytes are not there. */
static uint64_t get_number(struct wal_reader *r)
{
	uint64_t n = 0;

	for (unsigned shift = 0; r->at && shift < 64; shift += 7) {
		uint8_t byte;

		if (r->at == r->end)
			break;
		byte = *r->at++;
		if (shift == 63 && byte > 1)
			break;
		n |= (uint64_t)(byte & 127) << shift;
		if (byte < 128)
			return n;
	}
	r->at = NULL;
	return 0;
}

/* A number of 32 bits. */
static uint32_t get_small(struct wal_reader *r)
{
	uint64_t n = get_number(r);

	if (n <= UINT32_MAX)
		return (uint32_t)n;
	r->at = NULL;
	return 0;
}

static uint64_t get_fixed(struct wal_reader *r)
{
	uint64_t n = 0;

	if (!r->at || r->end - r->at < 8) {
		r->at = NULL;
		return 0;
	}
	memcpy(&n, r->at, 8);
	r->at += 8;
	return n;
}

static uint8_t get_byte(struct wal_reader *r)
{
	if (r->at && r->at < r->end)
		return *r->at++;
	r->at = NULL;
	return 0;
}

static const uint8_t *get_bytes(struct wal_reader *r, size_t *len)
{
	uint64_t n = get_number(r);
	const uint8_t *bytes = r->at;

	if (!r->at || n > (uint64_t)(r->end - r->at)) {
		r->at = NULL;
		*len = 0;
		return NULL;
	}
	*len = (size_t)n;
	r->at += n;
	return bytes;
}

static void get_entry(struct wal_reader *r, struct journal_entry *e)
{
	uint8_t flags = get_byte(r);

	memset(e, 0, sizeof(*e));
	e->mixed = flags & ENTRY_MIXED;
	e->newest = get_fixed(r);
	e->sum = get_fixed(r);
	e->count = get_small(r);
	e->overwrite = flags & ENTRY_OVERWRITE ? get_fixed(r) : flags & ENTRY_PLAIN ? e->newest : 0;
	e->epoch = flags & ENTRY_EPOCH ? get_small(r) : stamp_epoch(e->newest);
}

/* A run of entries; the reader has the memory for them. */
static void get_entries(struct wal_reader *r, struct journal_record *rec)
{
	uint64_t n = get_number(r);

	if (!r->at || n > (uint64_t)(r->end - r->at) / ENTRY_BYTES_LEAST) {
		r->at = NULL;
		return;
	}
	if (n > r->cap) {
		struct journal_entry *grown = realloc(r->entries, (size_t)n * sizeof(*grown));

		if (!grown) {
			r->at = NULL;
			return;
		}
		r->entries = grown;
		r->cap = (size_t)n;
	}
	for (size_t i = 0; i < n; i++)
		get_entry(r, &r->entries[i]);
	rec->entries = r->entries;
	rec->n_entries = (size_t)n;
}

static void get_record(struct wal_reader *r, struct wal_item *it)
{
	struct journal_record *rec = &it->r;
	uint8_t action = get_byte(r);
	unsigned what;

	if (action >= N_ACTIONS) {
		r->at = NULL;
		return;
	}
	rec->action = (enum journal_action)action;
	what = has[action];
	if (what & HAS_KEY)
		rec->key = get_bytes(r, &rec->len);
	if (what & HAS_STAMP)
		rec->stamp = get_fixed(r);
	if (what & HAS_PEER)
		rec->peer = get_small(r);
	if (what & HAS_EPOCH)
		rec->epoch = it->marks.epoch = get_small(r);
	if (what & HAS_SUM)
		rec->sum = get_fixed(r);
	if (what & HAS_LIMITS) {
		it->limits.forgotten = get_small(r);
		it->limits.closed = get_small(r);
		it->limits.dropped = get_small(r);
		rec->limits = &it->limits;
	}
	if (what & HAS_MARKS) {
		it->marks.settled = get_fixed(r);
		it->marks.said = get_fixed(r);
		it->marks.repairs = get_small(r);
		rec->marks = &it->marks;
	}
	if (what & HAS_ENTRIES)
		get_entries(r, rec);
	if (rec->peer >= JOURNAL_PEERS_MAX)
		r->at = NULL;
}

static void get_rest(struct wal_reader *r, struct wal_item *it)
{
	switch (it->type) {
	case WAL_OPEN:
		it->position = get_fixed(r);
		/* fall through */
	case WAL_COMMAND:
		it->lane = get_byte(r);
		get_record(r, it);
		if (it->r.action != JOURNAL_SENT && it->r.action != JOURNAL_REPAIR)
			r->at = NULL;
		break;
	case WAL_RECORD:
	case WAL_PART:
		get_record(r, it);
		break;
	case WAL_ANSWER:
		it->r.action = (enum journal_action)get_byte(r);
		if (it->r.action != JOURNAL_TAKEN && it->r.action != JOURNAL_REPAIRED &&
			it->r.action != JOURNAL_WITHDRAWN)
			r->at = NULL;
		/* fall through */
	case WAL_ANSWERED:
		it->lane = get_byte(r);
		it->back = get_number(r);
		break;
	case WAL_SKIP:
	case WAL_SHARE:
		it->n = get_fixed(r);
		break;
	case WAL_VOID:
	case WAL_BEGIN:
		it->n = get_fixed(r);
		/* fall through */
	case WAL_KEPT:
		it->bytes = get_bytes(r, &it->len);
		break;
	case WAL_END:
		break;
	case WAL_N_TYPES:
		r->at = NULL;
		break;
	}
}

bool wal_item_read(struct wal_reader *r, struct wal_item *it, bool *bad)
{
	uint8_t head;

	*bad = false;
	if (r->at == r->end)
		return false;
	memset(it, 0, sizeof(*it));
	head = get_byte(r);
	it->type = (enum wal_type)(head & TYPE_MASK);
	it->r.mixed = head & FLAG_MIXED;
	it->r.kind = (enum journal_kind)(head >> KIND_SHIFT);
	if (head & FLAG_SHARE)
		it->share = get_small(r);
	if (it->type >= WAL_N_TYPES || it->r.kind > JOURNAL_DELETE)
		r->at = NULL;
	else
		get_rest(r, it);
	*bad = r->at == NULL;
	if (*bad)
		r->at = r->end;
	return !*bad;
}

void wal_reader_fini(struct wal_reader *r)
{
	free(r->entries);
	memset(r, 0, sizeof(*r));
}

/* ---- Lanes and batches ---- */

bool wal_lanes_write(struct buf *to, const uint64_t *lanes)
{
	for (size_t i = 0; i < WAL_LANES_MAX; i++) {
		uint8_t *begin;

		if (!lanes[i])
			continue;
		begin = buf_reserve(to, 9);
		if (!begin)
			return false;
		begin[0] = (uint8_t)i;
		put_fixed(begin + 1, lanes[i]);
		buf_commit(to, 9);
	}
	return true;
}

bool wal_lanes_read(const uint8_t *bytes, size_t len, uint64_t *lanes)
{
	memset(lanes, 0, WAL_LANES_MAX * sizeof(*lanes));
	if (len % 9 != 0)
		return false;
	for (; len > 0; bytes += 9, len -= 9)
		memcpy(&lanes[bytes[0]], bytes + 1, 8);
	return true;
}

static uint32_t check_of(const uint8_t *body, size_t len, uint64_t id, uint64_t place)
{
	uint64_t key[2] = {id, place};
	uint64_t h = siphash((const uint8_t *)key, body, len);

	return (uint32_t)(h ^ h >> 32);
}

void wal_batch_seal(uint8_t *head, size_t len, uint64_t id, uint64_t place)
{
	uint32_t size = (uint32_t)len, check = check_of(head + WAL_BATCH_HEAD, len, id, place);

	memcpy(head, &size, 4);
	memcpy(head + 4, &check, 4);
}

bool wal_batch_check(
	const uint8_t *bytes, size_t len, uint64_t id, uint64_t place, size_t *body_len)
{
	uint32_t body, check;

	if (len < WAL_BATCH_HEAD)
		return false;
	memcpy(&body, bytes, 4);
	memcpy(&check, bytes + 4, 4);
	if (body == 0 || body > WAL_BODY_MAX || body > len - WAL_BATCH_HEAD)
		return false;
	*body_len = body;
	return check == check_of(bytes + WAL_BATCH_HEAD, body, id, place);
}

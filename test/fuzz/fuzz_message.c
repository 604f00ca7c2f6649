/*
 * Fuzz target: what another node sends in a session.  A body that is taken is the one that would be
 * written; and a session that is sent anything at all ends, or waits.
 */
#include "recon/message.h"
#include "recon/session.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- Bodies ---- */

static void must_be(const struct buf *again, const struct recon_frame *f, bool ok)
{
	if (!ok || buf_len(again) != RECON_HEADER_BYTES + f->len ||
		memcmp(buf_head(again) + RECON_HEADER_BYTES, f->body, f->len) != 0)
		abort();
}

static void hello_again(struct buf *to, const struct recon_frame *f)
{
	struct recon_hello h;

	if (!recon_get_hello(f, &h))
		return;
	must_be(to, f, (recon_put_hello(to, &h)));
	recon_hello_fini(&h);
}

static void side_again(struct buf *to, const struct recon_frame *f)
{
	struct recon_side side;

	if (!recon_get_side(f, &side))
		return;
	must_be(to, f, (recon_put_side(to, f->type, &side)));
	recon_side_fini(&side);
}

static void settle_again(struct buf *to, const struct recon_frame *f)
{
	struct recon_settle settle;

	if (!recon_get_settle(f, &settle))
		return;
	must_be(to, f, (recon_put_settle(to, f->type, &settle)));
	recon_settle_fini(&settle);
}

static void need(const struct recon_frame *f)
{
	struct recon_need n;
	const uint8_t *key;
	size_t len, keys = 0;

	if (!recon_get_need(f, &n))
		return;
	for (; recon_need_key(&n, &key, &len); keys++)
		if (key < f->body || key + len > f->body + f->len)
			abort();
	if (keys != n.keys.n)
		abort();
}

static void numbers(const struct recon_frame *f)
{
	struct recon_numbers l;
	enum recon_standing standing;
	bool bit;

	if (f->type == RECON_PLAN && recon_get_plan(f, &standing, &bit, &l) && l.n > 0)
		recon_u32_at(&l, l.n - 1);
	else if (f->type == RECON_LIST && recon_get_list(f, &bit, &l) && l.n > 0)
		recon_u64_at(&l, l.n - 1);
	else if ((f->type == RECON_DIFFER || f->type == RECON_PART) &&
		 recon_get_u32s(f, &bit, &l) && l.n > 0)
		recon_u32_at(&l, l.n - 1);
}

static void read_body(const struct recon_frame *f)
{
	struct recon_bucket *buckets = calloc(RECON_BUCKETS_MAX, sizeof(*buckets));
	struct buf again = {0};
	uint32_t first;
	unsigned bits;
	size_t n;

	if (!buckets)
		abort();
	hello_again(&again, f);
	buf_clear(&again);
	side_again(&again, f);
	buf_clear(&again);
	settle_again(&again, f);
	buf_clear(&again);
	if (recon_get_buckets(f, &first, &bits, buckets, &n))
		must_be(&again, f, recon_put_buckets(&again, first, bits, buckets, n));
	need(f);
	numbers(f);
	buf_fini(&again);
	free(buckets);
}

/* ---- A session ---- */

struct node {
	struct recon_core *core;
	struct stamp_clock clock;
};

static const struct recon_now now = {.wall_ms = 200000000, .mono_ms = 1000};

static void record(void *arg, const struct journal_record *r)
{
	(void)arg;
	(void)r;
}

static void keep(void *arg, const struct recon_kept *k)
{
	(void)arg;
	(void)k;
}

static void read_key(void *arg, const void *key, size_t len, uint64_t ticket)
{
	struct node *n = arg;
	const uint8_t value[3] = {1, 2, 3};
	struct recon_content c = {0};

	if (len > 0 && *(const uint8_t *)key % 2)
		c = (struct recon_content){true, 0, value, sizeof(value), 7};
	recon_core_read_done(n->core, ticket, &c, now);
}

static void apply(
	void *arg, const void *key, size_t len, const struct recon_content *c, uint64_t ticket)
{
	struct node *n = arg;

	(void)key;
	recon_core_applied(n->core, ticket, (enum recon_outcome)((len + c->len) % 3), now);
}

static void scan(void *arg, uint64_t ticket)
{
	struct node *n = arg;

	if (recon_core_scan_wants(n->core, ticket, "k", 1))
		recon_core_scan_key(n->core, ticket, "k", 1, 7);
	recon_core_scan_done(n->core, ticket, true, now);
}

static bool is_home(void *arg, uint64_t stamp)
{
	(void)arg;
	return stamp % 2;
}

static void unsettled(
	void *arg, uint32_t peer, const void *key, size_t len, enum recon_unsettled why)
{
	(void)arg;
	(void)peer;
	(void)key;
	(void)len;
	(void)why;
}

static void send_nowhere(void *arg, const void *bytes, size_t len)
{
	struct recon_frame f;

	(void)arg;
	if (recon_frame_next(bytes, len, &f) != RECON_NEXT_OK)
		abort();
}

static const struct recon_host host = {record, keep, read_key, apply, scan, is_home, unsettled};

static void run_session(const uint8_t *data, size_t size, bool is_dialer)
{
	struct node node = {0};
	struct recon_options o = {
		.share = 1,
		.name = "fuzzed",
		.incarnation = 1,
		.peers = 2,
		.standing = is_dialer ? RECON_BEHIND : RECON_INTACT,
		.max_delay_ms = 15000,
		.close_ms = 6000,
		.clock = &node.clock,
		.host = &host,
		.arg = &node,
	};
	struct recon_session_options so = {
		.peer = 1,
		.is_dialer = is_dialer,
		.total_ms = 9000,
		.silence_ms = 3000,
		.value_bytes = 1 << 16,
		.list_max = 1 << 12,
		.send = send_nowhere,
	};
	struct recon_write w = {
		"k", 1, stamp_make(now.wall_ms - 12000, 1, 0), JOURNAL_UPDATE, false, 0};
	struct recon_session *s;

	node.core = recon_core_new(&o, now);
	if (!node.core)
		abort();
	if (recon_core_write(node.core, &w, now) == RECON_CARRY_OUT)
		recon_core_answered(node.core, &w, RECON_TAKEN);
	s = recon_session_new(node.core, &so, now);
	if (!s)
		abort();
	if (is_dialer)
		recon_session_start(s, now);
	for (size_t i = 0, part; i < size; i += part) {
		part = i + 100 < size ? 100 : size - i;
		recon_session_take(s, data + i, part, now);
	}
	recon_session_free(s);
	recon_core_free(node.core);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct recon_frame f;
	size_t at = 0;

	while (recon_frame_next(data + at, size - at, &f) == RECON_NEXT_OK) {
		read_body(&f);
		at += RECON_HEADER_BYTES + f.len;
	}
	run_session(data, size, true);
	run_session(data, size, false);
	return 0;
}

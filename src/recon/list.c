#include "recon/session_internal.h"

#include <stdlib.h>
#include <string.h>

/* What is listed: a key as one of its hashes. */
typedef void (*listed_fn)(void *arg, uint64_t hash, const void *key, size_t len, bool is_mixed);

/* ---- What there is here ---- */

struct walk {
	struct recon_session *s;
	listed_fn fn;
	void *arg;
};

static void walk_chain(void *arg, const void *key, size_t len, const struct journal_chain *chain)
{
	struct walk *w = arg;

	for (size_t i = 0; i < chain->n; i++) {
		struct journal_entry e = chain->entries[i];

		if (!recon_session_epoch(w->s, e.epoch))
			continue;
		if (!recon_core_has_rule(w->s->c, RECON_SUMS))
			e.sum = e.newest;
		w->fn(w->arg, journal_entry_hash(chain->hash, &e), key, len, e.mixed);
	}
}

/* Call fn for each entry of the epochs that are compared, or for each key of the part. */
static void each_listed(struct recon_session *s, listed_fn fn, void *arg)
{
	struct walk w = {s, fn, arg};

	if (!s->is_part) {
		journal_each(s->c->journal, walk_chain, &w);
		return;
	}
	for (size_t i = 0; i < s->found.n; i++) {
		const struct name *name = &s->found.list[i];

		fn(arg, name->hash, recon_names_at(&s->found, name), name->len, false);
	}
}

/* ---- A list of hashes ---- */

static bool add_hash(struct recon_session *s, uint64_t hash)
{
	if (s->n_list == s->cap_list) {
		size_t cap = s->cap_list ? s->cap_list * 2 : 256;
		uint64_t *grown = realloc(s->list, cap * sizeof(*grown));

		if (!grown)
			return false;
		s->list = grown;
		s->cap_list = cap;
	}
	s->list[s->n_list++] = hash;
	return true;
}

static int compare_hashes(const void *pa, const void *pb)
{
	uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return a < b ? -1 : a > b;
}

static void sort_hashes(struct recon_session *s)
{
	if (s->n_list > 0)
		qsort(s->list, s->n_list, sizeof(*s->list), compare_hashes);
}

static size_t find_hash(const struct recon_session *s, uint64_t hash)
{
	const uint64_t *at =
		s->n_list > 0 ? bsearch(&hash, s->list, s->n_list, sizeof(hash), compare_hashes)
			      : NULL;

	return at ? (size_t)(at - s->list) : SIZE_MAX;
}

/* ---- Dialer: send it ---- */

struct sending {
	struct recon_session *s;
	bool ok;
};

static void list_one(void *arg, uint64_t hash, const void *key, size_t len, bool is_mixed)
{
	struct sending *x = arg;

	(void)key;
	(void)len;
	(void)is_mixed;
	x->ok = x->ok && x->s->n_list < x->s->o.list_max && add_hash(x->s, hash);
}

void recon_list_send(struct recon_session *s, struct recon_now now)
{
	struct sending x = {s, true};

	if (s->state != RECON_SESSION_RUNNING)
		return;
	s->n_list = 0;
	each_listed(s, list_one, &x);
	x.ok = x.ok && recon_put_list(&s->out, s->list, s->n_list);
	s->n_list = 0;
	recon_session_flush(s, x.ok, now);
}

/* ---- Listener: take it, answer what differs ---- */

void recon_list_take(struct recon_session *s, const struct recon_frame *f, struct recon_now now)
{
	struct recon_numbers hashes;

	if (s->is_listed || !recon_get_list(f, &s->is_listed, &hashes) ||
		hashes.n > s->o.list_max - s->n_list) {
		recon_session_end(s, RECON_WHY_MALFORMED);
		return;
	}
	for (size_t i = 0; i < hashes.n; i++) {
		if (!add_hash(s, recon_u64_at(&hashes, i))) {
			recon_session_end(s, RECON_WHY_MEMORY);
			return;
		}
	}
	if (s->is_listed && (!s->is_part || s->has_scanned))
		recon_list_answer(s, now);
}

struct answering {
	struct recon_session *s;
	uint8_t *is_common; /* a bit for each hash of the list */
	struct buf keys;
	uint32_t n_keys;
	bool ok;
};

static void put_need(struct answering *x)
{
	x->ok = x->ok && recon_put_need(&x->s->out, false, NULL, 0, &x->keys, x->n_keys);
	buf_clear(&x->keys);
	x->n_keys = 0;
}

static void answer_one(void *arg, uint64_t hash, const void *key, size_t len, bool is_mixed)
{
	struct answering *x = arg;
	size_t at = find_hash(x->s, hash);
	uint8_t size[4] = {
		(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};

	if (at != SIZE_MAX)
		x->is_common[at / 8] |= (uint8_t)(1u << at % 8);
	if (at != SIZE_MAX && !is_mixed)
		return;
	if (len > RECON_KEY_MAX) {
		x->s->c->o.host->unsettled(x->s->c->o.arg, x->s->o.peer, key, len, RECON_TOO_LARGE);
		x->s->figures.unsettled++;
		return;
	}
	if (buf_len(&x->keys) + sizeof(size) + len > RECON_NAMES_MAX)
		put_need(x);
	x->ok = x->ok && buf_append(&x->keys, size, sizeof(size)) &&
		(len == 0 || buf_append(&x->keys, key, len));
	x->n_keys++;
}

/* The hashes that are not here, after all keys. */
static void put_missing(struct answering *x)
{
	const struct buf none = {0};
	struct recon_session *s = x->s;
	size_t n = 0;

	for (size_t i = 0; i < s->n_list; i++)
		if (!(x->is_common[i / 8] >> i % 8 & 1))
			s->list[n++] = s->list[i];
	for (size_t i = 0; i < n && x->ok; i += RECON_LIST_MAX)
		x->ok = recon_put_need(&s->out, false, s->list + i,
			n - i < RECON_LIST_MAX ? n - i : RECON_LIST_MAX, &none, 0);
	x->ok = x->ok && recon_put_need(&s->out, true, NULL, 0, &none, 0);
}

void recon_list_answer(struct recon_session *s, struct recon_now now)
{
	struct answering x = {.s = s};

	sort_hashes(s);
	x.is_common = calloc(s->n_list / 8 + 1, 1);
	x.ok = x.is_common != NULL;
	if (x.ok) {
		each_listed(s, answer_one, &x);
		if (x.n_keys > 0)
			put_need(&x);
		put_missing(&x);
	}
	free(x.is_common);
	buf_fini(&x.keys);
	s->n_list = 0;
	s->is_listed = s->has_scanned = false;
	s->stage = STAGE_KEYS;
	recon_session_flush(s, x.ok, now);
}

/* ---- Dialer: what differs ---- */

struct naming {
	struct recon_session *s;
	size_t n_named;
	bool ok;
};

static void name_one(void *arg, uint64_t hash, const void *key, size_t len, bool is_mixed)
{
	struct naming *x = arg;
	struct recon_session *s = x->s;

	(void)is_mixed;
	if (find_hash(s, hash) == SIZE_MAX)
		return;
	x->n_named++;
	if (len > RECON_KEY_MAX) {
		s->c->o.host->unsettled(s->c->o.arg, s->o.peer, key, len, RECON_TOO_LARGE);
		s->figures.unsettled++;
		return;
	}
	x->ok = x->ok &&
		recon_names_add(&s->todo, journal_key_hash(s->c->journal, key, len), key, len);
}

/* Hashes become keys.  An entry that has changed since it was listed has another hash by now: its
 * key is left for the next session. */
static bool name_listed(struct recon_session *s)
{
	struct naming x = {.s = s, .ok = true};

	sort_hashes(s);
	if (s->n_list > 0)
		each_listed(s, name_one, &x);
	if (x.n_named < s->n_list) {
		s->all_well = false;
		for (size_t i = 0; i < s->n_epochs; i++)
			s->epochs[i].failed = true;
	}
	s->n_list = 0;
	return x.ok;
}

void recon_list_need(struct recon_session *s, const struct recon_frame *f, struct recon_now now)
{
	struct recon_need need;
	const uint8_t *key;
	size_t len;
	bool ok = true;

	if (!recon_get_need(f, &need) || need.hashes.n > s->o.list_max - s->n_list) {
		recon_session_end(s, RECON_WHY_MALFORMED);
		return;
	}
	for (size_t i = 0; i < need.hashes.n && ok; i++)
		ok = add_hash(s, recon_u64_at(&need.hashes, i));
	while (ok && recon_need_key(&need, &key, &len))
		ok = s->todo.n < s->o.list_max &&
		     recon_names_add(&s->todo, journal_key_hash(s->c->journal, key, len), key, len);
	if (ok && need.is_last)
		ok = name_listed(s);
	if (!ok) {
		recon_session_end(s, RECON_WHY_MEMORY);
		return;
	}
	if (need.is_last) {
		recon_names_sort(&s->todo);
		recon_keys_begin(s, now);
	}
}

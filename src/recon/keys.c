#include "recon/session_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- Slots ---- */

static void free_key(struct recon_session *s, struct key *k)
{
	if (!s->o.is_dialer)
		s->held -= buf_len(&k->content);
	free(k->name);
	recon_side_fini(&k->mine);
	recon_side_fini(&k->theirs);
	buf_fini(&k->content);
	memset(k, 0, sizeof(*k));
}

static bool begin_key(struct key *k, const void *name, size_t len, struct recon_now now)
{
	k->name = malloc(len ? len : 1);
	if (!k->name)
		return false;
	memcpy(k->name, name, len);
	k->len = len;
	k->began_ms = now.mono_ms;
	return true;
}

static uint32_t id_of(const struct recon_session *s, const struct key *k)
{
	return (uint32_t)(k - s->keys);
}

void recon_keys_fini(struct recon_session *s)
{
	for (uint32_t i = 0; i < RECON_WINDOW_MAX; i++)
		free_key(s, &s->keys[i]);
	free(s->keys);
}

/* ---- Dialer: keys begin and end ---- */

static bool ask_next(struct recon_session *s, struct recon_now now)
{
	const struct name *name = &s->todo.list[s->next];
	const uint8_t *at = recon_names_at(&s->todo, name);
	struct key *k = s->keys;

	while (k->state != KEY_FREE)
		k++;
	if (!begin_key(k, at, name->len, now) ||
		!recon_put_bytes(&s->out, RECON_ASK, id_of(s, k), at, name->len))
		return false;
	k->state = KEY_ASKED;
	s->next++;
	s->n_under_way++;
	return true;
}

/* Keep the window full; go on after the last key. */
static void go_on(struct recon_session *s, struct recon_now now)
{
	bool ok = true;

	while (ok && s->n_under_way < s->o.window && s->next < s->todo.n)
		ok = ask_next(s, now);
	recon_session_flush(s, ok, now);
	if (s->state != RECON_SESSION_RUNNING || s->n_under_way > 0 || s->next < s->todo.n)
		return;
	recon_names_clear(&s->todo);
	s->next = 0;
	if (s->full)
		recon_full_next(s, now);
	else
		recon_session_settle(s, now);
}

void recon_keys_begin(struct recon_session *s, struct recon_now now)
{
	s->stage = STAGE_KEYS;
	s->figures.keys += s->todo.n;
	go_on(s, now);
}

static void fail_epochs(struct recon_session *s, const struct recon_side *side)
{
	for (size_t i = 0; i < side->n_entries; i++) {
		struct compared *x = recon_session_epoch(s, side->entries[i].epoch);

		if (x)
			x->failed = true;
	}
}

/* The key is done with, well or not. */
static void key_done(struct recon_session *s, struct key *k, bool ok, struct recon_now now)
{
	if (!ok) {
		s->figures.changed++;
		s->all_well = false;
		fail_epochs(s, &k->mine);
		fail_epochs(s, &k->theirs);
	}
	free_key(s, k);
	s->n_under_way--;
	go_on(s, now);
}

/* It stays different. */
static void leave_key(struct recon_session *s, struct key *k, enum recon_unsettled why)
{
	s->c->o.host->unsettled(s->c->o.arg, k->name, k->len, why);
	s->figures.unsettled++;
}

/* Nothing is to be done at the listener. */
static bool drop(struct recon_session *s, const struct key *k)
{
	return recon_put_number(&s->out, RECON_DROP, id_of(s, k));
}

/* ---- One side of a key ---- */

static bool fill_side(struct recon_session *s, struct key *k, const struct recon_content *content)
{
	const struct recon_core *c = s->c;
	struct journal_chain chain = journal_look(c->journal, k->name, k->len);
	struct recon_side *m = &k->mine;

	m->id = id_of(s, k);
	m->is_unread = !content || chain.n > RECON_CHAIN_MAX || content->len > UINT32_MAX;
	m->is_busy = chain.under_way > 0;
	m->is_behind = c->kept.standing != RECON_INTACT;
	m->unknown = c->kept.standing == RECON_UNKNOWN ? c->kept.complete : 0;
	m->is_refused = recon_core_is_refused(c, &chain);
	m->forgotten =
		recon_core_has_rule(c, RECON_FORGOTTEN_LOSES) ? journal_forgotten(c->journal) : 0;
	m->horizon = journal_horizon(c->journal);
	if (m->is_unread)
		return true;
	m->is_home = chain.n > 0 && c->o.host->is_home(c->o.arg, chain.entries[0].newest);
	m->exists = content->exists;
	m->digest = content->exists ? content->digest : 0;
	m->deadline_ms = content->exists ? content->deadline_ms : 0;
	m->content_bytes = content->exists ? (uint32_t)content->len : 0;
	m->entries = calloc(chain.n + 1, sizeof(*m->entries));
	if (!m->entries)
		return false;
	if (chain.n > 0)
		memcpy(m->entries, chain.entries, chain.n * sizeof(*m->entries));
	m->n_entries = chain.n;
	return true;
}

static struct journal_chain chain_of(const struct recon_side *side)
{
	return (struct journal_chain){.entries = side->entries, .n = side->n_entries};
}

static struct journal_side judged(const struct recon_side *side)
{
	return (struct journal_side){
		.chain = chain_of(side),
		.forgotten = side->forgotten,
		.behind = side->is_behind,
		.digest = side->digest,
		.is_home = side->is_home,
		.unknown = side->unknown,
	};
}

static bool put_content(
	struct recon_session *s, const struct key *k, const uint8_t *bytes, size_t len)
{
	bool ok = true;

	for (size_t at = 0; ok && at < len; at += RECON_PIECE_MAX)
		ok = recon_put_bytes(&s->out, RECON_CONTENT, id_of(s, k), bytes + at,
			len - at < RECON_PIECE_MAX ? len - at : RECON_PIECE_MAX);
	return ok;
}

/* ---- The side that loses takes the other's ---- */

/* Whether the key is still as the session saw it, and was seen lately. */
static bool is_as_seen(struct recon_session *s, const struct key *k, struct recon_now now)
{
	struct journal_chain chain = journal_look(s->c->journal, k->name, k->len);
	struct journal_chain seen = chain_of(&k->mine);

	if (now.mono_ms - k->began_ms > s->o.key_ms && recon_core_has_rule(s->c, RECON_FRESH_KEYS))
		return false;
	if (!recon_core_has_rule(s->c, RECON_COMPARE_AND_SET))
		return true;
	return chain.under_way == 0 && journal_chain_digest(&chain) == journal_chain_digest(&seen);
}

static struct journal_record record_of(const struct key *k, enum journal_action action)
{
	const struct recon_side *t = &k->theirs;

	return (struct journal_record){
		.action = action,
		.key = k->name,
		.len = k->len,
		.stamp = t->n_entries > 0 ? t->entries[0].newest : 0,
		.entries = t->entries,
		.n_entries = t->n_entries,
		.epoch = t->horizon,
	};
}

/* The contents are equal already: the entries become the other's. */
static bool align(struct recon_session *s, const struct key *k)
{
	struct journal_record r = record_of(k, JOURNAL_ALIGNED);
	struct journal_chain mine = chain_of(&k->mine), theirs = chain_of(&k->theirs);

	/* An entry of what the other has forgotten stays until it is forgotten here. */
	if (journal_chain_digest(&mine) == journal_chain_digest(&theirs) ||
		(mine.n > 0 && mine.entries[0].epoch <= k->theirs.forgotten))
		return true;
	return recon_core_record(s->c, &r);
}

/* False when out of memory.  It is answered by recon_keys_applied(). */
static bool apply(struct recon_session *s, struct key *k)
{
	const struct recon_side *t = &k->theirs;
	struct journal_record r = record_of(k, JOURNAL_REPAIR);
	struct recon_content content = {
		.exists = t->exists,
		.deadline_ms = t->deadline_ms,
		.bytes = t->exists ? buf_head(&k->content) : NULL,
		.len = t->exists ? buf_len(&k->content) : 0,
		.digest = t->digest,
	};

	k->state = KEY_APPLYING;
	return recon_core_ask_apply(s->c, s, id_of(s, k), &r, &content);
}

void recon_keys_before_repair(struct recon_session *s, const struct journal_record *r)
{
	struct journal_chain chain = journal_look(s->c->journal, r->key, r->len);

	for (size_t i = 0; i < chain.n + r->n_entries; i++) {
		const struct journal_entry *e =
			i < chain.n ? &chain.entries[i] : &r->entries[i - chain.n];
		struct compared *x = recon_session_epoch(s, e->epoch);
		const struct journal_epoch *epoch = journal_find_epoch(s->c->journal, e->epoch);

		if (!x)
			continue;
		x->is_touched = true;
		x->before = epoch ? epoch->repairs : 0;
	}
}

void recon_keys_after_repair(struct recon_session *s)
{
	for (size_t i = 0; i < s->n_epochs; i++) {
		struct compared *x = &s->epochs[i];
		const struct journal_epoch *epoch;

		if (!x->is_touched)
			continue;
		epoch = journal_find_epoch(s->c->journal, x->epoch);
		x->repairs += (epoch ? epoch->repairs : 0) - x->before;
		x->is_touched = false;
	}
}

/* ---- Dialer: decide ---- */

/* Of two sides, one has a value that is older than its entries say. */
static enum journal_winner decide_refused(const struct key *k)
{
	const struct recon_side *m = &k->mine, *t = &k->theirs;
	uint64_t nm = m->n_entries > 0 ? m->entries[0].newest : 0;
	uint64_t nt = t->n_entries > 0 ? t->entries[0].newest : 0;

	if (m->is_refused && t->is_refused)
		return JOURNAL_CONFLICT;
	if (m->is_refused)
		return nt >= nm ? JOURNAL_SECOND : JOURNAL_CONFLICT;
	return nm >= nt ? JOURNAL_FIRST : JOURNAL_CONFLICT;
}

static enum journal_winner decide(const struct key *k)
{
	struct journal_side mine = judged(&k->mine), theirs = judged(&k->theirs);

	if (k->mine.is_refused || k->theirs.is_refused)
		return decide_refused(k);
	return journal_decide(&mine, &theirs);
}

static bool is_usable(struct recon_session *s, const struct key *k, struct recon_now now)
{
	const struct recon_side *m = &k->mine, *t = &k->theirs;

	if (m->is_unread || t->is_unread || m->is_busy || t->is_busy)
		return false;
	if (t->n_entries > 0 && !stamp_see(s->c->o.clock, t->entries[0].newest, now.wall_ms))
		return false;
	return is_as_seen(s, k, now);
}

/* The dialer's side is right. */
static bool send_mine(struct recon_session *s, struct key *k, const struct recon_content *content)
{
	k->mine.is_equal = k->mine.digest == k->theirs.digest;
	k->state = KEY_TAKEN;
	return recon_put_side(&s->out, RECON_TAKE, &k->mine) &&
	       (k->mine.is_equal || put_content(s, k, content->bytes, k->mine.content_bytes));
}

/* The listener's side is right; *done when nothing is to be waited for. */
static bool take_theirs(struct recon_session *s, struct key *k, bool *done)
{
	*done = k->mine.digest == k->theirs.digest;
	if (*done)
		return drop(s, k) && align(s, k);
	if (k->theirs.content_bytes > 0) {
		k->state = KEY_RECEIVING;
		return recon_put_number(&s->out, RECON_GIVE, id_of(s, k));
	}
	return drop(s, k) && apply(s, k);
}

static void decide_key(struct recon_session *s, struct key *k, const struct recon_content *content,
	struct recon_now now)
{
	bool done = true, ok;
	enum journal_winner winner;

	if (!is_usable(s, k, now)) {
		recon_session_flush(s, drop(s, k), now);
		key_done(s, k, false, now);
		return;
	}
	winner = decide(k);
	if (winner == JOURNAL_CONFLICT) {
		if (k->mine.digest != k->theirs.digest)
			leave_key(s, k, RECON_CONFLICT);
		ok = drop(s, k);
	} else if (k->mine.digest != k->theirs.digest &&
		   (winner == JOURNAL_FIRST ? &k->mine : &k->theirs)->content_bytes >
			   s->o.value_bytes) {
		leave_key(s, k, RECON_TOO_LARGE);
		ok = drop(s, k);
	} else if (winner == JOURNAL_FIRST) {
		ok = send_mine(s, k, content);
		done = false;
	} else {
		ok = take_theirs(s, k, &done);
	}
	recon_session_flush(s, ok, now);
	if (done && s->state == RECON_SESSION_RUNNING)
		key_done(s, k, true, now);
}

/* ---- Answers of this node's Redis ---- */

/* Listener: read as much as may be held. */
static void read_queued(struct recon_session *s)
{
	for (uint32_t i = 0; i < RECON_WINDOW_MAX && s->held <= s->o.held_bytes; i++) {
		struct key *k = &s->keys[i];

		if (k->state != KEY_QUEUED)
			continue;
		k->state = KEY_READING;
		if (!recon_core_ask_read(s->c, s, i, k->name, k->len))
			recon_session_end(s, RECON_WHY_MEMORY);
	}
}

static bool hold(struct recon_session *s, struct key *k, const struct recon_content *content)
{
	size_t len = content && content->exists ? content->len : 0;

	k->state = KEY_HELD;
	if (len == 0 || len > s->o.value_bytes)
		return true;
	s->held += len;
	return buf_append(&k->content, content->bytes, len);
}

void recon_keys_read(struct recon_session *s, uint32_t id, const struct recon_content *content,
	struct recon_now now)
{
	struct key *k = &s->keys[id];

	if (s->state != RECON_SESSION_RUNNING || k->state != KEY_READING)
		return;
	if (!fill_side(s, k, content)) {
		recon_session_end(s, RECON_WHY_MEMORY);
		return;
	}
	if (s->o.is_dialer)
		decide_key(s, k, content, now);
	else
		recon_session_flush(s,
			hold(s, k, content) && recon_put_side(&s->out, RECON_SIDE, &k->mine), now);
}

static void answer(
	struct recon_session *s, struct key *k, enum recon_answer result, struct recon_now now)
{
	bool ok = recon_put_answer(&s->out, id_of(s, k), result);

	free_key(s, k);
	recon_session_flush(s, ok, now);
	read_queued(s);
}

void recon_keys_applied(
	struct recon_session *s, uint32_t id, enum recon_outcome outcome, struct recon_now now)
{
	struct key *k = &s->keys[id];

	if (s->state != RECON_SESSION_RUNNING || k->state != KEY_APPLYING)
		return;
	s->figures.repaired += outcome == RECON_TAKEN;
	s->figures.unsettled += outcome == RECON_WITHDRAWN;
	if (s->o.is_dialer)
		key_done(s, k, outcome != RECON_UNSURE, now);
	else
		answer(s, k,
			outcome == RECON_TAKEN       ? RECON_DONE
			: outcome == RECON_WITHDRAWN ? RECON_NOT_TAKEN
						     : RECON_CHANGED,
			now);
}

/* ---- Frames ---- */

/* Listener: all of the other's side is here. */
static void apply_taken(struct recon_session *s, struct key *k, struct recon_now now)
{
	const struct recon_side *t = &k->theirs;

	if (!is_as_seen(s, k, now) ||
		(t->n_entries > 0 &&
			!stamp_see(s->c->o.clock, t->entries[0].newest, now.wall_ms))) {
		answer(s, k, RECON_CHANGED, now);
		return;
	}
	if (t->is_equal) {
		answer(s, k, align(s, k) ? RECON_DONE : RECON_CHANGED, now);
		return;
	}
	if (!apply(s, k))
		recon_session_end(s, RECON_WHY_MEMORY);
}

static void take_ask(struct recon_session *s, const struct recon_frame *f, struct recon_now now)
{
	uint32_t id;
	const uint8_t *name;
	size_t len;

	if (!recon_get_bytes(f, &id, &name, &len) || id >= RECON_WINDOW_MAX ||
		s->keys[id].state != KEY_FREE) {
		recon_session_end(s, RECON_WHY_MALFORMED);
		return;
	}
	if (!begin_key(&s->keys[id], name, len, now)) {
		recon_session_end(s, RECON_WHY_MEMORY);
		return;
	}
	s->keys[id].state = KEY_QUEUED;
	s->figures.keys++;
	read_queued(s);
}

/* SIDE, TAKE: the other's side of a key in the given state, or NULL. */
static struct key *take_side(
	struct recon_session *s, const struct recon_frame *f, enum key_state state)
{
	struct recon_side side;

	if (!recon_get_side(f, &side)) {
		recon_session_end(s, RECON_WHY_MALFORMED);
		return NULL;
	}
	if (side.id >= RECON_WINDOW_MAX || s->keys[side.id].state != state) {
		recon_side_fini(&side);
		recon_session_end(s, RECON_WHY_MALFORMED);
		return NULL;
	}
	s->keys[side.id].theirs = side;
	return &s->keys[side.id];
}

static void take_theirs_of(
	struct recon_session *s, const struct recon_frame *f, struct recon_now now)
{
	struct key *k = take_side(s, f, s->o.is_dialer ? KEY_ASKED : KEY_HELD);

	if (!k)
		return;
	if (s->o.is_dialer) {
		k->state = KEY_READING;
		if (!recon_core_ask_read(s->c, s, id_of(s, k), k->name, k->len))
			recon_session_end(s, RECON_WHY_MEMORY);
		return;
	}
	s->held -= buf_len(&k->content);
	buf_fini(&k->content);
	if (k->theirs.content_bytes > s->o.value_bytes && !k->theirs.is_equal) {
		recon_session_end(s, RECON_WHY_MALFORMED);
		return;
	}
	k->state = KEY_RECEIVING;
	if (k->theirs.is_equal || k->theirs.content_bytes == 0)
		apply_taken(s, k, now);
}

static void take_content(struct recon_session *s, const struct recon_frame *f, struct recon_now now)
{
	uint32_t id;
	const uint8_t *bytes;
	size_t len;
	struct key *k;

	if (!recon_get_bytes(f, &id, &bytes, &len) || id >= RECON_WINDOW_MAX ||
		s->keys[id].state != KEY_RECEIVING || len == 0 ||
		len > s->keys[id].theirs.content_bytes - buf_len(&s->keys[id].content)) {
		recon_session_end(s, RECON_WHY_MALFORMED);
		return;
	}
	k = &s->keys[id];
	if (!buf_append(&k->content, bytes, len)) {
		recon_session_end(s, RECON_WHY_MEMORY);
		return;
	}
	if (!s->o.is_dialer)
		s->held += len;
	if (buf_len(&k->content) < k->theirs.content_bytes)
		return;
	if (!s->o.is_dialer)
		apply_taken(s, k, now);
	else if (!is_as_seen(s, k, now))
		key_done(s, k, false, now);
	else if (!apply(s, k))
		recon_session_end(s, RECON_WHY_MEMORY);
}

/* GIVE, DROP: the listener's slot is free afterwards. */
static void take_number_of(
	struct recon_session *s, const struct recon_frame *f, struct recon_now now)
{
	uint32_t id;
	struct key *k;
	bool ok = true;

	if (!recon_get_number(f, &id) || id >= RECON_WINDOW_MAX || s->keys[id].state != KEY_HELD) {
		recon_session_end(s, RECON_WHY_MALFORMED);
		return;
	}
	k = &s->keys[id];
	if (f->type == RECON_GIVE) {
		ok = put_content(s, k, buf_head(&k->content), buf_len(&k->content));
		s->figures.given++;
	}
	free_key(s, k);
	recon_session_flush(s, ok, now);
	read_queued(s);
}

static void take_answer(struct recon_session *s, const struct recon_frame *f, struct recon_now now)
{
	uint32_t id;
	enum recon_answer result;
	struct key *k;

	if (!recon_get_answer(f, &id, &result) || id >= RECON_WINDOW_MAX ||
		s->keys[id].state != KEY_TAKEN) {
		recon_session_end(s, RECON_WHY_MALFORMED);
		return;
	}
	k = &s->keys[id];
	s->figures.given += result == RECON_DONE && !k->mine.is_equal;
	if (result == RECON_NOT_TAKEN)
		leave_key(s, k, RECON_REFUSED);
	key_done(s, k, result != RECON_CHANGED, now);
}

void recon_keys_take(struct recon_session *s, const struct recon_frame *f, struct recon_now now)
{
	switch (f->type) {
	case RECON_ASK:
		take_ask(s, f, now);
		break;
	case RECON_SIDE:
	case RECON_TAKE:
		take_theirs_of(s, f, now);
		break;
	case RECON_GIVE:
	case RECON_DROP:
		take_number_of(s, f, now);
		break;
	case RECON_CONTENT:
		take_content(s, f, now);
		break;
	default:
		take_answer(s, f, now);
		break;
	}
}

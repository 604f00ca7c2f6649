#include "recon/session_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- Slots ---- */

static void free_key(struct recon_session *s, struct key *k)
{
	s->held -= k->held;
	free(k->name);
	recon_side_fini(&k->mine);
	recon_side_fini(&k->theirs);
	buf_fini(&k->content);
	memset(k, 0, sizeof(*k));
}

/* Read as much as may be held, or be on its way to the peer. */
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

static void hold_bytes(struct recon_session *s, struct key *k, size_t len)
{
	k->held += len;
	s->held += len;
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
	for (uint32_t i = 0; s->keys && i < RECON_WINDOW_MAX; i++)
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
	read_queued(s);
	go_on(s, now);
}

/* It stays different. */
static void leave_key(struct recon_session *s, struct key *k, enum recon_unsettled why)
{
	s->c->o.host->unsettled(s->c->o.arg, s->o.peer, k->name, k->len, why);
	s->figures.unsettled++;
}

/* Nothing is to be done at the listener. */
static bool drop(struct recon_session *s, const struct key *k)
{
	return recon_put_number(&s->out, RECON_DROP, id_of(s, k));
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

/* ---- Dialer: decide ---- */

static bool is_usable(struct recon_session *s, const struct key *k, struct recon_now now)
{
	const struct recon_side *m = &k->mine, *t = &k->theirs;

	if (m->is_unread || t->is_unread || m->is_busy || t->is_busy)
		return false;
	if (t->n_entries > 0 && !stamp_see(s->c->o.clock, t->entries[0].newest, now.wall_ms))
		return false;
	return recon_key_is_as_seen(s, k, now);
}

/* The dialer's side is right. */
static bool send_mine(struct recon_session *s, struct key *k, const struct recon_content *content)
{
	k->mine.is_equal = k->mine.digest == k->theirs.digest;
	k->state = KEY_TAKEN;
	hold_bytes(s, k, k->mine.is_equal ? 0 : k->mine.content_bytes);
	return recon_put_side(&s->out, RECON_TAKE, &k->mine) &&
	       (k->mine.is_equal || put_content(s, k, content->bytes, k->mine.content_bytes));
}

/* The listener's side is right; *done when nothing is to be waited for. */
static bool take_theirs(struct recon_session *s, struct key *k, bool *done)
{
	*done = k->mine.digest == k->theirs.digest;
	if (*done)
		return drop(s, k) && recon_key_align(s, k);
	if (k->theirs.content_bytes > 0) {
		k->state = KEY_RECEIVING;
		return recon_put_number(&s->out, RECON_GIVE, id_of(s, k));
	}
	return drop(s, k) && recon_key_apply(s, k);
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
	winner = recon_key_decide(k);
	if (winner == JOURNAL_CONFLICT) {
		/* Where every key is compared, it is found once more by its value. */
		if (k->mine.digest != k->theirs.digest && (!s->full || s->is_part))
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

static bool hold(struct recon_session *s, struct key *k, const struct recon_content *content)
{
	size_t len = content && content->exists ? content->len : 0;

	k->state = KEY_HELD;
	if (len == 0 || len > s->o.value_bytes)
		return true;
	hold_bytes(s, k, len);
	return buf_append(&k->content, content->bytes, len);
}

void recon_keys_read(struct recon_session *s, uint32_t id, const struct recon_content *content,
	struct recon_now now)
{
	struct key *k = &s->keys[id];

	if (s->state != RECON_SESSION_RUNNING || k->state != KEY_READING)
		return;
	if (!recon_key_fill(s, k, content)) {
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

	if (!recon_key_is_as_seen(s, k, now) ||
		(t->n_entries > 0 &&
			!stamp_see(s->c->o.clock, t->entries[0].newest, now.wall_ms))) {
		answer(s, k, RECON_CHANGED, now);
		return;
	}
	if (t->is_equal) {
		answer(s, k, recon_key_align(s, k) ? RECON_DONE : RECON_CHANGED, now);
		return;
	}
	if (!recon_key_apply(s, k))
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
		k->state = KEY_QUEUED;
		read_queued(s);
		return;
	}
	s->held -= k->held;
	k->held = 0;
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
	hold_bytes(s, k, len);
	if (buf_len(&k->content) < k->theirs.content_bytes)
		return;
	if (!s->o.is_dialer)
		apply_taken(s, k, now);
	else if (!recon_key_is_as_seen(s, k, now))
		key_done(s, k, false, now);
	else if (!recon_key_apply(s, k))
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

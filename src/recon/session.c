#include "recon/session_internal.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW      64
#define HELD_BYTES  (16 << 20)
#define VALUE_BYTES (64 << 20)
#define LIST_MAX    (1 << 20)

static uint64_t bit(uint32_t peer)
{
	return UINT64_C(1) << peer;
}

/* ---- Ending, sending ---- */

static void send_out(struct recon_session *s)
{
	size_t len = buf_len(&s->out);

	if (len == 0)
		return;
	s->figures.bytes_out += len;
	s->o.send(s->o.arg, buf_head(&s->out), len);
	buf_clear(&s->out);
}

static void stop(struct recon_session *s, enum recon_why why)
{
	s->why = why;
	s->state = why == RECON_WHY_DONE ? RECON_SESSION_DONE : RECON_SESSION_FAILED;
	recon_core_leave(s->c, s);
}

void recon_session_end(struct recon_session *s, enum recon_why why)
{
	if (s->state != RECON_SESSION_RUNNING)
		return;
	if (recon_put_bye(&s->out, why))
		send_out(s);
	stop(s, why);
}

void recon_session_flush(struct recon_session *s, bool ok, struct recon_now now)
{
	if (s->state != RECON_SESSION_RUNNING)
		return;
	if (!ok) {
		recon_session_end(s, RECON_WHY_MEMORY);
		return;
	}
	s->spoke_ms = now.mono_ms;
	send_out(s);
}

/* ---- HELLO, PLAN ---- */

static bool say_hello(struct recon_session *s, struct recon_now now)
{
	bool ok = recon_core_hello(s->c, s->o.peer, now, &s->mine) &&
		  recon_put_hello(&s->out, &s->mine);

	recon_session_flush(s, ok, now);
	return ok;
}

/* Whether two nodes have to look at an epoch; a or b may be NULL. */
static bool is_to_compare(const struct recon_session *s, const struct recon_hello_epoch *a,
	const struct recon_hello_epoch *b)
{
	bool differs = !a || !b || a->sum != b->sum;
	bool settled = a && b && a->is_settled && b->is_settled;
	bool mixed = (a && a->n_mixed) || (b && b->n_mixed);

	return s->full || !settled || mixed || (differs && recon_core_has_rule(s->c, RECON_REOPEN));
}

static void add_epoch(struct recon_session *s, uint32_t epoch)
{
	const struct journal_epoch *e = journal_find_epoch(s->c->journal, epoch);

	s->epochs[s->n_epochs++] = (struct compared){.epoch = epoch, .repairs = e ? e->repairs : 0};
}

/* The epochs that the two have not settled, or that differ, or are in doubt. */
static bool choose_epochs(struct recon_session *s)
{
	uint32_t closed = s->mine.closed < s->theirs.closed ? s->mine.closed : s->theirs.closed;
	size_t i = 0, k = 0;

	s->epochs = calloc(s->mine.n_epochs + s->theirs.n_epochs + 1, sizeof(*s->epochs));
	if (!s->epochs)
		return false;
	while (s->n_epochs < RECON_EPOCHS_MAX && (i < s->mine.n_epochs || k < s->theirs.n_epochs)) {
		const struct recon_hello_epoch *a = &s->mine.epochs[i], *b = &s->theirs.epochs[k];
		uint32_t epoch;

		if (i == s->mine.n_epochs || (k < s->theirs.n_epochs && b->epoch < a->epoch))
			a = NULL;
		else if (k == s->theirs.n_epochs || a->epoch < b->epoch)
			b = NULL;
		epoch = a ? a->epoch : b->epoch;
		i += a != NULL;
		k += b != NULL;
		if (epoch < closed && is_to_compare(s, a, b))
			add_epoch(s, epoch);
	}
	return true;
}

static bool put_plan(struct recon_session *s)
{
	uint32_t *epochs = calloc(s->n_epochs + 1, sizeof(*epochs));
	bool ok;

	if (!epochs)
		return false;
	for (size_t i = 0; i < s->n_epochs; i++)
		epochs[i] = s->epochs[i].epoch;
	ok = recon_put_plan(&s->out, s->my_standing, s->full, epochs, s->n_epochs);
	free(epochs);
	return ok;
}

/* False when out of memory. */
static bool begin_comparing(struct recon_session *s)
{
	s->keys = calloc(RECON_WINDOW_MAX, sizeof(*s->keys));
	s->figures.epochs = s->n_epochs;
	s->figures.was_full = s->full;
	s->stage = STAGE_LIST;
	s->my_standing = recon_core_standing(s->c);
	return s->keys != NULL;
}

static void plan(struct recon_session *s, struct recon_now now)
{
	s->full = s->theirs.wants_full || recon_core_needs_full(s->c, s->o.peer);
	s->their_standing = s->theirs.standing;
	if (!choose_epochs(s)) {
		recon_session_end(s, RECON_WHY_MEMORY);
		return;
	}
	if (s->n_epochs == 0 && !s->full) {
		recon_core_compared(s->c, s->o.peer, &s->theirs, s->their_standing, false);
		recon_session_end(s, RECON_WHY_DONE);
		return;
	}
	recon_session_flush(s, begin_comparing(s) && put_plan(s), now);
	recon_list_send(s, now);
}

static void take_hello(struct recon_session *s, const struct recon_frame *f, struct recon_now now)
{
	if (f->len > 0 && f->body[0] != RECON_VERSION) {
		recon_session_end(s, RECON_WHY_VERSION);
		return;
	}
	if (!recon_get_hello(f, &s->theirs)) {
		recon_session_end(s, RECON_WHY_MALFORMED);
		return;
	}
	if (s->theirs.share != s->c->o.share) {
		recon_session_end(s, RECON_WHY_SHARE);
		return;
	}
	recon_core_hear(s->c, s->o.peer, &s->theirs);
	if (s->o.is_dialer) {
		plan(s, now);
	} else {
		s->stage = STAGE_PLAN;
		say_hello(s, now);
	}
}

static void take_plan(struct recon_session *s, const struct recon_frame *f)
{
	struct recon_numbers epochs;

	if (!recon_get_plan(f, &s->their_standing, &s->full, &epochs)) {
		recon_session_end(s, RECON_WHY_MALFORMED);
		return;
	}
	s->epochs = calloc(epochs.n + 1, sizeof(*s->epochs));
	if (!s->epochs) {
		recon_session_end(s, RECON_WHY_MEMORY);
		return;
	}
	for (size_t i = 0; i < epochs.n; i++)
		add_epoch(s, recon_u32_at(&epochs, i));
	if (!begin_comparing(s))
		recon_session_end(s, RECON_WHY_MEMORY);
}

struct compared *recon_session_epoch(struct recon_session *s, uint32_t epoch)
{
	size_t low = 0, high = s->n_epochs;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (s->epochs[middle].epoch < epoch)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->n_epochs && s->epochs[low].epoch == epoch ? &s->epochs[low] : NULL;
}

/* ---- Frames ---- */

/* Which frames each side may send; what fits the stage is seen where it is taken. */
static bool is_expected(const struct recon_session *s, enum recon_type type)
{
	switch (type) {
	case RECON_HELLO:
		return s->stage == STAGE_HELLO;
	case RECON_BYE:
	case RECON_WAITING:
		return true;
	case RECON_PLAN:
		return !s->o.is_dialer && s->stage == STAGE_PLAN;
	case RECON_LIST:
	case RECON_BUCKETS:
	case RECON_PART:
	case RECON_SETTLE:
	case RECON_ASK:
	case RECON_TAKE:
	case RECON_GIVE:
	case RECON_DROP:
		return !s->o.is_dialer && s->stage >= STAGE_LIST && s->stage < STAGE_SETTLE;
	case RECON_CONTENT:
		return s->stage >= STAGE_LIST && s->stage < STAGE_SETTLE;
	case RECON_NEED:
		return s->o.is_dialer && (s->stage == STAGE_LIST || s->stage == STAGE_PART);
	case RECON_DIFFER:
		return s->o.is_dialer && s->stage == STAGE_BUCKETS;
	case RECON_SIDE:
	case RECON_ANSWER:
		return s->o.is_dialer && s->stage == STAGE_KEYS;
	case RECON_SETTLED:
		return s->o.is_dialer && s->stage == STAGE_SETTLE;
	}
	return false;
}

static void take_bye(struct recon_session *s, const struct recon_frame *f)
{
	enum recon_why why;
	bool is_done = s->o.is_dialer ? false : s->stage == STAGE_SETTLE || s->stage == STAGE_PLAN;

	if (!recon_get_bye(f, &why))
		why = RECON_WHY_MALFORMED;
	else if (why == RECON_WHY_DONE && !is_done)
		why = RECON_WHY_CLOSED;
	if (why == RECON_WHY_DONE && s->stage == STAGE_PLAN)
		recon_core_compared(s->c, s->o.peer, &s->theirs, s->theirs.standing, false);
	stop(s, why);
}

static void take_frame(struct recon_session *s, const struct recon_frame *f, struct recon_now now)
{
	if (!is_expected(s, f->type)) {
		recon_session_end(s, RECON_WHY_MALFORMED);
		return;
	}
	switch (f->type) {
	case RECON_HELLO:
		take_hello(s, f, now);
		break;
	case RECON_PLAN:
		take_plan(s, f);
		break;
	case RECON_LIST:
		recon_list_take(s, f, now);
		break;
	case RECON_NEED:
		recon_list_need(s, f, now);
		break;
	case RECON_BUCKETS:
	case RECON_DIFFER:
	case RECON_PART:
		recon_full_take(s, f, now);
		break;
	case RECON_SETTLE:
	case RECON_SETTLED:
		recon_settle_take(s, f, now);
		break;
	case RECON_BYE:
		take_bye(s, f);
		break;
	case RECON_WAITING:
		break;
	default:
		recon_keys_take(s, f, now);
		break;
	}
}

void recon_session_take(
	struct recon_session *s, const void *bytes, size_t len, struct recon_now now)
{
	struct recon_frame f;

	if (s->state != RECON_SESSION_RUNNING)
		return;
	s->figures.bytes_in += len;
	s->heard_ms = now.mono_ms;
	if (!buf_append(&s->in, bytes, len)) {
		recon_session_end(s, RECON_WHY_MEMORY);
		return;
	}
	while (s->state == RECON_SESSION_RUNNING) {
		switch (recon_frame_next(buf_head(&s->in), buf_len(&s->in), &f)) {
		case RECON_NEXT_MORE:
			return;
		case RECON_NEXT_BAD:
			recon_session_end(s, RECON_WHY_MALFORMED);
			return;
		case RECON_NEXT_OK:
			take_frame(s, &f, now);
			buf_consume(&s->in, RECON_HEADER_BYTES + f.len);
			break;
		}
	}
}

enum recon_peek recon_session_peek(const void *bytes, size_t len, struct recon_caller *who)
{
	struct recon_frame f;
	struct recon_hello h;

	switch (recon_frame_next(bytes, len, &f)) {
	case RECON_NEXT_MORE:
		return RECON_PEEK_MORE;
	case RECON_NEXT_BAD:
		return RECON_PEEK_BAD;
	case RECON_NEXT_OK:
		break;
	}
	if (f.type != RECON_HELLO || !recon_get_hello(&f, &h))
		return RECON_PEEK_BAD;
	who->share = h.share;
	who->node = h.node;
	memcpy(who->name, h.name, sizeof(who->name));
	recon_hello_fini(&h);
	return RECON_PEEK_OK;
}

/* ---- Time ---- */

static uint32_t total_ms(const struct recon_session *s)
{
	return s->full && s->o.full_ms ? s->o.full_ms : s->o.total_ms;
}

uint64_t recon_session_deadline(const struct recon_session *s)
{
	uint64_t end = s->began_ms + total_ms(s), silence = s->heard_ms + s->o.silence_ms,
		 speak = s->spoke_ms + s->o.silence_ms / 3;

	if (silence < end)
		end = silence;
	return speak < end ? speak : end;
}

void recon_session_tick(struct recon_session *s, struct recon_now now)
{
	if (s->state != RECON_SESSION_RUNNING)
		return;
	if (now.mono_ms >= s->began_ms + total_ms(s))
		recon_session_end(s, RECON_WHY_TIME);
	else if (now.mono_ms >= s->heard_ms + s->o.silence_ms)
		recon_session_end(s, RECON_WHY_SILENCE);
	else if (now.mono_ms >= s->spoke_ms + s->o.silence_ms / 3)
		recon_session_flush(s, recon_put_waiting(&s->out), now);
}

/* ---- Creating, releasing, views ---- */

static uint64_t *role(struct recon_session *s)
{
	return s->o.is_dialer ? &s->c->dialing : &s->c->listening;
}

struct recon_session *recon_session_new(
	struct recon_core *c, const struct recon_session_options *o, struct recon_now now)
{
	struct recon_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->c = c;
	s->o = *o;
	s->began_ms = s->heard_ms = s->spoke_ms = now.mono_ms;
	s->all_well = true;
	if (!s->o.window || s->o.window > RECON_WINDOW_MAX)
		s->o.window = WINDOW;
	if (!s->o.held_bytes)
		s->o.held_bytes = HELD_BYTES;
	if (!s->o.value_bytes)
		s->o.value_bytes = VALUE_BYTES;
	if (!s->o.list_max)
		s->o.list_max = LIST_MAX;
	if (!s->o.key_ms)
		s->o.key_ms = c->o.max_delay_ms - c->o.close_ms;
	if (*role(s) & bit(o->peer)) {
		free(s);
		return NULL;
	}
	*role(s) |= bit(o->peer);
	return s;
}

void recon_session_free(struct recon_session *s)
{
	if (!s)
		return;
	recon_core_leave(s->c, s);
	*role(s) &= ~bit(s->o.peer);
	recon_keys_fini(s);
	recon_hello_fini(&s->mine);
	recon_hello_fini(&s->theirs);
	recon_names_fini(&s->todo);
	recon_names_fini(&s->found);
	free(s->epochs);
	free(s->list);
	free(s->differ);
	free(s->buckets);
	free(s->their_buckets);
	free(s->wanted);
	buf_fini(&s->in);
	buf_fini(&s->out);
	free(s);
}

void recon_session_start(struct recon_session *s, struct recon_now now)
{
	say_hello(s, now);
}

enum recon_session_state recon_session_state(const struct recon_session *s)
{
	return s->state;
}

const char *recon_session_reason(const struct recon_session *s)
{
	switch (s->why) {
	case RECON_WHY_DONE:
		return "nothing is wrong";
	case RECON_WHY_VERSION:
		return "the nodes speak different versions of reconciliation: run the same release";
	case RECON_WHY_SHARE:
		return "the nodes do not see the same ring: compare their configurations";
	case RECON_WHY_MALFORMED:
		return "a message was malformed";
	case RECON_WHY_SILENCE:
		return "the other node said nothing for too long";
	case RECON_WHY_TIME:
		return "it took too long";
	case RECON_WHY_MEMORY:
		return "there was not enough memory";
	case RECON_WHY_SCAN:
		return "the keys of a node could not be listed";
	case RECON_WHY_CLOSED:
		return "the other node ended it";
	}
	return "unknown";
}

const struct recon_session_figures *recon_session_counts(const struct recon_session *s)
{
	return &s->figures;
}

uint32_t recon_session_peer(const struct recon_session *s)
{
	return s->o.peer;
}

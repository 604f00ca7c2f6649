#include "repair/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "journal/ceiling.h"
#include "proto/request_effect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS   100
#define FORGET_MS 1000
#define VERIFY_MS 3000

/* ---- Writes ---- */

uint64_t reconciler_draw_stamp(void *arg)
{
	struct reconciler *r = arg;

	return ceiling_draw(state_clock(r->options.state), repair_store_now().wall_ms);
}

static enum journal_kind kind_of(const struct write_key *k)
{
	switch ((enum request_effect)k->effect) {
	case REQUEST_OVERWRITES:
		return JOURNAL_OVERWRITE;
	case REQUEST_DELETES:
		return JOURNAL_DELETE;
	case REQUEST_UPDATES:
		break;
	}
	return JOURNAL_UPDATE;
}

static struct recon_core *core_of(const struct reconciler *r, const void *key, size_t len)
{
	size_t share = 0;

	if (!r->owns_all)
		share = shares_find(&r->shares, ring_token(r->options.ring, key, len));
	return share == SIZE_MAX ? NULL : r->cores[share].core;
}

static struct recon_write write_of(const struct stamped_write *w, const struct write_key *k)
{
	return (struct recon_write){
		.key = k->bytes,
		.len = k->len,
		.stamp = w->stamp,
		.kind = kind_of(k),
		.mixed = k->doubtful,
	};
}

/* Whether a key of a write with several must wait: looked at before any of them is recorded. */
static bool must_wait(const struct reconciler *r, const struct stamped_write *w)
{
	for (size_t i = 0; i < w->n_keys; i++) {
		const struct recon_core *core = core_of(r, w->keys[i].bytes, w->keys[i].len);

		if (core)
			recon_core_prefetch(core, w->keys[i].bytes, w->keys[i].len);
	}
	for (size_t i = 0; i < w->n_keys; i++) {
		const struct write_key *k = &w->keys[i];
		const struct recon_core *core = core_of(r, k->bytes, k->len);

		if (core && journal_arrival(recon_core_journal(core), k->bytes, k->len, w->stamp,
				    kind_of(k)) == JOURNAL_WAIT)
			return true;
	}
	return false;
}

static void wait_all(struct stamped_write *w)
{
	for (size_t i = 0; i < w->n_keys; i++)
		w->keys[i].verdict = WRITE_WAIT;
}

/*
 * A write that cannot be divided is carried out for all its keys, though some have newer values
 * already: what comes out may differ from what others have.
 */
static void carry_out_whole(struct reconciler *r, struct stamped_write *w)
{
	for (size_t i = 0; i < w->n_keys; i++) {
		struct write_key *k = &w->keys[i];
		struct recon_core *core = core_of(r, k->bytes, k->len);
		struct recon_write write;
		struct journal_record record;

		if (k->verdict != WRITE_PASS_OVER || !core)
			continue;
		k->doubtful = true;
		write = write_of(w, k);
		record = (struct journal_record){
			.action = JOURNAL_SENT,
			.key = write.key,
			.len = write.len,
			.stamp = write.stamp,
			.kind = JOURNAL_UPDATE,
			.mixed = true,
		};
		k->verdict = WRITE_CARRY_OUT;
		k->mark = recon_core_record(core, &record) ? recon_core_place(core) : 0;
	}
}

static enum write_verdict arrive(struct reconciler *r, struct stamped_write *w, struct write_key *k)
{
	struct recon_core *core = core_of(r, k->bytes, k->len);
	struct recon_write write = write_of(w, k);

	k->mark = 0;
	if (!core) /* not of this node: whoever sent it sees another ring */
		return WRITE_CARRY_OUT;
	switch (recon_core_write(core, &write, repair_store_now())) {
	case RECON_CARRY_OUT:
		k->mark = recon_core_place(core);
		return WRITE_CARRY_OUT;
	case RECON_DO_NOTHING:
		r->figures.writes_passed_over++;
		return WRITE_PASS_OVER;
	case RECON_WAIT:
		return WRITE_WAIT;
	case RECON_TOO_LATE:
		r->figures.writes_late++;
		break;
	case RECON_TOO_FAR:
		r->figures.writes_ahead++;
		break;
	case RECON_NO_MEMORY:
		break;
	}
	return WRITE_DECLINE;
}

void reconciler_write_arrives(void *arg, struct stamped_write *w)
{
	struct reconciler *r = arg;
	bool passes_over = false, carries_out = false;

	if (!r->is_known) {
		wait_all(w);
		return;
	}
	if (w->stamp == 0) {
		w->stamp = reconciler_draw_stamp(r);
		r->figures.writes_unstamped++;
		/* Other replicas draw other stamps for it. */
		for (size_t i = 0; i < w->n_keys; i++)
			w->keys[i].doubtful = true;
	}
	if (w->n_keys > 1 && must_wait(r, w)) {
		wait_all(w);
		return;
	}
	for (size_t i = 0; i < w->n_keys; i++) {
		w->keys[i].verdict = (uint8_t)arrive(r, w, &w->keys[i]);
		passes_over = passes_over || w->keys[i].verdict == WRITE_PASS_OVER;
		carries_out = carries_out || w->keys[i].verdict == WRITE_CARRY_OUT;
	}
	if (passes_over && carries_out && !w->divisible)
		carry_out_whole(r, w);
}

static enum recon_outcome outcome_of(
	const struct write_key *k, enum write_fate fate, bool left_unchanged)
{
	switch (fate) {
	case WRITE_TAKEN:
		/* What has changed nothing is not the newest of the key: its value is older. */
		if (left_unchanged && kind_of(k) == JOURNAL_UPDATE && !k->doubtful)
			return RECON_WITHDRAWN;
		return RECON_TAKEN;
	case WRITE_REFUSED:
		/* A script that ended in an error may have written before it did. */
		return k->doubtful ? RECON_UNSURE : RECON_WITHDRAWN;
	case WRITE_MISSED:
		return RECON_WITHDRAWN;
	case WRITE_UNDER_WAY:
	case WRITE_UNKNOWN:
		break;
	}
	return RECON_UNSURE;
}

void reconciler_write_ended(void *arg, size_t node, const struct stamped_write *w,
	enum write_fate fate, bool left_unchanged)
{
	struct reconciler *r = arg;

	if (node > 0) {
		if (fate == WRITE_MISSED || fate == WRITE_UNKNOWN)
			repair_sessions_hurry(r, node, false);
		return;
	}
	for (size_t i = 0; i < w->n_keys; i++) {
		struct write_key *k = &w->keys[i];
		struct recon_core *core = k->mark ? core_of(r, k->bytes, k->len) : NULL;
		struct recon_write write = write_of(w, k);

		write.place = k->mark;
		k->mark = 0;
		if (core)
			recon_core_answered(core, &write, outcome_of(k, fate, left_unchanged));
	}
}

/* ---- What the store and the cores ask ---- */

static bool holds(void *arg, const struct recon_core *core, const void *key, size_t len)
{
	return core_of(arg, key, len) == core && !marker_is_key(key, len);
}

static void sweep_soon(void *arg)
{
	struct reconciler *r = arg;

	event_active(r->sweep, EV_TIMEOUT, 0);
}

/* ---- Time ---- */

static void on_sweep(evutil_socket_t fd, short events, void *arg)
{
	struct reconciler *r = arg;

	(void)fd;
	(void)events;
	if (!r->is_known && !r->is_asking)
		repair_dataset_ask(r);
	repair_sessions_sweep(r);
}

static void forget(struct reconciler *r)
{
	for (size_t i = 0; i < r->shares.n; i++)
		if (r->cores[i].core)
			recon_core_forget(r->cores[i].core, repair_store_now());
	if (r->is_known)
		repair_held_look(r);
}

static void on_tick(evutil_socket_t fd, short events, void *arg)
{
	struct reconciler *r = arg;
	int64_t now_ms = clock_monotonic_ms();

	(void)fd;
	(void)events;
	if (r->is_foreign)
		r->is_known = false;
	if (!r->is_known && !r->is_asking)
		repair_dataset_ask(r);
	repair_sessions_tick(r, now_ms);
	if (now_ms >= r->next_verify_ms) {
		repair_log_verify(r);
		r->next_verify_ms = now_ms + VERIFY_MS;
	}
	if (now_ms >= r->next_forget_ms) {
		forget(r);
		r->next_forget_ms = now_ms + FORGET_MS;
		r->is_dirty = true; /* the log wants a call a second */
	}
}

/* ---- Making and freeing ---- */

static bool make_pairs(struct reconciler *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->shares.n; i++)
		n += r->shares.all[i].n_peers;
	r->pairs = calloc(n + 1, sizeof(*r->pairs));
	r->cores = calloc(r->shares.n + 1, sizeof(*r->cores));
	r->speech = calloc(r->options.ring->n_nodes, sizeof(*r->speech));
	if (!r->pairs || !r->cores || !r->speech)
		return false;
	for (size_t i = 0; i < r->shares.n; i++) {
		r->cores[i].reconciler = r;
		for (size_t k = 0; k < r->shares.all[i].n_peers; k++)
			r->pairs[r->n_pairs++] = (struct repair_pair){
				.reconciler = r,
				.share = i,
				.bit = (uint32_t)k,
				.node = r->shares.all[i].peers[k],
				.figures = {.last_session = NAN, .last_success = NAN},
			};
	}
	return true;
}

struct repair_pair *repair_find_pair(struct reconciler *r, const char *peer, uint64_t share)
{
	for (size_t i = 0; i < r->n_pairs; i++) {
		char name[RECON_NAME_MAX + 1];

		if (r->shares.all[r->pairs[i].share].digest != share)
			continue;
		shares_name(r->options.ring, r->pairs[i].node, name, sizeof(name));
		if (strcmp(name, peer) == 0)
			return &r->pairs[i];
	}
	return NULL;
}

static bool has_too_many_peers(const struct shares *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->all[i].n_peers > JOURNAL_PEERS_MAX)
			return true;
	return false;
}

struct reconciler *reconciler_new(const struct reconciler_options *options)
{
	struct reconciler *r = calloc(1, sizeof(*r));

	if (!r)
		goto no_memory;
	r->options = *options;
	r->unsettled = unsettled_new();
	LIST_INIT(&r->exchanges);
	if (!r->unsettled || !shares_init(&r->shares, options->ring) || !make_pairs(r))
		goto no_memory;
	if (has_too_many_peers(&r->shares)) {
		log_error("cannot start: entropy: more than %d racks besides this node's",
			JOURNAL_PEERS_MAX);
		goto failed;
	}
	r->owns_all = r->shares.n == 1 && r->shares.n_segments == 1;
	if (!repair_sessions_init(r))
		goto no_memory;
	if (!repair_log_open(r))
		goto failed;
	return r;
no_memory:
	log_error("cannot start: entropy: no memory for the journal");
failed:
	reconciler_free(r);
	return NULL;
}

bool reconciler_start(struct reconciler *r, struct proxy *proxy)
{
	const struct timeval tv = {.tv_usec = TICK_MS * 1000};
	const struct repair_store_options store = {
		.base = r->options.base,
		.proxy = proxy,
		.holds = holds,
		.answered = sweep_soon,
		.arg = r,
	};

	r->proxy = proxy;
	r->store = repair_store_new(&store);
	r->sweep = event_new(r->options.base, -1, 0, on_sweep, r);
	r->ticker = event_new(r->options.base, -1, EV_PERSIST, on_tick, r);
	if (!r->store || !r->sweep || !r->ticker || event_add(r->ticker, &tv) != 0) {
		log_error("cannot start: entropy: no memory or timer for sessions");
		return false;
	}
	recent_hold(r->options.recent, RECENT_HELD_ALL); /* until the journals are there */
	repair_dataset_ask(r);
	return true;
}

void reconciler_stop(struct reconciler *r)
{
	r->stopping = true;
	repair_sessions_drop(r, SIZE_MAX);
}

void reconciler_free(struct reconciler *r)
{
	if (!r)
		return;
	repair_sessions_fini(r);
	repair_store_free(r->store);
	repair_log_close(r);
	for (size_t i = 0; r->cores && i < r->shares.n; i++)
		recon_core_free(r->cores[i].core);
	free(r->cores);
	free(r->pairs);
	free(r->speech);
	if (r->ticker)
		event_free(r->ticker);
	if (r->sweep)
		event_free(r->sweep);
	unsettled_free(r->unsettled);
	shares_fini(&r->shares);
	free(r);
}

void reconciler_before_flush(void *arg)
{
	repair_log_flush(arg);
}

void reconciler_node_back(struct reconciler *r, size_t node)
{
	repair_speech_ask_again(r, node);
	repair_sessions_hurry(r, node, true);
}

bool reconciler_run(struct reconciler *r, size_t node, bool full)
{
	bool found = false;

	for (size_t i = 0; i < r->n_pairs; i++) {
		struct repair_pair *p = &r->pairs[i];

		if (node != SIZE_MAX && p->node != node)
			continue;
		found = true;
		p->due_ms = 0;
		p->wanted_until = repair_store_now().wall_ms;
		if (full && r->cores[p->share].core)
			recon_core_want_full(r->cores[p->share].core, p->bit, true);
	}
	return found;
}

void reconciler_pause(struct reconciler *r, bool pause)
{
	r->figures.paused = pause;
	if (pause)
		repair_sessions_drop(r, SIZE_MAX);
	else
		reconciler_run(r, SIZE_MAX, false);
}

bool reconciler_is_paused(const struct reconciler *r)
{
	return r->figures.paused;
}

#include "repair/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "journal/ceiling.h"
#include "proto/reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char size_request[] = "*1\r\n$6\r\nDBSIZE\r\n";

/* ---- Cores ---- */

static void host_read(void *arg, const void *key, size_t len, uint64_t ticket)
{
	const struct repair_share *s = arg;

	repair_store_read(s->reconciler->store, s->core, key, len, ticket);
}

static void host_apply(
	void *arg, const void *key, size_t len, const struct recon_content *c, uint64_t ticket)
{
	const struct repair_share *s = arg;

	unsettled_repaired(s->reconciler->unsettled, key, len); /* until it is found again */
	repair_store_apply(s->reconciler->store, s->core, key, len, c, ticket);
}

static void host_scan(void *arg, uint64_t ticket)
{
	const struct repair_share *s = arg;

	repair_store_scan(s->reconciler->store, s->core, ticket);
}

static bool host_is_home(void *arg, uint64_t stamp)
{
	const struct repair_share *s = arg;
	const struct ring *ring = s->reconciler->options.ring;
	uint32_t number = stamp_node(stamp);

	for (size_t i = 0; i < ring->n_nodes; i++)
		if (ring->nodes[i].rack == 0 && ring_place(ring, i) == number)
			return true;
	return false;
}

static void host_unsettled(
	void *arg, uint32_t peer, const void *key, size_t len, enum recon_unsettled why)
{
	const struct repair_share *s = arg;
	struct reconciler *r = s->reconciler;
	struct repair_figures *f = &r->figures;

	for (size_t i = 0; i < r->n_pairs; i++)
		if (&r->cores[r->pairs[i].share] == s && r->pairs[i].bit == peer)
			unsettled_note(
				r->unsettled, i, key, len, why, (double)clock_wall_ms() / 1e3);
	f->keys_unsettled++;
	switch (why) {
	case RECON_CONFLICT:
		f->keys_in_conflict++;
		break;
	case RECON_REFUSED:
		f->keys_refused++;
		break;
	case RECON_TOO_LARGE:
		f->keys_too_large++;
		break;
	}
}

static const struct recon_host host = {
	.record = repair_log_record,
	.keep = repair_log_keep,
	.read = host_read,
	.apply = host_apply,
	.scan = host_scan,
	.is_home = host_is_home,
	.unsettled = host_unsettled,
};

/* The first half of the identity, as a number. */
static uint64_t identity_of(const struct state *s)
{
	char half[STATE_IDENTITY_CHARS / 2 + 1];

	snprintf(half, sizeof(half), "%s", state_identity(s));
	return strtoull(half, NULL, 16);
}

/* A core with an empty journal; one that the log knows has what was kept of it. */
static bool make_core(struct reconciler *r, size_t share, enum recon_standing standing)
{
	const struct share *s = &r->shares.all[share];
	struct repair_share *own = &r->cores[share];
	char name[RECON_NAME_MAX + 1];
	const struct recon_options o = {
		.seed = s->digest,
		.share = s->digest,
		.node = identity_of(r->options.state),
		.name = name,
		.incarnation = state_incarnation(r->options.state),
		.peers = s->n_peers == 64 ? UINT64_MAX : (UINT64_C(1) << s->n_peers) - 1,
		.standing = standing,
		.max_delay_ms = (uint32_t)(2 * r->options.timeout_ms + 5000),
		.close_ms = (uint32_t)(r->options.timeout_ms + 1000),
		.clock = ceiling_clock(state_clock(r->options.state)),
		.host = &host,
		.arg = own,
	};

	if (s->n_peers == 0)
		return true; /* nobody else has these keys */
	shares_name(r->options.ring, 0, name, sizeof(name));
	if (own->core)
		repair_store_leave(r->store, own->core);
	recon_core_free(own->core);
	own->core = recon_core_new(&o, repair_store_now());
	return own->core != NULL;
}

static bool make_cores(struct reconciler *r, enum recon_standing standing)
{
	for (size_t i = 0; i < r->shares.n; i++)
		if (!make_core(r, i, standing))
			return false;
	for (size_t i = 0; i < r->n_pairs; i++)
		r->pairs[i].settled_until = 0;
	return true;
}

/* ---- What the dataset has of the log ---- */

/* Empty a journal for the log to be done again. */
static void restart(void *arg)
{
	struct reconciler *r = arg;

	for (size_t i = 0; i < r->shares.n; i++) {
		const struct recon_kept *kept;
		size_t len;

		if (!r->cores[i].core)
			continue;
		repair_store_leave(r->store, r->cores[i].core);
		kept = wal_kept(r->wal, r->cores[i].in_log, &len);
		r->no_memory |= !recon_core_restart(
			r->cores[i].core, kept && len == sizeof(*kept) ? kept : NULL);
	}
}

static bool apply(void *arg, uint32_t share, const struct journal_record *record)
{
	struct reconciler *r = arg;

	for (size_t i = 0; i < r->shares.n; i++)
		if (r->cores[i].core && r->cores[i].in_log == share)
			return recon_core_replay(r->cores[i].core, record);
	return true; /* of a share that this node had in another ring */
}

static bool renew(struct reconciler *r)
{
	char why[STATE_WHY_MAX];

	if (state_renew(r->options.state, why))
		return true;
	log_error("entropy: %s", why);
	return false;
}

/* The log tells nothing of this dataset: begin with empty journals. */
static bool begin_anew(struct reconciler *r, enum recon_standing standing)
{
	if (!renew(r) || !make_cores(r, standing))
		return false;
	for (size_t i = 0; i < r->shares.n; i++)
		if (r->cores[i].core)
			repair_log_keep(&r->cores[i], recon_core_kept(r->cores[i].core));
	return true;
}

static bool came_back(struct reconciler *r)
{
	if (!renew(r))
		return false;
	for (size_t i = 0; i < r->shares.n; i++)
		if (r->cores[i].core)
			recon_core_came_back(r->cores[i].core, state_incarnation(r->options.state));
	return true;
}

static void say(const struct reconciler *r, const char *what)
{
	if (r->n_pairs > 0)
		log_notice("entropy: %s", what);
}

static bool judge(struct reconciler *r, bool is_empty)
{
	const struct marker_host markers = {.restart = restart, .apply = apply, .arg = r};
	enum recon_standing none = is_empty ? RECON_BEHIND : RECON_UNKNOWN;
	bool is_new = wal_is_new(r->wal) && !r->is_begun;

	if (!r->is_begun && !make_cores(r, none))
		return false;
	if (r->is_foreign)
		wal_restart(r->wal);
	if (is_new || r->is_foreign) {
		say(r, is_empty ? "the datastore is empty: every key comes from the peers"
				: "it is not known what the datastore has: every key is compared "
				  "with the peers'");
		return begin_anew(r, none);
	}
	switch (marker_rebuild(r->wal, r->found, is_empty, r->is_begun, &markers)) {
	case MARKER_INTACT:
		return true;
	case MARKER_LOST:
		say(r, "the datastore came back without its latest writes");
		return came_back(r);
	case MARKER_TOO_OLD:
		say(r, "the datastore came back older than the log of writes: every key is "
		       "compared with the peers'");
		return begin_anew(r, RECON_BEHIND);
	case MARKER_UNKNOWN:
		break;
	}
	say(r, "the datastore has not what the log of writes tells of: every key is compared with "
	       "the peers'");
	return begin_anew(r, none);
}

static void learn(struct reconciler *r, bool is_empty)
{
	repair_sessions_drop(r, SIZE_MAX);
	r->no_memory = false;
	if (!judge(r, is_empty) || r->no_memory) {
		log_error("entropy: no memory for the journal, or its state cannot be written; it "
			  "is tried again");
		r->is_begun = false;
		return; /* the ticker asks again */
	}
	repair_log_begin_lanes(r);
	repair_held_begin(r);
	r->is_begun = true;
	r->is_known = true;
	r->is_dirty = true;
	repair_log_flush(r);
}

/* ---- Looking at the dataset ---- */

/* The datastore refuses the scripts. */
static void do_without_markers(struct reconciler *r)
{
	if (!r->has_no_markers)
		log_warn("entropy: the datastore refuses EVAL, SELECT or MGET, so that after a "
			 "restart it is not known which writes it has");
	r->has_no_markers = true;
	memset(r->found, 0, sizeof(r->found)); /* MARKER_NONE */
	r->found_ok = true;
}

/* The markers of all lanes, in an array. */
static void on_markers(void *arg, const uint8_t *reply, size_t len, enum write_fate fate)
{
	struct reconciler *r = arg;
	const uint8_t *text, *end = reply + len;
	size_t used, n_text;
	uint64_t n;

	r->found_ok = false;
	if (fate == WRITE_REFUSED && r->has_one_database) {
		do_without_markers(r);
		return;
	}
	/* With a single database, or a user who may use no other: it is looked again there. */
	if (fate == WRITE_REFUSED)
		r->has_one_database = true;
	if (fate != WRITE_TAKEN || !reply || !reply_array(reply, len, &n, &used) ||
		n != WAL_LANES_MAX)
		return;
	for (size_t i = 0; i < WAL_LANES_MAX; i++) {
		struct marker_found *f = &r->found[i];

		reply += used;
		if (!reply_string(reply, (size_t)(end - reply), &text, &n_text, &used))
			return;
		f->what = MARKER_NONE;
		if (text)
			f->what = marker_parse(&f->marker, text, n_text) ? MARKER_THERE
									 : MARKER_FOREIGN;
	}
	r->found_ok = true;
}

static void on_size(void *arg, const uint8_t *reply, size_t len, enum write_fate fate)
{
	struct reconciler *r = arg;
	int64_t n;

	r->is_asking = false;
	if (r->ask_again) /* a connection was made meanwhile */
		r->ask_again = false;
	else if (fate == WRITE_TAKEN && reply && reply_integer(reply, len, &n) && r->found_ok)
		learn(r, n == 0);
}

static bool ask(struct reconciler *r, const void *request, size_t len, proxy_answered *answered)
{
	const struct proxy_own_request own = {
		.request = request,
		.request_len = len,
		.answered = answered,
		.arg = r,
	};

	return proxy_ask(r->proxy, &own);
}

static bool ask_markers(struct reconciler *r)
{
	struct buf request = {0};
	bool ok = repair_log_write(r, &request, repair_log_look_script, 0, WAL_LANES_MAX, NULL) &&
		  ask(r, buf_head(&request), buf_len(&request), on_markers);

	buf_fini(&request);
	return ok;
}

void repair_dataset_look(struct reconciler *r)
{
	r->found_ok = false;
	if (!ask_markers(r) || !ask(r, size_request, sizeof(size_request) - 1, on_size))
		r->is_asking = false;
}

void reconciler_datastore_up(void *arg)
{
	struct reconciler *r = arg;

	r->is_known = false;
	r->ask_again = r->is_asking;
	event_active(r->sweep, EV_TIMEOUT, 0);
}

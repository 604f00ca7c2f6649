#include "repair/internal.h"

#include "base/clock.h"
#include "recon/session.h"

#include <math.h>
#include <string.h>

/* What is older than this, and the time that writes may take, is settled while all goes well. */
#define KEEPS_UP_MS 60000

void repair_count_session(const struct exchange *x)
{
	const struct recon_session_figures *f = recon_session_counts(x->session);
	struct repair_figures *all = &x->reconciler->figures;
	struct repair_peer_figures *peer = &x->pair->figures;

	all->sessions++;
	all->sessions_full += f->was_full;
	all->keys_compared += f->keys;
	all->keys_repaired += f->repaired;
	all->keys_given += f->given;
	all->keys_changed += f->changed;
	peer->sessions++;
	peer->sessions_full += f->was_full;
	peer->bytes_sent += f->bytes_out;
	peer->bytes_received += f->bytes_in;
	peer->keys_compared += f->keys;
	peer->keys_repaired += f->repaired;
	peer->keys_given += f->given;
	peer->keys_changed += f->changed;
	peer->keys_unsettled += f->unsettled;
	peer->last_session = (double)clock_wall_ms() / 1e3;
}

/* Seconds; NaN when nothing is settled. */
static double age_of(const struct repair_pair *p)
{
	uint64_t now_ms = repair_store_now().wall_ms;

	if (p->settled_until == 0)
		return (double)NAN;
	return now_ms > p->settled_until ? (double)(now_ms - p->settled_until) / 1e3 : 0;
}

/* The greater one; not a number, as soon as one is not. */
static double worse(double a, double b)
{
	return isnan(a) || a >= b ? a : b;
}

/* The later of two times, of which any may be NaN. */
static double later(double a, double b)
{
	return isnan(a) || b > a ? b : a;
}

const struct unsettled_key *reconciler_next_unsettled(
	const struct reconciler *r, const struct unsettled_key *last, size_t *node)
{
	const struct unsettled_key *k = unsettled_next(r->unsettled, last);

	*node = k ? r->pairs[k->with].node : 0;
	return k;
}

/* ---- Of a peer ---- */

static bool is_full(const struct repair_pair *p)
{
	const struct recon_core *core = p->reconciler->cores[p->share].core;

	return core && recon_core_needs_full(core, p->bit);
}

/* Why the next session with it compares every key; NULL: it does not. */
static const char *why_full(const struct repair_pair *p)
{
	const struct recon_core *core = p->reconciler->cores[p->share].core;

	if (!is_full(p))
		return NULL;
	switch (recon_core_standing(core)) {
	case RECON_BEHIND:
		return "this node has lost data";
	case RECON_UNKNOWN:
		return "this node has data that no journal covers";
	case RECON_INTACT:
	case RECON_LOST:
		break;
	}
	return "an operator asked for it";
}

/* Add the sessions that run. */
static void add_running(const struct repair_pair *p, struct reconciler_peer *out)
{
	const struct exchange *x;

	LIST_FOREACH (x, &p->reconciler->exchanges, next) {
		const struct recon_session_figures *f;

		if (x->pair != p || !x->session)
			continue;
		f = recon_session_counts(x->session);
		out->figures.running = 1;
		out->figures.bytes_sent += f->bytes_out;
		out->figures.bytes_received += f->bytes_in;
		out->figures.keys_compared += f->keys;
		out->figures.keys_repaired += f->repaired;
		out->figures.keys_given += f->given;
		out->figures.keys_changed += f->changed;
		out->figures.keys_unsettled += f->unsettled;
		if (f->was_full && !out->why_full)
			out->why_full = "the peer needs it";
	}
}

static void add_pair(const struct repair_pair *p, bool is_first, struct reconciler_peer *out)
{
	const struct repair_peer_figures *f = &p->figures;
	struct repair_peer_figures *to = &out->figures;

	to->sessions += f->sessions;
	to->sessions_failed += f->sessions_failed;
	to->sessions_full += f->sessions_full;
	to->bytes_sent += f->bytes_sent;
	to->bytes_received += f->bytes_received;
	to->keys_compared += f->keys_compared;
	to->keys_repaired += f->keys_repaired;
	to->keys_given += f->keys_given;
	to->keys_changed += f->keys_changed;
	to->keys_unsettled += f->keys_unsettled;
	to->last_ok = f->last_ok && (is_first || to->last_ok);
	to->last_session = is_first ? f->last_session : later(to->last_session, f->last_session);
	to->last_success = is_first ? f->last_success : later(to->last_success, f->last_success);
	to->settled_age = is_first ? age_of(p) : worse(to->settled_age, age_of(p));
	to->asked |= p->settled_until < p->wanted_until || is_full(p);
	if (!out->why_full)
		out->why_full = why_full(p);
	if (p->why[0])
		out->why_failed = p->why;
	add_running(p, out);
}

bool reconciler_peer(const struct reconciler *r, size_t node, struct reconciler_peer *p)
{
	int64_t keeps_up_ms = KEEPS_UP_MS + 2 * r->options.timeout_ms;
	bool found = false;

	*p = (struct reconciler_peer){0};
	for (size_t i = 0; i < r->n_pairs; i++) {
		if (r->pairs[i].node != node || r->speech[node] == RECONCILER_SPEAKS_1)
			continue;
		add_pair(&r->pairs[i], !found, p);
		found = true;
	}
	p->figures.full = p->why_full != NULL;
	p->figures.settled = p->figures.settled_age * 1e3 <= (double)keeps_up_ms;
	return found;
}

/* ---- Of all ---- */

static void count_peers(const struct reconciler *r, struct repair_figures *f)
{
	struct reconciler_peer p;

	for (size_t i = 1; i < r->options.ring->n_nodes; i++) {
		if (!reconciler_peer(r, i, &p))
			continue;
		f->peers++;
		f->peers_settled += p.figures.settled;
		f->settled_age = worse(f->settled_age, p.figures.settled_age);
	}
}

static void count_running(const struct reconciler *r, struct repair_figures *f)
{
	const struct exchange *x;

	LIST_FOREACH (x, &r->exchanges, next)
		f->sessions_running += x->session != NULL;
}

void reconciler_count(const struct reconciler *r, struct repair_figures *f)
{
	*f = r->figures;
	f->bytes_sent = r->conn_figures.bytes_out;
	f->bytes_received = r->conn_figures.bytes_in;
	count_peers(r, f);
	count_running(r, f);
	for (size_t i = 0; i < r->shares.n; i++) {
		const struct recon_core *core = r->cores[i].core;

		if (!core)
			continue;
		f->journal_keys += journal_n_entries(recon_core_journal(core));
		if (recon_core_standing(core) != RECON_INTACT)
			f->catching_up = 1;
	}
}

const char *reconciler_condition(const struct reconciler *r)
{
	enum recon_standing worst = RECON_INTACT;

	if (!r->is_known)
		return "waits for its datastore";
	for (size_t i = 0; i < r->shares.n; i++)
		if (r->cores[i].core && recon_core_standing(r->cores[i].core) > worst)
			worst = recon_core_standing(r->cores[i].core);
	switch (worst) {
	case RECON_INTACT:
		return "has all data that its peers have settled with it";
	case RECON_LOST:
		return "has lost writes, and asks its peers for them";
	case RECON_BEHIND:
		return "has lost data, and compares every key with its peers";
	case RECON_UNKNOWN:
		break;
	}
	return "has data that no journal covers, and compares every key with its peers";
}

#include "repair/internal.h"

#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/shown.h"
#include "recon/session.h"

#include <inttypes.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Between two sessions with a peer, when nothing is known to be missing. */
#define INTERVAL_MS 10000

/* How soon a session follows a return, a missed write or a failure; it doubles up to the most. */
#define SOON_MS  500
#define RETRY_MS 1000
#define WAIT_MAX 60000

#define SESSION_MS   300000 /* the longest */
#define SILENCE_MS   15000
#define HANDSHAKE_MS 5000

#define DIALING_MAX   8
#define EXCHANGES_MAX 256

/* Of one value, of values held for a peer, and of all that waits to be sent. */
#define VALUE_MAX ((size_t)64 * 1024 * 1024)
#define HELD_MAX  ((size_t)16 * 1024 * 1024)
#define QUEUE_MAX (4 * VALUE_MAX)
#define BODY_MAX  ((size_t)2 * 1024 * 1024)

/* ---- Ends ---- */

static int64_t spread(int64_t ms)
{
	uint16_t random;

	if (RAND_bytes((unsigned char *)&random, sizeof(random)) != 1)
		return ms;
	return ms / 2 + ms * random / UINT16_MAX;
}

static void set_due(struct repair_pair *p, int64_t wait_ms)
{
	p->due_ms = clock_monotonic_ms() + wait_ms;
}

static const char *name_of(const struct repair_pair *p)
{
	return p->reconciler->options.ring->nodes[p->node].name;
}

/* Count a session that has ended, or is cut short, and free it. */
static void end_session(struct exchange *x)
{
	const struct recon_session_figures *f;

	if (!x->session)
		return;
	f = recon_session_counts(x->session);
	repair_count_session(x);
	if (f->repaired + f->given + f->unsettled > 0)
		log_info("entropy: session with %s: %" PRIu64 " keys compared, %" PRIu64
			 " repaired here, %" PRIu64 " there, %" PRIu64
			 " left for the next, %" PRIu64 " stay different",
			name_of(x->pair), f->keys, f->repaired, f->given, f->changed, f->unsettled);
	recon_session_free(x->session);
	x->session = NULL;
}

static void free_exchange(struct exchange *x)
{
	end_session(x);
	if (x->is_dialer) {
		x->pair->is_dialing = false;
		x->reconciler->n_dialing--;
	}
	if (x->lookup)
		evdns_getaddrinfo_cancel(x->lookup);
	recon_conn_free(x->conn);
	LIST_REMOVE(x, next);
	free(x);
}

/* Log the first failure in a row of those that this node dialed, since each is tried again. */
static void failed(struct exchange *x, const char *why)
{
	struct repair_pair *p = x->pair;
	struct reconciler *r = x->reconciler;
	int64_t wait_ms = RETRY_MS;

	r->figures.sessions_failed += p != NULL;
	if (!p)
		return;
	p->figures.sessions_failed++;
	p->figures.last_ok = 0;
	snprintf(p->why, sizeof(p->why), "%s", why);
	if (!x->is_dialer)
		return;
	if (p->failures++ == 0)
		log_warn("entropy: session with %s: %s; it is tried again", name_of(p), why);
	for (unsigned i = 1; i < p->failures && wait_ms < WAIT_MAX; i++)
		wait_ms *= 2;
	set_due(p, spread(wait_ms < WAIT_MAX ? wait_ms : WAIT_MAX));
}

static void done(struct exchange *x)
{
	struct repair_pair *p = x->pair;
	struct recon_core *core = x->reconciler->cores[p->share].core;
	const struct recon_session_figures *f = recon_session_counts(x->session);
	/* Keys changed meanwhile, or there is more to compare than was known at the beginning. */
	bool again = f->changed > 0 || recon_core_standing(core) != RECON_INTACT;
	uint64_t until;

	if (f->was_full) {
		recon_core_want_full(core, p->bit, false);
		/* The one that dials finds what stays different. */
		if (x->is_dialer)
			unsettled_compared(x->reconciler->unsettled,
				(size_t)(p - x->reconciler->pairs), x->began_at);
	}
	until = recon_core_settled_until(core, p->bit, x->began);
	if (until > 0)
		p->settled_until = until;
	again = again || p->settled_until < p->wanted_until;
	p->figures.last_ok = 1;
	p->figures.last_success = (double)clock_wall_ms() / 1e3;
	p->why[0] = '\0';
	if (x->is_dialer && p->failures > 0)
		log_notice("entropy: sessions with %s go well again", name_of(p));
	if (x->is_dialer)
		p->failures = 0;
	set_due(p, again ? RETRY_MS : spread(INTERVAL_MS));
}

/* Look at a session after something has happened to it. */
static void check(struct exchange *x)
{
	if (!x->session)
		return;
	if (x->overflowed) {
		failed(x, "the peer reads too slowly");
		free_exchange(x);
		return;
	}
	switch (recon_session_state(x->session)) {
	case RECON_SESSION_RUNNING:
		return;
	case RECON_SESSION_DONE:
		done(x);
		break;
	case RECON_SESSION_FAILED:
		failed(x, recon_session_reason(x->session));
		break;
	}
	end_session(x);
	recon_conn_finish(x->conn);
}

void repair_sessions_sweep(struct reconciler *r)
{
	struct exchange *next;

	for (struct exchange *x = LIST_FIRST(&r->exchanges); x; x = next) {
		next = LIST_NEXT(x, next);
		check(x);
	}
}

void repair_sessions_drop(struct reconciler *r, size_t share)
{
	struct exchange *next;

	for (struct exchange *x = LIST_FIRST(&r->exchanges); x; x = next) {
		next = LIST_NEXT(x, next);
		if (share == SIZE_MAX || (x->pair && x->pair->share == share))
			free_exchange(x);
	}
}

/* ---- The connection ---- */

static void on_send(void *arg, const void *bytes, size_t len)
{
	struct exchange *x = arg;

	if (!recon_conn_send(x->conn, bytes, len))
		x->overflowed = true;
}

/* False when there is one already with this peer in this role, or no memory. */
static bool begin_session(struct exchange *x)
{
	const struct repair_pair *p = x->pair;
	struct recon_now now = repair_store_now();
	const struct recon_session_options options = {
		.peer = p->bit,
		.is_dialer = x->is_dialer,
		.total_ms = SESSION_MS,
		.silence_ms = SILENCE_MS,
		.held_bytes = HELD_MAX,
		.value_bytes = VALUE_MAX,
		.send = on_send,
		.arg = x,
	};

	x->session = recon_session_new(x->reconciler->cores[p->share].core, &options, now);
	x->began = now;
	x->began_at = (double)clock_wall_ms() / 1e3;
	x->was_begun = x->session != NULL;
	return x->was_begun;
}

static void on_opened(void *arg)
{
	struct exchange *x = arg;

	if (!x->is_dialer) {
		repair_speech_opened_by(x->reconciler, recon_conn_peer(x->conn));
		return; /* the dialer speaks first */
	}
	repair_speech_opened(x->reconciler, x->pair->node);
	if (!begin_session(x)) {
		failed(x, "no memory for it");
		free_exchange(x);
		return;
	}
	recon_session_start(x->session, repair_store_now());
	check(x);
}

/* A peer that dials again has given up the session before. */
static void drop_former(struct exchange *x)
{
	struct exchange *next;

	for (struct exchange *f = LIST_FIRST(&x->reconciler->exchanges); f; f = next) {
		next = LIST_NEXT(f, next);
		if (f != x && !f->is_dialer && f->pair == x->pair && f->session)
			free_exchange(f);
	}
}

/* The first message of a node that has connected.  False when nothing comes of it. */
static bool begin_listening(struct exchange *x, const uint8_t *frame, size_t len)
{
	struct reconciler *r = x->reconciler;
	const char *peer = recon_conn_peer(x->conn);
	struct recon_caller caller;

	if (recon_session_peek(frame, len, &caller) != RECON_PEEK_OK || !r->is_known)
		return false;
	x->pair = repair_find_pair(r, peer, caller.share);
	if (!x->pair) {
		char shown[RECON_TLS_NAME_MAX + 1];

		log_rarely(&r->gate, LOG_LEVEL_WARN,
			"entropy: %s asked for a session about keys that this node does not share "
			"with it: do both have the same dyn_seeds and tokens?",
			shown_word(peer, strlen(peer), shown, sizeof(shown)));
		return false;
	}
	drop_former(x);
	return begin_session(x);
}

static void on_frame(void *arg, const uint8_t *frame, size_t len)
{
	struct exchange *x = arg;

	if (!x->session && (x->pair || !begin_listening(x, frame, len))) {
		recon_conn_finish(x->conn);
		return;
	}
	recon_session_take(x->session, frame, len, repair_store_now());
	check(x);
}

static void not_opened(struct exchange *x, enum recon_conn_end end, const char *why)
{
	struct repair_pair *p = x->pair;

	if (repair_speech_refused(p, x->conn, end)) {
		set_due(p, spread(WAIT_MAX));
		return;
	}
	failed(x, why);
	if (p->refusals == 1) /* find out soon */
		set_due(p, spread(RETRY_MS));
}

static void on_ended(void *arg, enum recon_conn_end end, const char *why)
{
	struct exchange *x = arg;

	if (x->is_dialer && !x->was_begun)
		not_opened(x, end, why);
	else if (x->session)
		failed(x, why);
	free_exchange(x);
}

static struct exchange *new_exchange(struct reconciler *r, struct repair_pair *dialed)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->reconciler = r;
	x->pair = dialed;
	x->is_dialer = dialed != NULL;
	if (dialed) {
		dialed->is_dialing = true;
		r->n_dialing++;
	}
	LIST_INSERT_HEAD(&r->exchanges, x, next);
	return x;
}

static const struct recon_conn_ops conn_ops = {
	.opened = on_opened,
	.frame = on_frame,
	.ended = on_ended,
};

static struct recon_conn_options conn_options(struct exchange *x)
{
	struct reconciler *r = x->reconciler;

	return (struct recon_conn_options){
		.base = r->options.base,
		.tls = r->tls,
		.ops = &conn_ops,
		.arg = x,
		.figures = &r->conn_figures,
		.handshake_ms = HANDSHAKE_MS,
		.idle_ms = SILENCE_MS,
		.body_max = BODY_MAX,
		.queue_max = QUEUE_MAX,
	};
}

void reconciler_accept(struct reconciler *r, int fd)
{
	struct exchange *x;
	size_t n = 0;

	LIST_FOREACH (x, &r->exchanges, next)
		n++;
	x = r->stopping || r->figures.paused || n >= EXCHANGES_MAX ? NULL : new_exchange(r, NULL);
	if (!x) {
		close(fd);
		return;
	}
	const struct recon_conn_options options = conn_options(x);

	x->conn = recon_conn_accept(&options, fd);
	if (!x->conn)
		free_exchange(x);
}

/* ---- Dialing ---- */

static void connect_to(struct exchange *x, const struct sockaddr *to, socklen_t len)
{
	const struct recon_conn_options options = conn_options(x);
	char name[RECON_NAME_MAX + 1];

	shares_name(x->reconciler->options.ring, x->pair->node, name, sizeof(name));
	x->conn = recon_conn_dial(&options, to, len, name);
	if (!x->conn) {
		failed(x, "no memory or descriptor is left");
		free_exchange(x);
	}
}

static void on_resolved(int result, struct evutil_addrinfo *found, void *arg)
{
	struct exchange *x = arg;

	if (result == EVUTIL_EAI_CANCEL)
		return; /* the exchange is gone */
	x->lookup = NULL;
	if (result != 0 || !found) {
		failed(x, evutil_gai_strerror(result));
		free_exchange(x);
		return;
	}
	connect_to(x, found->ai_addr, (socklen_t)found->ai_addrlen);
	evutil_freeaddrinfo(found);
}

static void dial(struct repair_pair *p)
{
	struct reconciler *r = p->reconciler;
	const struct evutil_addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	struct exchange *x = new_exchange(r, p);
	struct evdns_getaddrinfo_request *lookup;
	struct sockaddr_storage sa;
	char port[8];
	struct addr to;

	set_due(p, WAIT_MAX); /* unless its end says otherwise */
	if (!x)
		return;
	if (!addr_parse(&to, r->options.receivers[p->node])) {
		failed(x, "its receiver's address is not host:port");
		free_exchange(x);
	} else if (addr_literal(&to, &sa)) {
		connect_to(x, (const struct sockaddr *)&sa,
			sa.ss_family == AF_INET ? sizeof(struct sockaddr_in)
						: sizeof(struct sockaddr_in6));
	} else {
		snprintf(port, sizeof(port), "%u", to.port);
		/* May call back at once, and free the exchange. */
		lookup = evdns_getaddrinfo(r->dns, to.host, port, &hints, on_resolved, x);
		if (lookup)
			x->lookup = lookup;
	}
}

static void dial_due(struct reconciler *r, int64_t now_ms)
{
	for (size_t i = 0; i < r->n_pairs && r->n_dialing < DIALING_MAX; i++) {
		struct repair_pair *p = &r->pairs[i];

		if (r->options.receivers[p->node] && !p->is_dialing && p->due_ms <= now_ms)
			dial(p);
	}
}

void repair_sessions_tick(struct reconciler *r, int64_t now_ms)
{
	struct exchange *next;

	for (struct exchange *x = LIST_FIRST(&r->exchanges); x; x = next) {
		next = LIST_NEXT(x, next);
		if (!x->session)
			continue;
		if (recon_session_deadline(x->session) <= (uint64_t)now_ms)
			recon_session_tick(x->session, repair_store_now());
		check(x);
	}
	if (r->is_known && !r->stopping && !r->figures.paused)
		dial_due(r, now_ms);
}

void repair_sessions_hurry(struct reconciler *r, size_t node, bool is_back)
{
	int64_t soon_ms = clock_monotonic_ms() + SOON_MS;

	for (size_t i = 0; i < r->n_pairs; i++) {
		struct repair_pair *p = &r->pairs[i];

		if (p->node != node)
			continue;
		if (is_back)
			p->failures = 0;
		/* One that fails keeps its distance. */
		if (p->failures == 0 && p->due_ms > soon_ms)
			p->due_ms = soon_ms;
	}
}

/* ---- Making and freeing ---- */

bool repair_sessions_init(struct reconciler *r)
{
	char self[RECON_NAME_MAX + 1];

	shares_name(r->options.ring, 0, self, sizeof(self));
	r->tls = recon_tls_new(self, r->options.derive, r->options.derive_arg);
	r->dns = evdns_base_new(r->options.base,
		EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (!r->dns) /* no resolv.conf: the hosts file still works */
		r->dns = evdns_base_new(r->options.base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	return r->tls && r->dns;
}

void repair_sessions_fini(struct reconciler *r)
{
	repair_sessions_drop(r, SIZE_MAX);
	if (r->dns)
		evdns_base_free(r->dns, 1);
	recon_tls_free(r->tls);
}

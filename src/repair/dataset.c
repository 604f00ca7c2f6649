#include "repair/internal.h"

#include "base/log.h"
#include "journal/ceiling.h"
#include "proto/reply.h"

#include <inttypes.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char info_request[] = "*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n";
static const char size_request[] = "*1\r\n$6\r\nDBSIZE\r\n";

/* ---- Cores ---- */

static void host_record(void *arg, const struct journal_record *record)
{
	(void)arg;
	(void)record; /* the journal is kept in memory only */
}

static void host_keep(void *arg, const struct recon_kept *kept)
{
	(void)arg;
	(void)kept;
}

static void host_read(void *arg, const void *key, size_t len, uint64_t ticket)
{
	const struct repair_share *s = arg;

	repair_store_read(s->reconciler->store, s->core, key, len, ticket);
}

static void host_apply(
	void *arg, const void *key, size_t len, const struct recon_content *c, uint64_t ticket)
{
	const struct repair_share *s = arg;

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

static void host_unsettled(void *arg, const void *key, size_t len, enum recon_unsettled why)
{
	const struct repair_share *s = arg;

	(void)key;
	(void)len;
	(void)why;
	s->reconciler->figures.keys_unsettled++;
}

static const struct recon_host host = {
	.record = host_record,
	.keep = host_keep,
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

static bool make_core(struct reconciler *r, size_t share, bool is_empty)
{
	const struct share *s = &r->shares.all[share];
	char name[RECON_NAME_MAX + 1];
	struct recon_options o = {
		.seed = s->digest,
		.share = s->digest,
		.name = name,
		.peers = s->n_peers == 64 ? UINT64_MAX : (UINT64_C(1) << s->n_peers) - 1,
		.standing = is_empty ? RECON_BEHIND : RECON_UNKNOWN,
		.max_delay_ms = (uint32_t)(2 * r->options.timeout_ms + 5000),
		.close_ms = (uint32_t)(r->options.timeout_ms + 1000),
		.clock = ceiling_clock(state_clock(r->options.state)),
		.host = &host,
		.arg = &r->cores[share],
	};

	if (s->n_peers == 0)
		return true; /* nobody else has these keys */
	shares_name(r->options.ring, 0, name, sizeof(name));
	o.node = identity_of(r->options.state);
	if (RAND_bytes((unsigned char *)&o.incarnation, sizeof(o.incarnation)) != 1)
		return false;
	o.incarnation |= 1; /* 0 is none */
	recon_core_free(r->cores[share].core);
	r->cores[share].core = recon_core_new(&o, repair_store_now());
	return r->cores[share].core != NULL;
}

bool repair_dataset_begin(struct reconciler *r, bool is_empty)
{
	for (size_t i = 0; i < r->shares.n; i++) {
		if (r->cores[i].core) {
			repair_sessions_drop(r, i);
			repair_store_leave(r->store, r->cores[i].core);
		}
		if (!make_core(r, i, is_empty))
			return false;
	}
	for (size_t i = 0; i < r->n_pairs; i++)
		r->pairs[i].settled_ms = 0;
	return true;
}

/* ---- Looking at the dataset ---- */

static void learn(struct reconciler *r, const char *run_id, bool is_empty)
{
	bool is_other = strcmp(run_id, r->run_id) != 0;

	if (is_other && !repair_dataset_begin(r, is_empty)) {
		log_error("entropy: no memory for a new journal");
		return; /* the ticker asks again */
	}
	if (is_other && r->run_id[0])
		log_notice("entropy: the datastore was started again %s; every key is compared "
			   "with the peers'",
			is_empty ? "empty" : "and may have lost writes");
	snprintf(r->run_id, sizeof(r->run_id), "%s", run_id);
	r->is_known = true;
}

/* The answer to INFO is kept until that to DBSIZE is there. */
static void on_info(void *arg, const uint8_t *reply, size_t len, enum write_fate fate)
{
	static const char field[] = "run_id:";
	struct reconciler *r = arg;
	const uint8_t *text, *found;
	size_t n, used, at;

	r->asked_run_id[0] = '\0';
	if (fate != WRITE_TAKEN || !reply || !reply_string(reply, len, &text, &n, &used) || !text)
		return;
	found = memmem(text, n, field, sizeof(field) - 1);
	if (!found)
		return;
	found += sizeof(field) - 1;
	for (at = 0; at + 1 < sizeof(r->asked_run_id) && found + at < text + n && found[at] > ' ';
		at++)
		r->asked_run_id[at] = (char)found[at];
	r->asked_run_id[at] = '\0';
}

static void on_size(void *arg, const uint8_t *reply, size_t len, enum write_fate fate)
{
	struct reconciler *r = arg;
	int64_t n;

	r->is_asking = false;
	if (r->ask_again) /* a connection was made meanwhile */
		r->ask_again = false;
	else if (fate == WRITE_TAKEN && reply && reply_integer(reply, len, &n) &&
		 r->asked_run_id[0])
		learn(r, r->asked_run_id, n == 0);
}

static bool ask(struct reconciler *r, const char *request, size_t len, proxy_answered *answered)
{
	const struct proxy_own_request own = {
		.key = "",
		.request = request,
		.request_len = len,
		.answered = answered,
		.arg = r,
	};

	return proxy_ask(r->proxy, &own);
}

void repair_dataset_ask(struct reconciler *r)
{
	r->is_asking = true;
	if (!ask(r, info_request, sizeof(info_request) - 1, on_info) ||
		!ask(r, size_request, sizeof(size_request) - 1, on_size))
		r->is_asking = false;
}

void reconciler_datastore_up(void *arg)
{
	struct reconciler *r = arg;

	r->is_known = false;
	r->ask_again = r->is_asking;
	event_active(r->sweep, EV_TIMEOUT, 0);
}

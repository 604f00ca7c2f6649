#include "repair/internal.h"

#include "base/log.h"

#include <string.h>

/* So often in a row a node must refuse before it counts as one of version 1: one that stops or has
 * no room may end a handshake too. */
#define REFUSALS 2

static const char *name_of(const struct reconciler *r, size_t node)
{
	return r->options.ring->nodes[node].name;
}

void repair_speech_opened(struct reconciler *r, size_t node)
{
	enum reconciler_speech was = r->speech[node];

	r->speech[node] = RECONCILER_SPEAKS_2;
	if (was == RECONCILER_SPEAKS_1)
		log_notice("entropy: %s speaks version 2 of the protocol now: it is sent no rounds "
			   "any more",
			name_of(r, node));
}

void repair_speech_opened_by(struct reconciler *r, const char *name)
{
	char other[RECON_NAME_MAX + 1];

	for (size_t i = 1; i < r->options.ring->n_nodes; i++) {
		shares_name(r->options.ring, i, other, sizeof(other));
		if (strcmp(name, other) == 0)
			repair_speech_opened(r, i);
	}
}

static void found_version_1(struct reconciler *r, size_t node)
{
	r->speech[node] = RECONCILER_SPEAKS_1;
	log_notice("entropy: %s speaks version 1 of the protocol alone: it is sent rounds",
		name_of(r, node));
	if (r->options.speaks_1)
		r->options.speaks_1(r->options.arg, node);
}

bool repair_speech_refused(
	struct repair_pair *p, const struct recon_conn *c, enum recon_conn_end end)
{
	enum recon_tls_refusal how = recon_conn_refusal(c);
	struct reconciler *r = p->reconciler;

	if (end != RECON_CONN_REFUSED || (how != RECON_TLS_NOT_TLS && how != RECON_TLS_CUT)) {
		p->refusals = 0;
		return false;
	}
	p->refusals++;
	if (p->refusals >= REFUSALS && r->speech[p->node] == RECONCILER_SPEECH_UNKNOWN)
		found_version_1(r, p->node);
	return r->speech[p->node] == RECONCILER_SPEAKS_1;
}

void repair_speech_ask_again(struct reconciler *r, size_t node)
{
	if (r->speech[node] == RECONCILER_SPEAKS_2)
		return;
	r->speech[node] = RECONCILER_SPEECH_UNKNOWN;
	for (size_t i = 0; i < r->n_pairs; i++)
		if (r->pairs[i].node == node)
			r->pairs[i].refusals = 0;
}

enum reconciler_speech reconciler_speech(const struct reconciler *r, size_t node)
{
	return r->speech[node];
}

#include "proxy/refused.h"

#include "proxy/peer.h"
#include "proxy/proxy_internal.h"

#include <stdlib.h>
#include <string.h>

#define CODE_MAX 24 /* bytes of the code that an error begins with, and a NUL */

/* A leg that has ended with an error, until the local rack's fate is known. */
struct refused {
	SLIST_ENTRY(refused) next;
	size_t node;
	uint32_t first_key, n_keys;
	char code[CODE_MAX];
};

/* The code of an error reply, such as NOSCRIPT, to be shown. */
static void copy_code(const struct reply *reply, char code[CODE_MAX])
{
	size_t n = 0;

	while (n < CODE_MAX - 1 && n + 1 < reply->len && reply->bytes[n + 1] >= 'A' &&
		reply->bytes[n + 1] <= 'Z') {
		code[n] = (char)reply->bytes[n + 1];
		n++;
	}
	code[n] = '\0';
}

static void report(
	struct proxy *p, struct part *part, const struct refused *refused, enum write_fate local)
{
	const struct leg like = {
		.part = part,
		.is_write = true,
		.first_key = refused->first_key,
		.n_keys = refused->n_keys,
	};
	bool is_missed = local == WRITE_TAKEN;

	if (is_missed)
		peer_refused(p->replicas[refused->node], refused->code);
	proxy_write_ended(p, refused->node, &like, is_missed ? WRITE_MISSED : WRITE_REFUSED, NULL);
}

void refused_elsewhere(
	struct proxy *p, size_t node, const struct leg *leg, const struct reply *reply)
{
	struct part *part = leg->part;
	struct refused now = {
		.node = node,
		.first_key = leg->first_key,
		.n_keys = leg->n_keys,
	};
	struct refused *later = NULL;

	copy_code(reply, now.code);
	if (part->local_fate == WRITE_UNDER_WAY) {
		later = malloc(sizeof(*later));
		if (!later) /* rather one missed write too many */
			report(p, part, &now, WRITE_TAKEN);
	} else {
		report(p, part, &now, (enum write_fate)part->local_fate);
	}
	if (later) {
		*later = now;
		SLIST_INSERT_HEAD(&part->refused, later, next);
	}
}

void refused_decide(struct proxy *p, struct part *part, enum write_fate local)
{
	struct refused *refused;

	part->local_fate = (uint8_t)local;
	while ((refused = SLIST_FIRST(&part->refused)) != NULL) {
		SLIST_REMOVE_HEAD(&part->refused, next);
		report(p, part, refused, local);
		free(refused);
	}
}

void refused_drop(struct part *part)
{
	struct refused *refused;

	while ((refused = SLIST_FIRST(&part->refused)) != NULL) {
		SLIST_REMOVE_HEAD(&part->refused, next);
		free(refused);
	}
}

/*
 * core_internal - what the sessions of a core share with it.  One thread.
 */
#ifndef RECON_CORE_INTERNAL_H
#define RECON_CORE_INTERNAL_H

#include "recon/core.h"
#include "recon/message.h"

#include <sys/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

struct recon_session;

/* What the host has been asked for and has not answered yet. */
enum recon_asked {
	RECON_ASKED_READ,
	RECON_ASKED_APPLY,
	RECON_ASKED_SCAN
};

struct recon_pending {
	TAILQ_ENTRY(recon_pending) link;
	uint64_t ticket;
	enum recon_asked what;
	struct recon_session *session; /* NULL: it has been freed */
	uint32_t id;                   /* of the session's key */
	/* Of a repair: what to record when it is carried out. */
	uint32_t peer;
	struct journal_record record;
	struct journal_entry *entries;
	uint8_t *key;
};

/* A key whose value is older than its chain says. */
struct recon_refused {
	uint64_t hash, chain_digest;
};

#define RECON_REFUSED_MAX 1024

struct recon_core {
	struct recon_options o;
	struct journal *journal;
	struct recon_kept kept;
	char name[RECON_NAME_MAX + 1];
	uint64_t last_ticket;
	TAILQ_HEAD(, recon_pending) pending;
	uint64_t dialing, listening; /* masks: peers with a session in that role */
	uint64_t wants_full;         /* mask: peers with which every key is to be compared */
	struct recon_refused refused[RECON_REFUSED_MAX];
	size_t next_refused;
};

static inline bool recon_core_has_rule(const struct recon_core *c, enum recon_rule rule)
{
	return !(c->o.without & rule);
}

/* The epoch of so long ago, by this node's clock. */
uint32_t recon_core_epoch_before(uint32_t ago_ms, struct recon_now now);

/* What this node says to a peer; what it says to be complete takes no write any more.  False when
 * out of memory; release it with recon_hello_fini(). */
bool recon_core_hello(
	struct recon_core *c, uint32_t peer, struct recon_now now, struct recon_hello *h);

/* What a peer has said. */
void recon_core_hear(struct recon_core *c, uint32_t peer, const struct recon_hello *h);

/* A session with the peer has compared all that it set out to compare; other: the peer's standing.
 * full: every key. */
void recon_core_compared(struct recon_core *c, uint32_t peer, const struct recon_hello *h,
	enum recon_standing other, bool full);

/* Ask the host; answered to the session by recon_keys_ and recon_scan_.  False when out of
 * memory. */
bool recon_core_ask_read(
	struct recon_core *c, struct recon_session *s, uint32_t id, const void *key, size_t len);
bool recon_core_ask_scan(struct recon_core *c, struct recon_session *s);

/* Record a repair and ask the host for it. */
bool recon_core_ask_apply(struct recon_core *c, struct recon_session *s, uint32_t id,
	const struct journal_record *r, const struct recon_content *content);

/* Redis refuses the value of a repair: the key has the repair's entries from now on, so that its
 * epochs can be settled, but not its value. */
void recon_core_refuse(struct recon_core *c, uint32_t peer, const struct journal_record *r);
bool recon_core_is_refused(const struct recon_core *c, const struct journal_chain *chain);

/* The session is freed. */
void recon_core_leave(struct recon_core *c, struct recon_session *s);

/* ---- What sessions do with the answers ---- */

uint32_t recon_session_peer(const struct recon_session *s); /* the bit of the other node */

void recon_keys_read(struct recon_session *s, uint32_t id, const struct recon_content *content,
	struct recon_now now);
void recon_keys_applied(
	struct recon_session *s, uint32_t id, enum recon_outcome outcome, struct recon_now now);
/* Around the record of a repair of the session's own: it is not another's. */
void recon_keys_before_repair(struct recon_session *s, const struct journal_record *r);
void recon_keys_after_repair(struct recon_session *s);
bool recon_full_wants(struct recon_session *s, const void *key, size_t len);
void recon_full_key(struct recon_session *s, const void *key, size_t len, uint64_t digest);
void recon_full_scanned(struct recon_session *s, bool ok, struct recon_now now);

#ifdef __cplusplus
}
#endif

#endif

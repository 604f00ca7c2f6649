/*
 * session_internal - shared by the files of a session: session.c begins and settles it, list.c
 * finds the keys that differ by the journals, full.c those that differ by their values, keys.c
 * compares key by key, key_side.c is one node's side of that.  One thread.
 */
#ifndef RECON_SESSION_INTERNAL_H
#define RECON_SESSION_INTERNAL_H

#include "recon/core_internal.h"
#include "recon/session.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RECON_WINDOW_MAX 256

enum stage {
	STAGE_HELLO,
	STAGE_PLAN,    /* listener */
	STAGE_LIST,    /* lists are exchanged */
	STAGE_BUCKETS, /* full: sums of buckets */
	STAGE_PART,    /* full: a part of the buckets is scanned */
	STAGE_KEYS,
	STAGE_SETTLE, /* dialer: waits for SETTLED; listener: for BYE */
};

/* An epoch that is compared. */
struct compared {
	uint32_t epoch;
	uint32_t repairs; /* seen when it was listed, and the session's own since */
	uint32_t before;
	bool is_touched; /* by a repair of the session's own, which is being recorded */
	bool failed;     /* a key of it changed meanwhile */
};

/* Names of keys, one after the other, without doubles once sorted. */
struct name {
	uint64_t hash; /* what it was listed as, or of the key */
	size_t at;
	uint32_t len;
};

struct names {
	struct buf bytes;
	struct name *list;
	size_t n, cap;
};

enum key_state {
	KEY_FREE,
	KEY_ASKED,     /* dialer: waits for SIDE */
	KEY_QUEUED,    /* is read when there is room */
	KEY_READING,   /* waits for this Redis */
	KEY_HELD,      /* listener: waits for what the dialer decides */
	KEY_RECEIVING, /* waits for the rest of the content */
	KEY_APPLYING,  /* waits for this Redis */
	KEY_TAKEN,     /* dialer: waits for ANSWER */
};

/* A key under way. */
struct key {
	enum key_state state;
	uint8_t *name;
	size_t len;
	uint64_t began_ms;
	struct recon_side mine, theirs;
	struct buf content; /* listener: its own; then the other's, as it arrives */
	size_t held;        /* bytes of contents, here or on their way to the peer */
};

struct recon_session {
	struct recon_core *c;
	struct recon_session_options o;
	enum recon_session_state state;
	enum recon_why why;
	enum stage stage;
	struct recon_session_figures figures;
	uint64_t began_ms, heard_ms, spoke_ms;
	struct buf in, out;

	struct recon_hello mine, theirs;
	enum recon_standing my_standing, their_standing; /* when it was planned */
	bool full, all_well;
	struct compared *epochs; /* ascending */
	size_t n_epochs;

	uint64_t *list; /* what the other listed */
	size_t n_list, cap_list;
	bool is_listed;     /* to its end */
	struct names todo;  /* dialer: keys to compare */
	size_t next;        /* of them */
	struct key *keys;   /* window of them, by id */
	size_t n_under_way; /* dialer */
	size_t held;        /* by all keys */

	/* full.c */
	bool is_scanning, is_part, has_scanned;
	uint32_t *differ; /* pairs: a bucket that differs, keys of it on both sides */
	size_t n_differ, cap_differ, next_differ;
	struct recon_bucket *buckets, *their_buckets;
	size_t n_theirs;
	unsigned bits;
	uint8_t *wanted;    /* a bit for each bucket of the part */
	struct names found; /* the keys of the part, as they were listed */
};

/* End the session, and tell the peer why unless it said so itself. */
void recon_session_end(struct recon_session *s, enum recon_why why);

/* Send what was put into s->out; ok: it could be put there. */
void recon_session_flush(struct recon_session *s, bool ok, struct recon_now now);

struct compared *recon_session_epoch(struct recon_session *s, uint32_t epoch);

/* ---- settle.c ---- */

/* Dialer: all keys are done. */
void recon_session_settle(struct recon_session *s, struct recon_now now);
void recon_settle_take(struct recon_session *s, const struct recon_frame *f, struct recon_now now);

/* ---- names.c ---- */

bool recon_names_add(struct names *l, uint64_t hash, const void *key, size_t len);
void recon_names_sort(struct names *l);
void recon_names_clear(struct names *l);
void recon_names_fini(struct names *l);
static inline const uint8_t *recon_names_at(const struct names *l, const struct name *name)
{
	return buf_head(&l->bytes) + name->at;
}

/* ---- list.c ---- */

/* Dialer: send the list; listener: more of the other's list, then what differs. */
void recon_list_send(struct recon_session *s, struct recon_now now);
void recon_list_take(struct recon_session *s, const struct recon_frame *f, struct recon_now now);
void recon_list_answer(struct recon_session *s, struct recon_now now);
void recon_list_need(struct recon_session *s, const struct recon_frame *f, struct recon_now now);

/* ---- full.c ---- */

void recon_full_take(struct recon_session *s, const struct recon_frame *f, struct recon_now now);
/* Dialer: the next part, or settle. */
void recon_full_next(struct recon_session *s, struct recon_now now);

/* ---- key_side.c ---- */

/* k->mine, at the moment of Redis' reply.  False when out of memory. */
bool recon_key_fill(struct recon_session *s, struct key *k, const struct recon_content *content);

/* FIRST: mine. */
enum journal_winner recon_key_decide(const struct key *k);

/* Whether the key is still as the session saw it, and was seen lately. */
bool recon_key_is_as_seen(struct recon_session *s, const struct key *k, struct recon_now now);

/* The contents are equal already: the entries become k->theirs.  False when out of memory. */
bool recon_key_align(struct recon_session *s, const struct key *k);

/* The entries and the value become k->theirs and k->content: answered by recon_keys_applied().
 * False when out of memory. */
bool recon_key_apply(struct recon_session *s, struct key *k);

/* ---- keys.c ---- */

/* Dialer: compare the keys of s->todo. */
void recon_keys_begin(struct recon_session *s, struct recon_now now);
void recon_keys_take(struct recon_session *s, const struct recon_frame *f, struct recon_now now);
void recon_keys_fini(struct recon_session *s);

#ifdef __cplusplus
}
#endif

#endif

/*
 * internal - the reconciler, shared by its files: reconciler.c takes the writes, dataset.c looks
 * what the datastore holds after each connection, sessions.c dials, listens and runs sessions.
 */
#ifndef REPAIR_INTERNAL_H
#define REPAIR_INTERNAL_H

#include "base/buf.h"
#include "base/log.h"
#include "cluster/shares.h"
#include "journal/marker.h"
#include "journal/wal.h"
#include "recon/conn.h"
#include "recon/core.h"
#include "repair/reach.h"
#include "repair/reconciler.h"
#include "repair/store.h"
#include "repair/unsettled.h"

#include <event2/dns.h>
#include <sys/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REPAIR_WHY_MAX 160

/* A share as one of its peers owns it too. */
struct repair_pair {
	struct reconciler *reconciler;
	size_t share;
	uint32_t bit;           /* of the peer, in the core */
	size_t node;            /* index in ring->nodes */
	int64_t due_ms;         /* when to dial; monotonic */
	unsigned failures;      /* sessions in a row, of those that this node dialed */
	bool is_dialing;        /* there is an exchange that this node dialed */
	unsigned refusals;      /* of the handshake, in a row: see speech.c */
	uint64_t settled_until; /* what is older is settled with it; ms since 2020; 0: nothing */
	uint64_t wanted_until;  /* sessions follow each other until this is settled */
	struct repair_peer_figures figures; /* of sessions that have ended */
	char why[REPAIR_WHY_MAX];           /* its last session failed; "": it did not */
};

/* A connection with a peer, and the session on it. */
struct exchange {
	LIST_ENTRY(exchange) next;
	struct reconciler *reconciler;
	struct repair_pair *pair; /* NULL: not known yet */
	bool is_dialer;
	struct evdns_getaddrinfo_request *lookup;
	struct recon_conn *conn;       /* NULL: the name is being looked up */
	struct recon_session *session; /* NULL: it has not begun, or has ended */
	struct recon_now began;        /* the session */
	double began_at;               /* likewise, seconds since 1970 */
	bool was_begun;                /* there was a session */
	bool overflowed;               /* what it had to send did not fit */
};

/* A share of this node. */
struct repair_share {
	struct reconciler *reconciler;
	struct recon_core *core; /* NULL: not looked at yet, or nobody else has its keys */
	uint32_t in_log;         /* its number in the log */
};

/* The marker of a lane: see journal/marker.h. */
struct repair_lane {
	struct reconciler *reconciler;
	uint32_t number;
	uint64_t sent;   /* the position in the marker that was sent last */
	uint32_t asked;  /* requests about the marker that are not answered */
	uint32_t before; /* of these, how many were sent before the dataset was looked at */
	bool is_there;   /* the datastore has a marker of this log */
};

struct reconciler {
	struct reconciler_options options;
	struct proxy *proxy;
	struct shares shares;
	struct repair_share *cores;     /* one for each share */
	enum reconciler_speech *speech; /* of each node of the ring */
	struct repair_pair *pairs;
	size_t n_pairs;
	bool owns_all; /* there is one share, and it has every key */
	struct repair_store *store;
	struct recon_tls *tls;
	struct recon_conn_ops conn_ops;
	struct recon_conn_figures conn_figures;
	struct evdns_base *dns;
	struct event *ticker;
	struct event *sweep; /* looks at the sessions soon */
	int64_t next_forget_ms, next_verify_ms;
	struct reach reach; /* of the journals */
	LIST_HEAD(, exchange) exchanges;
	size_t n_dialing;
	bool stopping;
	struct unsettled *unsettled;   /* keys that stay different, each with a pair */
	struct log_gate gate;          /* limits messages that other nodes can cause */
	struct repair_figures figures; /* what reconciler_count() does not find elsewhere */

	/* The log, and what the dataset has of it. */
	struct wal *wal;
	struct repair_lane *lanes; /* options.n_lanes of them */
	bool is_dirty;             /* something was appended since the last flush */
	bool is_known;             /* the dataset was looked at since the last connection */
	bool is_asking;
	uint32_t life;   /* in the names of the connections */
	uint32_t naming; /* lanes whose connection is being named */
	bool ask_again;  /* a connection was made while it was being looked at */
	bool is_foreign; /* the dataset was exchanged or emptied while it was connected */
	bool found_ok;   /* of the look that is under way: the markers were read */
	struct marker_found found[WAL_LANES_MAX];
	bool is_begun;         /* the cores were made */
	bool has_one_database; /* the datastore has no other for the markers */
	bool has_no_markers;   /* its user may run no scripts */
	bool no_memory;
};

/* ---- reconciler.c ---- */

/* The pair that a peer's first message is about; NULL: it sees another ring. */
struct repair_pair *repair_find_pair(struct reconciler *r, const char *peer, uint64_t share);

/* ---- log.c ---- */

/* Open the log; false with a message logged. */
bool repair_log_open(struct reconciler *r);
void repair_log_close(struct reconciler *r);

/* The record, keep of struct recon_host; arg is the struct repair_share. */
void repair_log_record(void *arg, const struct journal_record *record);
void repair_log_keep(void *arg, const struct recon_kept *kept);

/* Send the markers of the lanes that had commands, and write the log: before anything is sent. */
void repair_log_flush(struct reconciler *r);

/* Look whether the markers are still there: a dataset that is emptied while nobody writes is
 * noticed by nothing else. */
void repair_log_verify(struct reconciler *r);

/* Write the EVAL of a script for the markers of n lanes.  False when out of memory. */
bool repair_log_write(const struct reconciler *r, struct buf *out, const char *script,
	uint32_t first, uint32_t n, const char *value);
extern const char repair_log_look_script[]; /* returns all of them */

/* The lanes begin with the markers that were found. */
void repair_log_begin_lanes(struct reconciler *r);

/* ---- fence.c ---- */

/* End old connections, and look what the datastore holds; the writes wait until it is known. */
void repair_dataset_ask(struct reconciler *r);

/* ---- dataset.c ---- */

/* The second half of it. */
void repair_dataset_look(struct reconciler *r);

/* ---- count.c ---- */

/* Add what the session of an exchange did to the figures. */
void repair_count_session(const struct exchange *x);

/* ---- held.c: what the journals know, for the threads that apply what rounds bring ---- */

/* Note the key of a record. */
void repair_held_note(struct reconciler *r, const struct journal_record *record);

/* Note the keys of all journals: they are empty, or were done again from a log. */
void repair_held_begin(struct reconciler *r);

/* See whether entries were forgotten; about once a second. */
void repair_held_look(struct reconciler *r);

/* ---- sessions.c ---- */

bool repair_sessions_init(struct reconciler *r);
void repair_sessions_fini(struct reconciler *r);

/* Dial who is due, and look at the deadlines of sessions; a few times a second. */
void repair_sessions_tick(struct reconciler *r, int64_t now_ms);

/* End those of a share, or all of them (SIZE_MAX). */
void repair_sessions_drop(struct reconciler *r, size_t share);

/* End those that are done; soon, from the event loop. */
void repair_sessions_sweep(struct reconciler *r);

/* A session with a node soon: it missed a write, or is back after it was down. */
void repair_sessions_hurry(struct reconciler *r, size_t node, bool is_back);

/* ---- speech.c ---- */

/* A node has opened a connection, by its index or by its name. */
void repair_speech_opened(struct reconciler *r, size_t node);
void repair_speech_opened_by(struct reconciler *r, const char *name);

/* A connection that this node dialed ended before it was open.  True when that is how the peer is
 * known to speak version 1 alone, so that it is no failure. */
bool repair_speech_refused(
	struct repair_pair *p, const struct recon_conn *c, enum recon_conn_end end);

/* A node is back, perhaps with another release. */
void repair_speech_ask_again(struct reconciler *r, size_t node);

#ifdef __cplusplus
}
#endif

#endif

/*
 * proxy_options - the settings and hooks of a proxy.
 *
 * Plain data.  Settings have the names of dynomite.yml, whose manual page describes them.  Event
 * loop's thread.
 */
#ifndef PROXY_PROXY_OPTIONS_H
#define PROXY_PROXY_OPTIONS_H

#include "base/consistency.h"
#include "proxy/write.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Which connections to and from other nodes are encrypted: those to nodes of ... */
enum proxy_encryption {
	PROXY_ENCRYPT_NONE,
	PROXY_ENCRYPT_RACK,       /* another rack */
	PROXY_ENCRYPT_DATACENTER, /* another datacenter */
	PROXY_ENCRYPT_ALL,
};

/* Callbacks, in the event loop's thread; each may be NULL. */
struct proxy_hooks {
	/* A node that was down or missed requests takes requests again; node is an index into
	 * ring->nodes. */
	void (*node_back)(void *arg, size_t node);
	/* A connection to the datastore was made, perhaps to one that was started again.  Must not
	 * send anything before it returns. */
	void (*datastore_up)(void *arg);
	/* Called before bytes are written to connections, at the latest at the end of an iteration
	 * of the loop.  May send requests of the node itself. */
	void (*before_flush)(void *arg);
	/*
	 * The id of a message to a peer, greater than all before.  Writes of this node's clients
	 * carry it as their stamp, which the message says.  NULL: messages are numbered, and writes
	 * have no stamps.
	 */
	uint64_t (*draw_stamp)(void *arg);
	/*
	 * A write with keys arrives for this node's datastore: set the verdict of each key.  Those
	 * to be carried out are sent, or passed over, at once, unless one is to wait or declined;
	 * then the write is not sent, and the hook is called again for one that waits.  Only the
	 * keys of a divisible write may get different verdicts.  NULL: all are carried out.
	 */
	void (*write_arrives)(void *arg, struct stamped_write *w);
	/* A write with keys is sent to this node's datastore, or queued, after this returns. */
	void (*write_begun)(void *arg, struct stamped_write *w);
	/*
	 * A write has ended on a replica, with an answer or without.  node is an index into
	 * ring->nodes, 0: this node's datastore.  The keys are those that this replica's part of
	 * the write may change; none when the request names none, or when out of memory.  They are
	 * valid until this returns.  left_unchanged: see request_left_unchanged().  Called once for
	 * each replica and part of a request, even if it was not sent.
	 */
	void (*write_ended)(void *arg, size_t node, const struct stamped_write *w,
		enum write_fate fate, bool left_unchanged);
	void *arg;
};

/* The texts are borrowed until proxy_free(). */
struct proxy_options {
	const char *listen, *dyn_listen; /* NULL: does not listen */
	int backlog;
	/* Limits; 0 clients: as many as there are descriptors for. */
	size_t client_connections, dyn_connections;
	size_t descriptors_kept; /* reserved for other parts of the node */

	const char *datastore;   /* "host:port" or the path of a socket */
	const char *requirepass; /* NULL: none */
	size_t datastore_connections;
	bool preconnect;

	size_t local_peer_connections, remote_peer_connections;
	bool auto_eject_hosts;
	int64_t server_retry_timeout_ms;
	unsigned server_failure_limit;
	enum proxy_encryption encryption;
	const char *pem_key_file; /* may be NULL if nothing is encrypted */

	int64_t timeout_ms;
	size_t max_msgs; /* limit of those under way per connection to a replica */
	enum consistency read_consistency, write_consistency; /* initial ones */

	struct proxy_hooks hooks;
};

#ifdef __cplusplus
}
#endif

#endif
